"""What ends a run before its jobs are done: refusals, costs and errors."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import pytest
from integration.client import faults
from integration.client.conftest import Serve
from integration.client.fault_server import Exchange
from integration.client.runs.jobs import (
    BOUND_SECONDS,
    HALVES,
    KEY,
    join_threads,
    make_jobs,
    priced,
    run,
)
from openrouter_rerank import (
    BackoffStrategy,
    OpenRouter,
    RerankJob,
    RerankOutcome,
    RetryConfig,
    RunProgress,
    errors,
)
from openrouter_rerank.testing import FakeOpenRouter


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
def test_error_of_on_progress_ends_the_run(half: str, serve: Serve) -> None:
    """It reaches the caller as it is, and no thread goes on."""
    server = serve(faults.ok)

    def refuse(_: RunProgress) -> None:
        raise LookupError("enough")

    with OpenRouter(KEY, server_url=server.url) as client:
        outcomes, failure = run(half, client, make_jobs(), on_progress=refuse)

    assert repr(failure) == "LookupError('enough')"
    assert len(outcomes) == 1
    assert join_threads()


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
def test_closed_client_ends_the_run(half: str) -> None:
    """A million jobs do not fail one by one because the client is closed."""
    with FakeOpenRouter() as client:
        client.close()
        outcomes, failure = run(half, client, make_jobs())

    assert outcomes == []
    assert isinstance(failure, errors.ClientClosedError)


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

    with pytest.raises(errors.RunStoppedError, match="cancelled by somebody else"):
        asyncio.run(work())


@pytest.mark.parametrize("half", HALVES)
def test_stopped_run_gives_out_what_is_in_flight(half: str, serve: Serve) -> None:
    """After `stop()` nothing is sent, replies in flight come, and no retry is waited for."""
    stopped = threading.Event()

    def act(exchange: Exchange) -> bool:
        if exchange.request.json["query"] == "query 0":
            return faults.error(500)(exchange)
        stopped.wait(BOUND_SECONDS)
        return faults.ok(exchange)

    server = serve(act)
    retries = RetryConfig(backoff=BackoffStrategy(1e9, 1e9, 1, 1e12))
    jobs = make_jobs(retries=retries, deadline_ms=None)
    with OpenRouter(KEY, server_url=server.url) as client:
        outcomes, failure = run_and_stop(
            half, client, jobs, lambda: server.wait_for_requests(3), stopped.set
        )

    assert isinstance(failure, errors.RunStoppedError)
    assert (failure.reason, failure.done, len(server.requests)) == ("stopped", 3, 3)
    assert {outcome.job.id: outcome.error is None for outcome in outcomes} == {
        0: False,
        1: True,
        2: True,
    }


@pytest.mark.parametrize("half", HALVES)
def test_stopped_run_does_not_wait_for_a_job(half: str, serve: Serve) -> None:
    """A source that has nothing to give yet keeps no stopped run open."""
    server = serve(faults.ok)
    given_up = threading.Event()

    def wait_after_one() -> Iterator[RerankJob]:
        yield from make_jobs(1)
        given_up.wait(BOUND_SECONDS)

    async def wait_after_one_async() -> AsyncIterator[RerankJob]:
        yield next(make_jobs(1))
        await anyio.sleep_forever()

    jobs = wait_after_one() if half == "sync" else wait_after_one_async()
    with OpenRouter(KEY, server_url=server.url) as client:
        outcomes, failure = run_and_stop(
            half, client, jobs, lambda: server.wait_for_requests(1), given_up.is_set
        )
    given_up.set()

    assert isinstance(failure, errors.RunStoppedError)
    assert len(outcomes) == 1


@pytest.mark.parametrize("half", HALVES)
def test_on_error_sees_each_failed_job(half: str, serve: Serve) -> None:
    """It is called for jobs that fail because the run stops, async functions included."""
    retried = threading.Event()

    def act(exchange: Exchange) -> bool:
        if exchange.request.json["query"] == "query 0":
            return faults.error(500)(exchange)
        retried.wait(BOUND_SECONDS)
        return faults.error(401)(exchange)

    server = serve(act)
    seen: list[int | None] = []

    def record(error: errors.OpenRouterError) -> None:
        seen.append(error.status_code)

    async def record_async(error: errors.OpenRouterError) -> None:
        await anyio.lowlevel.checkpoint()
        record(error)

    retries = RetryConfig(backoff=BackoffStrategy(1e9, 1e9, 1, 1e12))
    jobs = make_jobs(2, retries=retries, deadline_ms=None)
    with OpenRouter(KEY, server_url=server.url) as client:
        client.hooks.on_retry(lambda _: retried.set())
        client.hooks.on_error(record if half == "sync" else record_async)
        outcomes, failure = run(half, client, jobs, max_concurrency=2)

    assert isinstance(failure, errors.RunStoppedError)
    assert all(outcome.error for outcome in outcomes)
    assert len(outcomes) == 2
    assert seen == [401, 500]


@pytest.mark.parametrize("half", HALVES)
def test_run_that_is_stopped_before_its_start_sends_nothing(half: str) -> None:
    """It raises the error as soon as an outcome is asked for."""
    with FakeOpenRouter() as client:

        def run_sync() -> None:
            outcomes = client.rerank.rerank_many(make_jobs())
            outcomes.stop()
            next(outcomes)

        async def run_async() -> None:
            outcomes = client.rerank.rerank_many_async(make_jobs())
            outcomes.stop()
            await anext(outcomes)

        with pytest.raises(errors.RunStoppedError, match="stopped by its caller"):
            run_sync() if half == "sync" else anyio.run(run_async, backend=half)

    assert client.requests == []


@pytest.mark.parametrize("half", HALVES)
def test_stopping_a_run_that_is_over_changes_nothing(half: str) -> None:
    """A run whose jobs are all done has ended well, whoever stops it then."""
    with FakeOpenRouter() as client:

        def run_sync() -> list[RerankOutcome]:
            found = client.rerank.rerank_many(make_jobs(1))
            outcomes = [next(found)]
            found.stop()
            return outcomes + list(found)

        async def run_async() -> list[RerankOutcome]:
            found = client.rerank.rerank_many_async(make_jobs(1))
            outcomes = [await anext(found)]
            found.stop()
            return outcomes + [outcome async for outcome in found]

        outcomes = run_sync() if half == "sync" else anyio.run(run_async, backend=half)

    assert len(outcomes) == 1


def run_and_stop(
    half: str,
    client: OpenRouter,
    jobs: Any,
    until: Callable[[], object],
    then: Callable[[], object],
) -> tuple[list[RerankOutcome], BaseException | None]:
    """Run jobs; stop the run from beside it after `until`, and do `then`."""
    outcomes: list[RerankOutcome] = []

    def run_sync() -> None:
        with client.rerank.rerank_many(jobs, max_concurrency=2) as found:

            def stop() -> None:
                until()
                found.stop()
                then()

            beside = threading.Thread(target=stop)
            beside.start()
            try:
                outcomes.extend(found)
            finally:
                beside.join()

    async def run_async() -> None:
        async with client.rerank.rerank_many_async(jobs, max_concurrency=2) as found:

            async def stop() -> None:
                await anyio.to_thread.run_sync(until)
                found.stop()
                then()

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(stop)
                async for outcome in found:
                    outcomes.append(outcome)  # noqa: PERF401 - what came before an error counts

    failure: BaseException | None = None
    try:
        run_sync() if half == "sync" else anyio.run(run_async, backend=half)
    except* errors.RunStoppedError as group:
        failure = group.exceptions[0]
        if isinstance(failure, BaseExceptionGroup):
            failure = failure.exceptions[0]
    return outcomes, failure
