"""Runs that are closed, dropped or cancelled leave no thread, task or connection."""

import gc
import time

import anyio
import pytest
from client import faults
from client.conftest import Serve
from client.runs.jobs import KEY, count_threads, make_jobs
from client.runs.test_stopping import wait_until
from openrouter_rerank import (
    OpenRouter,
)


def test_closing_ends_the_threads(serve: Serve) -> None:
    """After `close()` no thread of the run is left, nothing is sent, and nothing given out."""
    server = serve(faults.ok)

    with OpenRouter(KEY, server_url=server.url) as client:
        outcomes = client.rerank.rerank_many(make_jobs())
        next(outcomes)
        outcomes.close()
        sent = len(server.requests)

        assert count_threads() == 0
        assert list(outcomes) == []
        assert len(server.requests) == sent


def test_abandoned_run_ends(serve: Serve) -> None:
    """A loop that is left early ends the run when the iterator goes, without being closed."""
    server = serve(faults.ok)

    with OpenRouter(KEY, server_url=server.url) as client:
        for _ in client.rerank.rerank_many(make_jobs()):
            break
        gc.collect()

        assert wait_until(lambda: count_threads() == 0)


def test_interrupt_does_not_wait_for_a_slow_reply(serve: Serve) -> None:
    """A run that is closed while calls hang gives up on them within about a second."""
    server = serve(faults.ok, faults.stall)

    with OpenRouter(KEY, server_url=server.url) as client:
        outcomes = client.rerank.rerank_many(make_jobs(), max_concurrency=2, ordered=False)
        next(outcomes)
        began = time.monotonic()
        outcomes.close()

    assert time.monotonic() - began < 2


async def cancel_consumer(url: str, ticks: int) -> None:
    """Cancel the consumer of a run after so many turns of the event loop."""
    async with OpenRouter(KEY, server_url=url) as client:
        with anyio.CancelScope() as scope:

            async def count() -> None:
                for _ in range(ticks):
                    await anyio.lowlevel.checkpoint()
                scope.cancel()

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(count)
                async for _ in client.rerank.rerank_many_async(make_jobs()):
                    await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_cancelled_consumer_ends_the_run(backend: str, serve: Serve) -> None:
    """Whenever the consumer is cancelled, no task works on and no connection stays in use."""
    server = serve(faults.ok)

    for ticks in (0, 1, 2, 5, 10, 30, 100, 300):
        anyio.run(cancel_consumer, server.url, ticks, backend=backend)

    assert server.wait_for_open(0)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async_run_that_is_dropped_ends(backend: str, serve: Serve) -> None:
    """A loop that is left early, without `aclose()`, does not leave tasks at work."""
    server = serve(faults.ok)

    async def drop() -> tuple[int, int]:
        async with OpenRouter(KEY, server_url=server.url) as client:
            async for _ in client.rerank.rerank_many_async(make_jobs()):
                break
            gc.collect()
            await anyio.sleep(0.1)
            sent = len(server.requests)
            await anyio.sleep(0.1)
            return sent, len(server.requests)

    sent, later = anyio.run(drop, backend=backend)
    assert sent == later
    assert server.wait_for_open(0)
