"""A run over many jobs, sync and async, on both event loops, over real sockets."""

import asyncio
import gc
import itertools
import logging
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import anyio
import httpx
import pytest
from client import faults
from client.conftest import Serve
from client.fault_server import Exchange, Fault
from limits import FixedWindow
from openrouter_rerank import (
    BackoffStrategy,
    OpenRouter,
    RerankJob,
    RerankOutcome,
    RetryConfig,
    RunProgress,
    errors,
)
from openrouter_rerank.testing import Answer, FakeOpenRouter, answer

KEY = "sk-or-many"
HALVES = ["sync", "asyncio", "trio"]
QUICK = RetryConfig(backoff=BackoffStrategy(1, 5, 1.5, 60_000), max_attempts=20)
SLOW_SECONDS = 0.2


def make_jobs(count: int | None = None, **options: Any) -> Iterator[RerankJob]:
    """Make jobs, each with a query of its own; without an end if no count is given."""
    for number in itertools.count() if count is None else range(count):
        yield RerankJob(
            id=number, query=f"query {number}", documents=["a", "b"], model="m", **options
        )


async def make_jobs_async(count: int) -> AsyncIterator[RerankJob]:
    """Make jobs, and let other tasks run in between."""
    for job in make_jobs(count):
        await anyio.lowlevel.checkpoint()
        yield job


def run(
    half: str,
    client: OpenRouter,
    jobs: Iterable[RerankJob],
    most: int | None = None,
    **options: Any,
) -> tuple[list[RerankOutcome], BaseException | None]:
    """Run jobs, and return the outcomes with what the run ended in; close it after `most`."""
    outcomes: list[RerankOutcome] = []

    def run_sync() -> None:
        with client.rerank.rerank_many(jobs, **options) as found:
            outcomes.extend(itertools.islice(found, most))

    async def run_async() -> None:
        async with client.rerank.rerank_many_async(jobs, **options) as found:
            async for outcome in found:
                outcomes.append(outcome)
                if len(outcomes) == most:
                    break

    try:
        if half == "sync":
            run_sync()
        else:
            anyio.run(run_async, backend=half)
    except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
        return outcomes, error
    return outcomes, None


def wait_until(condition: Callable[[], bool]) -> bool:
    """Tell whether something comes true within some seconds."""
    ends_at = time.monotonic() + 5
    while not condition() and time.monotonic() < ends_at:
        time.sleep(0.005)
    return condition()


def count_threads() -> int:
    """Count the threads of runs."""
    return sum(thread.name.startswith("rerank-many") for thread in threading.enumerate())


def slow_for(query: str, seconds: float) -> Fault:
    """Answer one query late."""

    def act(exchange: Exchange) -> bool:
        if exchange.request.json["query"] == query:
            exchange.pause(seconds)
        return faults.ok(exchange)

    return act


@pytest.mark.parametrize("half", HALVES)
def test_every_job_has_its_own_outcome(half: str, serve: Serve) -> None:
    """Each outcome holds the job that was given, the reply to it, and its position, in order."""
    server = serve(faults.ok)
    jobs = list(make_jobs(50))

    with OpenRouter(KEY, server_url=server.url) as client:
        outcomes, failure = run(half, client, jobs)

    assert failure is None
    assert [outcome.position for outcome in outcomes] == list(range(50))
    assert all(outcome.job is job for outcome, job in zip(outcomes, jobs, strict=True))
    assert [outcome.unwrap().id for outcome in outcomes] == [job.query for job in jobs]
    assert count_threads() == 0


@pytest.mark.parametrize("half", HALVES)
def test_slow_job_holds_up_itself_alone_when_order_is_free(half: str, serve: Serve) -> None:
    """Unordered, a slow head comes last; ordered, it comes first."""
    server = serve(slow_for("query 0", SLOW_SECONDS))

    with OpenRouter(KEY, server_url=server.url) as client:
        free, _ = run(half, client, make_jobs(12), ordered=False)
        ordered, _ = run(half, client, make_jobs(12))

    assert free[-1].job.id == 0
    assert [outcome.job.id for outcome in ordered] == list(range(12))


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("ordered", [True, False])
def test_jobs_are_taken_as_they_are_worked_off(half: str, ordered: bool, serve: Serve) -> None:
    """However slow the head is, jobs are taken only some way ahead of what was given out."""
    server = serve(slow_for("query 0", SLOW_SECONDS))
    taken: list[int] = []

    def watch() -> Iterator[RerankJob]:
        for job in make_jobs():
            taken.append(len(taken))
            yield job

    with OpenRouter(KEY, server_url=server.url) as client:
        outcomes, _ = run(half, client, watch(), most=1, max_concurrency=3, ordered=ordered)

    assert len(outcomes) == 1
    assert len(taken) <= 1 + 64


@pytest.mark.parametrize("half", HALVES)
def test_wrong_job_is_an_outcome(half: str, serve: Serve) -> None:
    """A job that `rerank` would refuse has that error, nothing is sent for it, the run goes on."""
    server = serve(faults.ok)
    jobs = list(make_jobs(4))
    jobs[1] = RerankJob(query="q", documents=[], model="m")
    jobs[2] = RerankJob(query="q", documents=["a"], model="m", timeout=-1)

    with OpenRouter(KEY, server_url=server.url) as client:
        outcomes, failure = run(half, client, jobs)

    assert failure is None
    assert [str(outcome.error).partition(":")[0] for outcome in outcomes] == [
        "None",
        "documents",
        "timeout",
        "None",
    ]
    assert [outcome.attempts for outcome in outcomes] == [1, 0, 0, 1]
    assert len(server.requests) == 2


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize(
    ("script", "retries", "attempts", "status"),
    [
        ([500, 500, 200], None, 3, None),
        ([500, 500], RetryConfig(max_attempts=2), 2, 500),
        ([500], RetryConfig("none"), 1, 500),
        ([400], None, 1, 400),
        ([answer(429, retry_after=61)], None, 1, 429),
    ],
)
def test_run_retries_by_the_jobs_policy(
    half: str, script: list[Any], retries: RetryConfig | None, attempts: int, status: int | None
) -> None:
    """What is tried again, and how often, is what the job's own policy says, or the client's."""
    with FakeOpenRouter(*script) as client:
        outcomes, failure = run(half, client, make_jobs(1, retries=retries))

    assert failure is None
    assert [outcome.attempts for outcome in outcomes] == [attempts]
    assert getattr(outcomes[0].error, "status_code", None) == status
    assert getattr(outcomes[0].error, "attempts", attempts) == attempts


@pytest.mark.parametrize("half", HALVES)
def test_deadline_bounds_all_attempts_of_a_job(half: str) -> None:
    """A job whose next attempt would begin after its deadline has failed with the last error."""
    with FakeOpenRouter(answer(503, retry_after=3)) as client:
        outcomes, _ = run(half, client, make_jobs(1, deadline_ms=2000))

    assert outcomes[0].attempts == 1
    assert isinstance(outcomes[0].error, errors.ServiceUnavailableResponseError)


@pytest.mark.parametrize("half", HALVES)
def test_nothing_is_lost_to_faults(half: str, serve: Serve) -> None:
    """With every third request failing in one way or another, all jobs succeed, once each."""
    bad = itertools.cycle(
        [faults.error(500), faults.hang_up, faults.error(429, {"Retry-After": "0"})]
    )
    numbers = itertools.count()

    def act(exchange: Exchange) -> bool:
        fault = next(bad) if next(numbers) % 3 == 0 else faults.ok
        return fault(exchange)

    server = serve(act)
    with OpenRouter(KEY, server_url=server.url, retry_config=QUICK) as client:
        outcomes, failure = run(half, client, make_jobs(60))

    assert failure is None
    assert [outcome.unwrap().id for outcome in outcomes] == [f"query {n}" for n in range(60)]


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("status", [401, 402])
def test_refusal_stops_the_run(half: str, status: int, serve: Serve) -> None:
    """After a 401 or 402 nothing is sent; what was under way comes out, then the error."""

    def act(exchange: Exchange) -> bool:
        if exchange.request.json["query"] == "query 5":
            return faults.error(status)(exchange)
        return faults.ok(exchange)

    server = serve(act)
    with OpenRouter(KEY, server_url=server.url) as client:
        outcomes, failure = run(half, client, make_jobs(), max_concurrency=2)

    assert isinstance(failure, errors.RunStoppedError)
    assert (failure.reason, failure.status_code) == ("refused", status)
    assert failure.done == len(outcomes) == len(server.requests)
    assert isinstance(failure.cause, errors.OpenRouterError)
    assert [outcome.error for outcome in outcomes if outcome.error] == [failure.cause]


def priced(cost: float | None) -> Answer:
    """Answer with a price, or without."""
    usage = {} if cost is None else {"usage": {"cost": cost}}
    results = [{"index": 0, "relevance_score": 1.0, "document": {"text": "a"}}]
    return answer(body={"model": "m", "results": results, **usage})


@pytest.mark.parametrize("half", HALVES)
def test_run_stops_at_max_cost(half: str) -> None:
    """Nothing is sent once the costs reach the limit, overshooting by the calls in flight alone."""
    with FakeOpenRouter(*[priced(0.25)] * 9) as client:
        outcomes, failure = run(half, client, make_jobs(), max_cost=1.0, max_concurrency=2)

    assert isinstance(failure, errors.RunStoppedError)
    assert failure.reason == "max_cost"
    assert 4 <= len(outcomes) == len(client.requests) <= 5
    assert failure.cost == 0.25 * len(outcomes)
    assert [job.id for job in failure.unsent] == [len(outcomes)]


@pytest.mark.parametrize("half", HALVES)
def test_cost_may_be_reached_by_the_last_job(half: str) -> None:
    """A run whose last job spends the last credit has ended well."""
    with FakeOpenRouter(*[priced(0.25)] * 4) as client:
        outcomes, failure = run(half, client, make_jobs(4), max_cost=1.0)

    assert failure is None
    assert [outcome.cost for outcome in outcomes] == [0.25] * 4


@pytest.mark.parametrize("half", HALVES)
def test_reply_without_a_cost_ends_a_limited_run(half: str) -> None:
    """Under `max_cost`, a reply that tells no cost is an outcome, and the last."""
    with FakeOpenRouter(priced(0.1), priced(None)) as client:
        outcomes, failure = run(half, client, make_jobs(), max_cost=1.0, max_concurrency=1)

    assert isinstance(failure, errors.RunStoppedError)
    assert failure.reason == "unknown_cost"
    assert len(outcomes) == 2


@pytest.mark.parametrize("half", HALVES)
def test_error_of_the_iterable_comes_after_its_outcomes(half: str, serve: Serve) -> None:
    """What was taken comes out before what the caller's iterable raises."""
    server = serve(faults.ok)

    def break_off() -> Iterator[RerankJob]:
        yield from make_jobs(5)
        raise LookupError("no more")

    with OpenRouter(KEY, server_url=server.url) as client:
        outcomes, failure = run(half, client, break_off())

    assert repr(failure) == "LookupError('no more')"
    assert [outcome.job.id for outcome in outcomes] == list(range(5))


@pytest.mark.parametrize("half", HALVES)
def test_what_is_no_job_ends_the_run(half: str) -> None:
    """Something else than a `RerankJob` is the caller's mistake, not an outcome."""
    with FakeOpenRouter() as client:
        _, failure = run(half, client, [*make_jobs(1), {"query": "q"}])  # type: ignore[list-item]

    assert str(failure) == "jobs: expected RerankJob, got dict at position 1"


@pytest.mark.parametrize("half", HALVES)
def test_progress_is_told_for_each_outcome(half: str) -> None:
    """Each outcome is followed by one report, and the last one has the sums."""
    reports: list[RunProgress] = []
    with FakeOpenRouter(priced(0.5), 400, 500, priced(0.5)) as client:
        run(half, client, make_jobs(3), max_concurrency=1, on_progress=reports.append)

    assert [report.done for report in reports] == [1, 2, 3]
    last = reports[-1]
    assert (last.taken, last.failed, last.retried, last.in_flight) == (3, 1, 1, 0)
    assert last.cost == 1.0


@pytest.mark.parametrize("half", HALVES)
def test_error_of_on_progress_ends_the_run(half: str, serve: Serve) -> None:
    """It reaches the caller as it is, and nobody works on."""
    server = serve(faults.ok)

    def refuse(_: RunProgress) -> None:
        raise LookupError("enough")

    with OpenRouter(KEY, server_url=server.url) as client:
        outcomes, failure = run(half, client, make_jobs(), on_progress=refuse)

    assert repr(failure) == "LookupError('enough')"
    assert len(outcomes) == 1
    assert wait_until(lambda: count_threads() == 0)


@pytest.mark.parametrize("half", HALVES)
def test_error_of_a_hook_ends_the_run(half: str) -> None:
    """What a hook raises is no job's outcome: it ends the run as it would have ended a call."""
    with FakeOpenRouter() as client:

        @client.hooks.before_request
        def refuse(_: object) -> None:
            raise ValueError("hook")

        outcomes, failure = run(half, client, make_jobs(3))

    assert (outcomes, repr(failure)) == ([], "ValueError('hook')")


@pytest.mark.parametrize("half", HALVES)
def test_hooks_hear_of_retries_and_last_errors(half: str) -> None:
    """`on_retry` is called for the run's retries, `on_error` only for a job's last error."""
    heard: list[str] = []
    with FakeOpenRouter(500, 500, 500, 200) as client:
        client.hooks.on_retry(lambda event: heard.append(f"retry {event.attempt}"))
        client.hooks.on_error(lambda error: heard.append(f"error {error.attempts}"))
        run(half, client, make_jobs(1), max_concurrency=1)

    assert heard == ["retry 1", "retry 2", "error 3"]


@pytest.mark.parametrize("half", HALVES)
def test_closed_client_ends_the_run(half: str) -> None:
    """A million jobs do not fail one by one because the client is closed."""
    with FakeOpenRouter() as client:
        client.close()
        outcomes, failure = run(half, client, make_jobs())

    assert outcomes == []
    assert isinstance(failure, errors.ClientClosedError)


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


def test_blocked_iterable_holds_up_nothing(serve: Serve) -> None:
    """Outcomes come out while the iterable keeps a thread waiting, as a slow pipe does."""
    server = serve(faults.ok)
    goes_on = threading.Event()

    def trickle() -> Iterator[RerankJob]:
        yield from make_jobs(3)
        goes_on.wait()

    with OpenRouter(KEY, server_url=server.url) as client:
        outcomes = client.rerank.rerank_many(trickle())
        first = list(itertools.islice(outcomes, 3))
        goes_on.set()
        rest = list(outcomes)

    assert (len(first), rest) == (3, [])


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


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async_iterable_gives_the_jobs(backend: str) -> None:
    """Jobs may come from an async generator."""

    async def collect() -> list[int]:
        async with FakeOpenRouter() as client:
            outcomes = client.rerank.rerank_many_async(make_jobs_async(20))
            return [outcome.position async for outcome in outcomes]

    assert anyio.run(collect, backend=backend) == list(range(20))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async_progress_is_awaited(backend: str) -> None:
    """`on_progress` may be a coroutine function; the iterator stays at its end after the last."""
    reports: list[int] = []

    async def note(progress: RunProgress) -> None:
        await anyio.lowlevel.checkpoint()
        reports.append(progress.done)

    async def work() -> list[RerankOutcome]:
        async with FakeOpenRouter() as client:
            outcomes = client.rerank.rerank_many_async(make_jobs(3), on_progress=note)
            for _ in range(3):
                await anext(outcomes)
            return [outcome async for outcome in outcomes] + [o async for o in outcomes]

    assert anyio.run(work, backend=backend) == []
    assert reports == [1, 2, 3]


def test_run_whose_tasks_others_cancel_says_so(serve: Serve) -> None:
    """A run does not look finished when somebody cancels all tasks of the event loop but one."""
    server = serve(faults.stall)

    async def work() -> None:
        async with OpenRouter(KEY, server_url=server.url) as client:
            outcomes = client.rerank.rerank_many_async(make_jobs())
            waiting = asyncio.ensure_future(anext(outcomes))
            await asyncio.to_thread(server.wait_for_requests, 1)
            for task in asyncio.all_tasks() - {waiting, asyncio.current_task()}:
                task.cancel()
            await waiting

    with pytest.raises(RuntimeError, match="cancelled by somebody else"):
        asyncio.run(work())


def limited(limit: FixedWindow) -> Fault:
    """Answer 429 to what the limit refuses, without a word of how long to wait."""
    lock = threading.Lock()
    began = time.monotonic()

    def act(exchange: Exchange) -> bool:
        with lock:
            refused = limit.ask(time.monotonic() - began)
        return (faults.error(429) if refused else faults.ok)(exchange)

    return act


@pytest.mark.parametrize("half", ["sync", "asyncio"])
def test_run_finds_a_servers_limit(half: str, serve: Serve) -> None:
    """Over real sockets too, a limit of 50 requests a second is used, and hardly exceeded."""
    server = serve(limited(FixedWindow(50)))

    with OpenRouter(KEY, server_url=server.url, retry_config=QUICK) as client:
        began = time.monotonic()
        outcomes, failure = run(half, client, make_jobs(150))
        took = time.monotonic() - began

    assert failure is None
    assert all(outcome.error is None for outcome in outcomes)
    assert len(server.requests) < 1.15 * 150
    assert 150 / took > 0.7 * 50


@pytest.mark.parametrize("half", HALVES)
def test_requests_per_minute_counts_retries(half: str, serve: Serve) -> None:
    """Every request that is sent takes its place in the caller's limit."""
    server = serve(faults.error(500), faults.ok)

    with OpenRouter(KEY, server_url=server.url, retry_config=QUICK) as client:
        began = time.monotonic()
        run(half, client, make_jobs(6), requests_per_minute=1200)
        took = time.monotonic() - began

    assert len(server.requests) == 7
    assert took >= 6 * 0.05 - 0.04


class Forgetful(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers every request, and keeps none."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        return answer().build(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        return self.handle_request(request)


@pytest.mark.parametrize("half", HALVES)
def test_log_tells_the_end_of_jobs_alone(half: str, caplog: pytest.LogCaptureFixture) -> None:
    """An attempt that another follows is a line of INFO, a job that is given up one of WARNING."""
    caplog.set_level(logging.INFO, "openrouter_rerank")
    with FakeOpenRouter(500, 200, 400) as client:
        run(half, client, make_jobs(2), max_concurrency=1)

    levels = [record.levelname for record in caplog.records if record.name == "openrouter_rerank"]
    assert levels == ["INFO", "WARNING"]
    assert "attempt 1 failed with InternalServerResponseError (500)" in caplog.messages[0]
    assert caplog.messages[1] == "giving up after attempt 2: BadRequestResponseError (400)"


@pytest.mark.parametrize("half", ["sync", "asyncio"])
def test_memory_stays_flat(half: str, caplog: pytest.LogCaptureFixture) -> None:
    """Thousands of jobs leave nothing behind but what the window holds."""
    caplog.set_level(logging.WARNING, "openrouter_rerank")
    levels: list[int] = []

    def note(done: int) -> None:
        if done in {1000, 4000}:
            # What is garbage already is no leak, however much of it waits for the collector.
            gc.collect()
            levels.append(tracemalloc.get_traced_memory()[0])

    def count(client: OpenRouter) -> None:
        for outcome in client.rerank.rerank_many(make_jobs(4001)):
            note(outcome.position)

    async def count_async(client: OpenRouter) -> None:
        async for outcome in client.rerank.rerank_many_async(make_jobs(4001)):
            note(outcome.position)

    with OpenRouter(KEY, transport=Forgetful(), async_transport=Forgetful()) as client:
        tracemalloc.start()
        try:
            count(client) if half == "sync" else anyio.run(count_async, client)
        finally:
            tracemalloc.stop()

    assert levels[1] - levels[0] < 500_000
