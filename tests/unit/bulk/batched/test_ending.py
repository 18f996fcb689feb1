"""What a call leaves behind when it is interrupted or cancelled, and whose context it runs in."""

import contextvars
import threading
from collections.abc import Iterator
from functools import partial

import anyio
import httpx
import pytest
from openrouter_rerank import OpenRouter
from openrouter_rerank.testing import FakeOpenRouter
from unit.bulk.batched.parts import rank_by_text, run_sync


def test_interrupt_ends_with_its_threads() -> None:
    """Ctrl-C while the documents are read is raised once the parts under way have ended."""
    before = set(threading.enumerate())
    is_under_way, may_end = threading.Event(), threading.Event()

    def act(request: httpx.Request) -> httpx.Response:
        is_under_way.set()
        assert may_end.wait(10)
        return rank_by_text(request)

    def read() -> Iterator[str]:
        yield "a"
        assert is_under_way.wait(10)
        may_end.set()
        raise KeyboardInterrupt

    with FakeOpenRouter(act) as client, pytest.raises(KeyboardInterrupt):
        run_sync(client, documents=read(), batch_size=1)

    # A thread of an earlier test may end meanwhile.
    assert set(threading.enumerate()) <= before
    assert len(client.requests) == 1


def test_context_reaches_the_threads() -> None:
    """Hooks run in the caller's context, where tracing keeps the current span."""
    seen: list[str] = []
    name = contextvars.ContextVar("name", default="none")
    name.set("caller's")
    with FakeOpenRouter() as client:
        client.hooks.before_request(lambda _request: seen.append(name.get()))
        run_sync(client, documents=["a", "b"], batch_size=1)

    assert seen == ["caller's", "caller's"]


@pytest.mark.anyio
async def test_cancelling_ends_the_parts() -> None:
    """A call that is cancelled leaves no part under way, and no error of its own."""
    ended: list[str] = []

    async def hang(_request: httpx.Request) -> httpx.Response:
        try:
            started.set()
            await anyio.sleep_forever()
        finally:
            ended.append("ended")
        raise AssertionError("it was never to be answered")

    started = anyio.Event()
    async with OpenRouter(async_transport=httpx.MockTransport(hang)) as client:
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                call = partial(client.rerank.rerank_batched_async, model="m", query="q")
                tasks.start_soon(partial(call, documents=["a", "b", "c"], batch_size=1))
                await started.wait()
                tasks.cancel_scope.cancel()

    assert 1 <= len(ended) <= 3
