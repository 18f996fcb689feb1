"""What comes out of a run, in which order, and what is taken from the caller meanwhile."""

import gc
import itertools
import logging
import threading
import tracemalloc
from collections.abc import Iterator

import anyio
import httpx
import pytest
from client import faults
from client.conftest import Serve
from client.fault_server import Exchange, Fault
from client.runs.jobs import HALVES, KEY, QUICK, count_threads, make_jobs, make_jobs_async, run
from openrouter_rerank import (
    OpenRouter,
    RerankJob,
)
from openrouter_rerank.testing import FakeOpenRouter, answer

SLOW_SECONDS = 0.2


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


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async_iterable_gives_the_jobs(backend: str) -> None:
    """Jobs may come from an async generator."""

    async def collect() -> list[int]:
        async with FakeOpenRouter() as client:
            outcomes = client.rerank.rerank_many_async(make_jobs_async(20))
            return [outcome.position async for outcome in outcomes]

    assert anyio.run(collect, backend=backend) == list(range(20))


class Forgetful(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers every request, and keeps none."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        return answer().build(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        return self.handle_request(request)


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
