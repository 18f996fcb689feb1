"""Closing in the middle of a call, and callers' own clients that misbehave."""

from collections.abc import AsyncIterator, Iterator

import anyio
import httpx
import pytest
from openrouter_rerank import OpenRouter, errors
from openrouter_rerank.testing import FakeOpenRouter, ScriptedTransport

NO_WAIT = {"retry-after-ms": "0"}


def test_closing_between_attempts_ends_the_call() -> None:
    """A client that is closed while a call waits for its next attempt sends nothing more."""
    with FakeOpenRouter(503, 200) as client:
        client.hooks.on_retry(lambda _event: client.close())

        with pytest.raises(errors.ClientClosedError, match="this OpenRouter is closed"):
            client.rerank.rerank(documents=["a"], model="m", query="q")

    assert len(client.requests) == 1


@pytest.mark.anyio
async def test_closing_between_attempts_ends_the_async_call() -> None:
    """The async half does the same."""
    async with FakeOpenRouter(503, 200) as client:
        client.hooks.on_retry(lambda _event: client.aclose())

        with pytest.raises(errors.ClientClosedError, match="this OpenRouter is closed"):
            await client.rerank.rerank_async(documents=["a"], model="m", query="q")

    assert len(client.requests) == 1


def test_own_client_closed_between_attempts() -> None:
    """The httpx client of the caller's, closed meanwhile, ends the call with our error."""
    own = httpx.Client(transport=ScriptedTransport(httpx.Response(503, headers=NO_WAIT)))
    with OpenRouter("k", client=own) as client:
        client.hooks.on_retry(lambda _event: own.close())

        with pytest.raises(errors.ClientClosedError, match="client: the httpx client is closed"):
            client.rerank.rerank(documents=["a"], model="m", query="q")


@pytest.mark.anyio
async def test_own_async_client_closed_between_attempts() -> None:
    """The async half does the same."""
    own = httpx.AsyncClient(transport=ScriptedTransport(httpx.Response(503, headers=NO_WAIT)))
    async with OpenRouter("k", async_client=own) as client:
        client.hooks.on_retry(lambda _event: own.aclose())

        with pytest.raises(errors.ClientClosedError, match="async_client: the httpx client"):
            await client.rerank.rerank_async(documents=["a"], model="m", query="q")


class Parts(httpx.SyncByteStream):
    """A body that comes in parts."""

    def __iter__(self) -> Iterator[bytes]:
        """Send it."""
        yield b"{}"


def test_hook_that_uses_the_body_up() -> None:
    """An event hook that reads the body without keeping it is named in the error."""

    def spend(response: httpx.Response) -> None:
        for _ in response.iter_bytes():
            pass

    transport = ScriptedTransport(httpx.Response(200, stream=Parts()))
    own = httpx.Client(transport=transport, event_hooks={"response": [spend]})
    with (
        own,
        OpenRouter("k", client=own) as client,
        pytest.raises(errors.ResponseValidationError, match="an event hook has used the body up"),
    ):
        client.rerank.rerank(documents=["a"], model="m", query="q")


class Trickle(httpx.SyncByteStream):
    """A body that goes on for ever, and makes the clock go on."""

    def __init__(self, client: FakeOpenRouter) -> None:
        """Take whose clock it is."""
        self._client = client

    def __iter__(self) -> Iterator[bytes]:
        """Send a byte a second."""
        while True:
            self._client.waits.append(1.0)
            yield b" "


def test_trickling_body_ends_at_the_deadline_over_any_transport() -> None:
    """Where the network layer is not ours, the deadline holds between the parts of a body."""

    def send(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Trickle(client))

    with FakeOpenRouter(send, deadline_ms=3500) as client:
        with pytest.raises(errors.DeadlineExceededError):
            client.rerank.rerank(documents=["a"], model="m", query="q")

        assert sum(client.waits) == 4.0


class SlowlyClosed(httpx.AsyncByteStream):
    """
    A whole reply, which takes its time to close.

    Attributes:
        is_closing: Set once it begins to be closed.
        may_close: Let it be closed.
        is_closed: Whether it was closed to the end.
    """

    def __init__(self) -> None:
        """Begin open."""
        self.is_closing = anyio.Event()
        self.may_close = anyio.Event()
        self.is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Send it."""
        yield b'{"model": "m", "results": [{"index": 0, "relevance_score": 0.5}]}'

    async def aclose(self) -> None:
        """Close it."""
        if not self.is_closing.is_set():
            self.is_closing.set()
            await self.may_close.wait()
        await anyio.lowlevel.checkpoint()
        self.is_closed = True


@pytest.mark.anyio
async def test_reply_whose_closing_is_cut_off_is_closed_all_the_same() -> None:
    """A call that is cancelled while its reply closes leaves no connection of a transport open."""
    body = SlowlyClosed()
    transport = ScriptedTransport(httpx.Response(200, stream=body))
    async with (
        OpenRouter("k", async_transport=transport) as client,
        anyio.create_task_group() as group,
    ):

        async def call() -> None:
            await client.rerank.rerank_async(documents=["a"], model="m", query="q")

        group.start_soon(call)
        await body.is_closing.wait()
        group.cancel_scope.cancel()

    assert body.is_closed
