"""What comes out of a run, in which order, and what is taken from the caller meanwhile."""

import itertools
import threading
from collections.abc import Callable, Iterator

import anyio
import httpx
import pytest
from integration.client import faults
from integration.client.conftest import Serve
from integration.client.fault_server import Exchange, Fault
from integration.client.runs.jobs import (
    BOUND_SECONDS,
    HALVES,
    KEY,
    QUICK,
    find_threads,
    make_jobs,
    make_jobs_async,
    run,
)
from openrouter_rerank import (
    OpenRouter,
    RerankJob,
    RunProgress,
)
from openrouter_rerank.testing import FakeOpenRouter, answer

# How many jobs a run takes at most before it gives their outcomes out.
WINDOW = 64


def hold(query: str, until: Callable[[], object]) -> Fault:
    """Answer one query only when something has happened, the others at once."""

    def act(exchange: Exchange) -> bool:
        if exchange.request.json["query"] == query:
            assert until()
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
    assert find_threads() == []


@pytest.mark.parametrize("half", HALVES)
def test_slow_job_delays_itself_alone_when_order_is_free(half: str, serve: Serve) -> None:
    """Unordered, the outcomes of all other jobs come out before the first job is answered."""
    others_are_done = threading.Event()
    server = serve(hold("query 0", lambda: others_are_done.wait(BOUND_SECONDS)))

    def watch(progress: RunProgress) -> None:
        if progress.done == 11:
            others_are_done.set()

    with OpenRouter(KEY, server_url=server.url) as client:
        outcomes, _ = run(half, client, make_jobs(12), ordered=False, on_progress=watch)

    assert outcomes[-1].job.id == 0
    assert len(outcomes) == 12


@pytest.mark.parametrize("half", HALVES)
def test_slow_job_comes_first_when_ordered(half: str, serve: Serve) -> None:
    """Ordered, all jobs are sent while the first one waits, whose outcome comes out first."""
    server = serve(hold("query 0", lambda: server.wait_for_requests(12)))

    with OpenRouter(KEY, server_url=server.url) as client:
        outcomes, _ = run(half, client, make_jobs(12))

    assert [outcome.job.id for outcome in outcomes] == list(range(12))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("ordered", [True, False])
def test_jobs_are_taken_only_some_way_ahead(backend: str, ordered: bool) -> None:
    """When every task of the run waits, it has taken no more jobs than its window holds."""
    taken: list[RerankJob] = []

    def watch() -> Iterator[RerankJob]:
        for job in make_jobs():
            taken.append(job)
            yield job

    async def work() -> int:
        found = 0
        is_answered = anyio.Event()

        async def handle(request: httpx.Request) -> httpx.Response:
            if b"query 0" in request.content:
                await is_answered.wait()
            return answer().build(request)

        transport = httpx.MockTransport(handle)
        async with (
            OpenRouter(KEY, async_transport=transport) as client,
            client.rerank.rerank_many_async(
                watch(), max_concurrency=3, ordered=ordered
            ) as outcomes,
            anyio.create_task_group() as tasks,
        ):
            with anyio.fail_after(BOUND_SECONDS):
                tasks.start_soon(anext, outcomes)
                await anyio.wait_all_tasks_blocked()
            found = len(taken)
            is_answered.set()
        return found

    # Unordered, the first outcomes are out already, and as many jobs have taken their places.
    most = WINDOW if ordered else 2 * WINDOW
    assert WINDOW <= anyio.run(work, backend=backend) <= most


def test_threads_take_jobs_while_the_first_is_slow(serve: Serve) -> None:
    """In threads, too, a whole window of jobs is sent while the first one waits for its answer."""
    server = serve(hold("query 0", lambda: server.wait_for_requests(WINDOW)))

    with OpenRouter(KEY, server_url=server.url) as client:
        outcomes, _ = run("sync", client, make_jobs(), most=1, max_concurrency=3)

    assert outcomes[0].job.id == 0


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
