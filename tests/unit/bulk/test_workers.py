"""The workers of a run: what no outcome of a job shows."""

import math
import queue
import threading
from collections.abc import Iterator
from typing import Any, cast

import anyio
import pytest
import trio.testing
from openrouter_rerank import OpenRouter, RerankJob, RerankOutcome
from openrouter_rerank._bulk.options import RunOptions, read_run_options
from openrouter_rerank._bulk.task_workers import TaskWorkers
from openrouter_rerank._bulk.thread_workers import ThreadWorkers
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


def make_options() -> RunOptions:
    """Return the options of a run with two workers."""
    return read_run_options(
        max_concurrency=2,
        ordered=True,
        requests_per_minute=None,
        max_cost=None,
        max_unread=None,
        on_progress=None,
    )


def test_failure_of_a_thread_is_raised() -> None:
    """What breaks in a worker thread, outside any job, ends the run and is raised."""
    with FakeOpenRouter() as client:
        break_clock(client, after=1)

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


def test_thread_that_wakes_early_leaves_the_others_wakeup() -> None:
    """Of two threads that watch the time, the one that is woken first leaves the other's alone."""
    with OpenRouter("sk-or-key") as client:
        workers: Any = ThreadWorkers(cast("Any", client)._caller, [], make_options())
    ended: queue.SimpleQueue[float] = queue.SimpleQueue()

    def wait(seconds: float, started: threading.Event) -> None:
        with workers._lock:
            started.set()
            workers._wait(seconds)
            ended.put(workers._next_wakeup)

    for seconds in (3000.0, 2000.0):
        started = threading.Event()
        threading.Thread(target=wait, args=(seconds, started), daemon=True).start()
        started.wait()
        with workers._lock:
            # Free again only once the thread waits.
            wakeup = workers._next_wakeup
    wakeups: list[float] = []
    for _ in range(2):
        with workers._lock:
            workers._work_available.notify()
        wakeups.append(ended.get(timeout=BOUND_SECONDS))

    assert wakeups == [wakeup, math.inf]


def test_earlier_wakeup_outlives_a_later_one() -> None:
    """Of two tasks that watch the time, each ends at its own; no wakeup is left behind."""
    ended: list[float] = []

    async def wait(workers: Any, seconds: float) -> None:
        await workers._wait(seconds)
        ended.append(seconds)

    async def work() -> float:
        async with OpenRouter("sk-or-key") as client:
            workers: Any = TaskWorkers(cast("Any", client)._caller, [], make_options())
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(wait, workers, 20.0)
                await anyio.wait_all_tasks_blocked()
                tasks.start_soon(wait, workers, 10.0)
        return float(workers._next_wakeup)

    clock = trio.testing.MockClock(autojump_threshold=0)
    left = anyio.run(work, backend="trio", backend_options={"clock": clock})

    assert ended == [10.0, 20.0]
    assert left == math.inf
