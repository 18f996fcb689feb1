"""
Fakes for the tests of code that uses the client: scripted answers, no socket, no waiting.

    from openrouter_rerank.testing import FakeOpenRouter, answer

    def test_retries() -> None:
        with FakeOpenRouter(429, answer(scores=[0.1, 0.9])) as client:
            res = client.rerank.rerank(documents=["a", "b"], model="m", query="q")

        assert [result.index for result in res.results] == [1, 0]
        assert len(client.requests) == 2

Everything but the network and the clock is the real client. With pytest, the fixture
`fake_openrouter` makes such clients and closes them.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

import httpx
from attrs import frozen

from ._call.clock import Clock
from ._client import OpenRouter

__all__ = ["Answer", "FakeOpenRouter", "ScriptedTransport", "Step", "answer"]

FAKE_KEY = "sk-or-fake"


@frozen
class Answer:
    """
    An answer of the fake API; made by `answer`.

    Attributes:
        status: The HTTP status.
        body: The body as JSON; None builds what the API would send with this status.
        headers: Further headers.
        scores: A score for each document, by its index; None scores earlier documents higher.
        cost: What the ranking costs, in credits; None does not say.
    """

    status: int
    body: object
    headers: Mapping[str, str]
    scores: Sequence[float] | None
    cost: float | None = None

    def build(self, request: httpx.Request) -> httpx.Response:
        """Build the reply to a request."""
        body = self.body
        if body is None and self.status == HTTPStatus.OK:
            body = rank(json.loads(request.content), self.scores)
            if self.cost is not None:
                body["usage"] = {"cost": self.cost}
        elif body is None:
            body = {"error": {"code": self.status, "message": "scripted error"}}
        return httpx.Response(self.status, json=body, headers=dict(self.headers))


Step = int | Answer | httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]
"""One step of a script: a status, an `answer(...)`, a ready `httpx.Response`, an exception to raise
such as `httpx.ConnectError("refused")`, or a function that takes the request."""


def answer(
    status: int = 200,
    *,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    retry_after: float | None = None,
    scores: Sequence[float] | None = None,
    cost: float | None = None,
) -> Answer:
    """
    Describe one answer of the fake API.

    Args:
        status: The HTTP status.
        body: The body, sent as JSON. None sends a ranking of the request's documents with 200, and
            the contract's error envelope with any other status.
        headers: Further headers.
        retry_after: Seconds for the header `Retry-After`; None sends none.
        scores: A score for each document, by its index; None scores earlier documents higher.
        cost: What the ranking costs, in credits; None does not say, which ends a run with a
            `max_cost`.
    """
    sent = dict(headers or {})
    if retry_after is not None:
        sent["Retry-After"] = f"{retry_after:g}"
    return Answer(status, body, sent, scores, cost)


def rank(body: Mapping[str, Any], scores: Sequence[float] | None) -> dict[str, object]:
    """Build the reply to a request's body, `CreateRerankResponseBody` in openapi.yaml."""
    documents: list[str | dict[str, str]] = body["documents"]
    all_scores = scores or [1 / (2 + index) for index in range(len(documents))]
    order = sorted(range(len(documents)), key=lambda index: -all_scores[index])
    results = [
        {
            "index": index,
            "relevance_score": all_scores[index],
            "document": as_object(documents[index]),
        }
        for index in order[: body.get("top_n")]
    ]
    return {"id": "gen-rerank-fake", "model": body["model"], "results": results}


def as_object(document: str | dict[str, str]) -> dict[str, str]:
    """Return a document in the form that a reply has."""
    return {"text": document} if isinstance(document, str) else document


class ScriptedTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """
    Answers from a script, in order, and keeps the requests; sync and async.

    Attributes:
        requests: The requests so far, in the order in which they came.
    """

    def __init__(self, *script: Step) -> None:
        """
        Take the script.

        Args:
            script: The steps, one for each attempt. Without any, every request gets a ranking.
        """
        self.requests: list[httpx.Request] = []
        self._script = list(script)
        self._is_endless = not script

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The bodies of the requests so far."""
        return [json.loads(request.content) for request in self.requests]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """
        Answer with the next step.

        Raises:
            AssertionError: The script has no step left.
        """
        # A copy, since the client uses its own again for the next attempt.
        self.requests.append(
            httpx.Request(
                request.method, request.url, headers=request.headers, content=request.read()
            )
        )
        if not self._script and not self._is_endless:
            raise AssertionError(f"the script has no step for request {len(self.requests)}")
        step = answer() if self._is_endless else self._script.pop(0)
        if isinstance(step, Exception):
            raise step
        if isinstance(step, int):
            step = answer(step)
        if isinstance(step, Answer):
            return step.build(request)
        return step if isinstance(step, httpx.Response) else step(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Async `handle_request`."""
        return self.handle_request(request)


class FakeOpenRouter(OpenRouter):
    """
    The real client over a `ScriptedTransport`, on a clock that never waits.

    Attributes:
        waits: The seconds that it would have slept, one entry for each retry.
    """

    def __init__(self, *script: Step, **options: Any) -> None:
        """
        Take the script.

        Args:
            script: The steps, as for `ScriptedTransport`.
            options: Arguments of `OpenRouter` by keyword; without `api_key` it has a fake key.

        Raises:
            TypeError: An option has the wrong type.
            ValueError: An option has a value that cannot work.
        """
        self.waits: list[float] = []
        self._scripted_transport = ScriptedTransport(*script)
        super().__init__(
            transport=self._scripted_transport,
            async_transport=self._scripted_transport,
            **cast("dict[str, Any]", {"api_key": FAKE_KEY, **options}),
        )
        self._caller.clock = Clock(
            now=lambda: sum(self.waits), sleep=self.waits.append, sleep_async=self._sleep_async
        )

    @property
    def requests(self) -> list[httpx.Request]:
        """The requests so far, one for each attempt."""
        return self._scripted_transport.requests

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The bodies of the requests so far."""
        return self._scripted_transport.bodies

    async def _sleep_async(self, seconds: float) -> None:
        self.waits.append(seconds)
