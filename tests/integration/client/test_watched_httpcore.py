"""Tools that take the place of httpcore's methods see our calls, as those that patch httpx do."""

import functools
from collections.abc import Iterator
from typing import Any

import httpcore
import pytest
import respx
from openrouter_rerank import OpenRouter, local

REPLY = {"id": "r", "model": "m", "results": [{"index": 0, "relevance_score": 0.5}]}
ASK: dict[str, Any] = {"documents": ["Paris"], "model": "m", "query": "q"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Serve the API."""
    with local.running() as url:
        yield url


def test_respx_answers_where_a_connection_was_open(url: str) -> None:
    """Respx's mock of httpcore answers, though a connection to the server itself is still open."""
    with OpenRouter(server_url=url) as client:
        before = client.rerank.rerank(**ASK)
        with respx.mock(using="httpcore") as mock:
            route = mock.post(f"{url}/rerank").respond(json=REPLY)
            answered = client.rerank.rerank(**ASK)
        after = client.rerank.rerank(**ASK)

    assert route.call_count == 1
    assert answered.results[0].relevance_score == 0.5
    assert before.results[0].relevance_score == after.results[0].relevance_score != 0.5


@pytest.mark.anyio
async def test_respx_answers_async_calls(url: str) -> None:
    """The same of an async call."""
    async with OpenRouter(server_url=url) as client:
        with respx.mock(using="httpcore") as mock:
            mock.post(f"{url}/rerank").respond(json=REPLY)
            answered = await client.rerank.rerank_async(**ASK)

    assert answered.results[0].relevance_score == 0.5


def test_a_wrapper_sees_every_call_over_one_connection(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrapper that calls the method it replaces, as monitoring does, sees each call."""
    seen: list[bytes] = []
    connections: set[int] = set()
    send = httpcore.HTTPConnection.handle_request

    @functools.wraps(send)
    def watch(self: httpcore.HTTPConnection, request: httpcore.Request) -> httpcore.Response:
        seen.append(request.url.target)
        connections.add(id(self))
        return send(self, request)

    monkeypatch.setattr(httpcore.HTTPConnection, "handle_request", watch)
    with OpenRouter(server_url=url) as client:
        for _ in range(3):
            client.rerank.rerank(**ASK)

    assert seen == [b"/api/v1/rerank"] * 3
    assert len(connections) == 1
