"""What `on_progress` is called with."""

import anyio
import pytest
from integration.client import faults
from integration.client.conftest import Serve
from integration.client.fault_server import Exchange
from integration.client.runs.jobs import HALVES, KEY, make_jobs, priced, run
from openrouter_rerank import OpenRouter, RerankOutcome, RunProgress
from openrouter_rerank.testing import FakeOpenRouter


@pytest.mark.parametrize("half", HALVES)
def test_progress_is_reported_for_each_outcome(half: str) -> None:
    """Each outcome is followed by one report, and the last one has the sums."""
    reports: list[RunProgress] = []
    with FakeOpenRouter(priced(0.5), 400, 500, priced(0.5)) as client:
        run(half, client, make_jobs(3), max_concurrency=1, on_progress=reports.append)

    assert [report.done for report in reports] == [1, 2, 3]
    last = reports[-1]
    assert (last.taken, last.failed, last.retried, last.in_flight) == (3, 1, 1, 0)
    assert last.cost == 1.0


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async_progress_is_awaited(backend: str) -> None:
    """`on_progress` may be a coroutine function; the iterator stays at its end after the last."""
    reports: list[int] = []

    async def record(progress: RunProgress) -> None:
        await anyio.lowlevel.checkpoint()
        reports.append(progress.done)

    async def work() -> list[RerankOutcome]:
        async with FakeOpenRouter() as client:
            outcomes = client.rerank.rerank_many_async(make_jobs(3), on_progress=record)
            for _ in range(3):
                await anext(outcomes)
            return [outcome async for outcome in outcomes] + [o async for o in outcomes]

    assert anyio.run(work, backend=backend) == []
    assert reports == [1, 2, 3]


@pytest.mark.parametrize("half", HALVES)
def test_little_is_unread_at_any_time(half: str, serve: Serve) -> None:
    """With `max_unread`, requests under way and results not finished with are never more."""
    finished: list[int] = []
    unread: list[int] = []

    def record(progress: RunProgress) -> None:
        finished.append(progress.done)

    def watch(exchange: Exchange) -> bool:
        unread.append(len(server.requests) - len(finished))
        return faults.ok(exchange)

    server = serve(watch)
    with OpenRouter(KEY, server_url=server.url) as client:
        outcomes, failure = run(
            half,
            client,
            make_jobs(30),
            max_concurrency=4,
            max_unread=3,
            ordered=False,
            on_progress=record,
        )

    assert failure is None
    assert len(outcomes) == 30
    # The one more was finished with, but not yet recorded here.
    assert max(unread) <= 4
