"""Who watches calls: what is told, and that it changes nothing."""

import httpx
import pytest
from openrouter_rerank import RetryEvent, errors
from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._codec.response import Reply
from openrouter_rerank.errors import OpenRouterError
from openrouter_rerank.operations import CreateRerankResponseBody
from openrouter_rerank.testing import FakeOpenRouter, Step, answer

BROKEN = answer(body={"model": "m", "results": [{"index": 9, "relevance_score": 1.0}]})


class Notebook:
    """Watches calls and writes down what it is told."""

    def __init__(self) -> None:
        """Begin with an empty page."""
        self.notes: list[object] = []

    def on_call(self, encoded: EncodedRequest, url: httpx.URL) -> "Notebook":
        """Note what is asked, and where."""
        self.notes.append((encoded.model, encoded.top_n, url.path))
        return self

    def on_attempt(self, request: httpx.Request) -> None:
        """Note an attempt."""
        self.notes.append(request.method)

    def on_response(self, response: httpx.Response) -> None:
        """Note a status."""
        self.notes.append(response.status_code)

    def on_retry(self, event: RetryEvent) -> None:
        """Note which attempt failed."""
        self.notes.append(event.attempt)

    def on_wait(self) -> None:
        """Note that the wait begins."""
        self.notes.append("wait")

    def on_success(self, reply: Reply, model: CreateRerankResponseBody) -> None:
        """Note a success."""
        self.notes.append((reply.attempts, len(model.results)))

    def on_failure(self, error: BaseException, *, keeps_order: bool) -> None:
        """Note an error, and whether `rank` goes on."""
        self.notes.append((error, "kept") if keeps_order else error)

    def on_kept_order(self, model: str, error: OpenRouterError) -> None:
        """Note that the order was kept."""
        self.notes.append((model, error))


@pytest.mark.anyio
async def test_observer_is_told_in_order() -> None:
    """An observer learns of the call, of each attempt, its reply and its retry, and of the end."""
    notebook = Notebook()
    async with FakeOpenRouter(503, 200) as client:
        client.hooks.observer = notebook
        await client.rerank.rerank_async(documents=["a", "b"], model="m", query="q", top_n=1)

    assert notebook.notes == [
        ("m", 1, "/api/v1/rerank"),
        "POST",
        503,
        1,
        "wait",
        "POST",
        200,
        (2, 1),
    ]


@pytest.mark.parametrize("step", [404, BROKEN])
def test_observer_is_told_of_the_error(step: Step) -> None:
    """What the caller gets is what the observer is told, be it found only by decoding."""
    notebook = Notebook()
    with FakeOpenRouter(step) as client:
        client.hooks.observer = notebook
        with pytest.raises(errors.OpenRouterError) as caught:
            client.rerank.rerank(documents=["a"], model="m", query="q")

    assert notebook.notes[-1] is caught.value


def test_reply_is_decoded_though_the_observer_fails(caplog: pytest.LogCaptureFixture) -> None:
    """What an observer raises does not end the call; its class alone is in the log."""

    class Late(Notebook):
        def on_success(self, reply: Reply, model: CreateRerankResponseBody) -> None:
            raise LookupError(reply, model)

    with FakeOpenRouter(503, 200) as client:
        client.hooks.observer = Late()
        res = client.rerank.rerank(documents=["a"], model="m", query="q")

    assert len(res.results) == 1
    assert "an observer of calls failed: LookupError" in caplog.messages


@pytest.mark.parametrize("step", [200, 404])
def test_call_without_an_observation_goes_on(step: Step, caplog: pytest.LogCaptureFixture) -> None:
    """An observer that fails at the beginning is told no more, and the call ends as ever."""

    class Early(Notebook):
        def on_call(self, encoded: EncodedRequest, url: httpx.URL) -> "Notebook":
            raise LookupError(encoded, url)

    with FakeOpenRouter(step) as client:
        client.hooks.observer = Early()
        raw = client.rerank.with_raw_response
        if step == 200:
            raw.rerank(documents=["a"], model="m", query="q").parse()
        else:
            with pytest.raises(errors.NotFoundResponseError):
                raw.rerank(documents=["a"], model="m", query="q")

    assert caplog.messages.count("an observer of calls failed: LookupError") == 1
