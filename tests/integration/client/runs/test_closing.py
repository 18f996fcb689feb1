"""Runs that are closed, dropped or cancelled leave no thread, task or connection."""

import gc
import threading

import anyio
import pytest
from integration.client import faults
from integration.client.conftest import Serve
from integration.client.runs.jobs import BOUND_SECONDS, KEY, find_threads, join_threads, make_jobs
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

        assert find_threads() == []
        assert list(outcomes) == []
        assert len(server.requests) == sent


def test_abandoned_run_ends(serve: Serve) -> None:
    """A loop that is left early ends the run when the iterator goes, without being closed."""
    server = serve(faults.ok)

    with OpenRouter(KEY, server_url=server.url) as client:
        for _ in client.rerank.rerank_many(make_jobs()):
            break
        gc.collect()

        assert join_threads()


def test_interrupt_does_not_wait_for_a_slow_reply(serve: Serve) -> None:
    """A run that is closed while a call hangs gives up on it, and the call still hangs after."""
    server = serve(faults.ok, faults.stall)

    with OpenRouter(KEY, server_url=server.url) as client:
        outcomes = client.rerank.rerank_many(make_jobs(), max_concurrency=2, ordered=False)
        next(outcomes)
        assert server.wait_for_requests(2)
        closing = threading.Thread(target=outcomes.close)
        closing.start()
        closing.join(BOUND_SECONDS)

        assert not closing.is_alive()
        assert find_threads() != []


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

    async def drop() -> list[str | None]:
        async with OpenRouter(KEY, server_url=server.url) as client:
            async for _ in client.rerank.rerank_many_async(make_jobs()):
                break
            gc.collect()
            with anyio.fail_after(BOUND_SECONDS):
                await anyio.wait_all_tasks_blocked()
            return [task.name for task in anyio.get_running_tasks()]

    names = anyio.run(drop, backend=backend)

    assert not any((name or "").startswith("rerank-many") for name in names)
    assert server.wait_for_open(0)
