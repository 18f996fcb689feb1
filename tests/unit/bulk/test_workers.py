"""The workers of a run: what no outcome of a job shows."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import anyio
import httpx
import pytest
import trio
from openrouter_rerank import RerankJob, RerankOutcome, errors
from openrouter_rerank.testing import FakeOpenRouter

BOUND_SECONDS = 30.0
JOB = RerankJob(query="q", documents=["a"], model="m")


class BrokenClockError(Exception):
    """The time is not to be had."""


def break_clock(client: FakeOpenRouter, after: int) -> None:
    """Have the clock fail once it was read so many times; the next to read it is a worker."""
    looks = iter([0.0] * after)

    def now() -> float:
        for time in looks:
            return time
        raise BrokenClockError

    caller = cast("Any", client)._caller
    caller.clock = caller.clock._replace(now=now)


def test_failure_of_a_thread_is_raised() -> None:
    """What breaks in a worker thread, outside any job, ends the run and is raised."""
    with FakeOpenRouter() as client:
        break_clock(client, after=2)

        with pytest.raises(BrokenClockError):
            next(client.rerank.rerank_many([JOB]))

    assert client.requests == []


@pytest.mark.anyio
async def test_failure_of_a_task_is_raised() -> None:
    """What breaks in a worker task, outside any job, ends the run and is raised."""
    async with FakeOpenRouter() as client:
        break_clock(client, after=2)

        with pytest.raises(BaseExceptionGroup) as raised:
            await anext(client.rerank.rerank_many_async([JOB]))

    assert raised.group_contains(BrokenClockError)
    assert client.requests == []


@pytest.mark.parametrize("deadline_ms", [None, 60_000])
def test_job_may_do_without_a_deadline(deadline_ms: int | None) -> None:
    """A job is tried again with and without a deadline."""
    job = RerankJob(query="q", documents=["a"], model="m", deadline_ms=deadline_ms)
    with FakeOpenRouter(500, 200) as client:
        (outcome,) = client.rerank.rerank_many([job])

    assert (outcome.error, outcome.attempts) == (None, 2)


@pytest.mark.anyio
async def test_run_may_be_closed_before_it_begins() -> None:
    """Closing an iterator that nobody has asked for anything ends it; no job is taken."""
    taken: list[int] = []

    def jobs() -> Iterator[RerankJob]:
        taken.append(1)
        yield JOB

    async with FakeOpenRouter() as client:
        outcomes = client.rerank.rerank_many_async(jobs())
        await outcomes.aclose()
        given: list[RerankOutcome] = [outcome async for outcome in outcomes]

    assert (given, taken, client.requests) == ([], [], [])


@pytest.mark.parametrize("available", [0, 1, 2])
def test_run_goes_on_with_the_threads_there_are(
    available: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When no further thread can be started, the others do the work; without any, the run fails."""
    started: list[threading.Thread] = []
    start = threading.Thread.start

    def start_some(thread: threading.Thread) -> None:
        if len(started) == available:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_some)
    with FakeOpenRouter() as client:
        outcomes = client.rerank.rerank_many([JOB] * 9, max_concurrency=4)
        if available < 2:
            with pytest.raises(RuntimeError, match="can't start"):
                next(outcomes)
        else:
            assert [outcome.error for outcome in outcomes] == [None] * 9


def test_cancelled_attempt_ends_the_run() -> None:
    """A task group swallows a child's cancellation; the run does not wait for it for ever."""

    def cancel(_request: httpx.Request) -> None:
        raise asyncio.CancelledError

    async def work() -> None:
        async with FakeOpenRouter() as client:
            client.hooks.before_request(cancel)
            with anyio.fail_after(BOUND_SECONDS):
                await anext(client.rerank.rerank_many_async([JOB]))

    with pytest.raises(errors.RunStoppedError) as raised:
        asyncio.run(work())

    assert raised.value.reason == "cancelled"
    assert isinstance(raised.value.cause, errors.RequestCancelledError)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_event_loop_is_found_beside_an_old_trio(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trio from before `in_trio_run` that is merely imported keeps no run from starting."""
    monkeypatch.delattr(trio.lowlevel, "in_trio_run")

    async def work() -> list[RerankOutcome]:
        async with FakeOpenRouter() as client:
            with anyio.fail_after(BOUND_SECONDS):
                return [outcome async for outcome in client.rerank.rerank_many_async([JOB])]

    assert [outcome.error for outcome in anyio.run(work, backend=backend)] == [None]


@pytest.mark.anyio
async def test_iterable_that_cannot_be_iterated_is_raised() -> None:
    """What `iter()` of the caller's iterable raises reaches the caller, and closing works then."""

    class Broken:
        def __iter__(self) -> Iterator[RerankJob]:
            raise BrokenClockError

    class BrokenAsync:
        def __aiter__(self) -> AsyncIterator[RerankJob]:
            raise BrokenClockError

    async with FakeOpenRouter() as client:
        outcomes = client.rerank.rerank_many_async(Broken())
        with pytest.raises(BrokenClockError):
            await anext(outcomes)
        await outcomes.aclose()
        with pytest.raises(BrokenClockError):
            next(client.rerank.rerank_many(Broken()))
        with pytest.raises(BrokenClockError):
            await anext(client.rerank.rerank_many_async(BrokenAsync()))
