"""What a run over many jobs keeps in memory."""

import gc
import logging
import threading
import tracemalloc
from collections.abc import AsyncIterator, Iterator

import anyio
import httpx
import pytest
from integration.client.runs.jobs import BOUND_SECONDS, KEY, make_jobs
from openrouter_rerank import (
    OpenRouter,
    RerankJob,
)
from openrouter_rerank.testing import answer

WARM_JOBS = 300
MEASURED_JOBS = 600


class ForgetfulTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers every request, and keeps none."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        return answer().build(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        return self.handle_request(request)


def read_memory() -> int:
    """Return how many bytes are in use; what is garbage already does not count."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def grow_in_threads(client: OpenRouter) -> int:
    """Return by how many bytes a run in threads grows when nothing of it is under way."""
    is_measured = threading.Event()

    def give() -> Iterator[RerankJob]:
        yield from make_jobs(WARM_JOBS)
        is_measured.wait(BOUND_SECONDS)
        is_measured.clear()
        yield from make_jobs(MEASURED_JOBS)
        is_measured.wait(BOUND_SECONDS)

    levels: list[int] = []
    for outcome in client.rerank.rerank_many(give()):
        if outcome.position + 1 in {WARM_JOBS, WARM_JOBS + MEASURED_JOBS}:
            levels.append(read_memory())
            is_measured.set()
    return levels[1] - levels[0]


async def grow_in_tasks(client: OpenRouter) -> int:
    """Return by how many bytes a run in tasks grows when nothing of it is under way."""
    measured = [anyio.Event(), anyio.Event()]

    async def give() -> AsyncIterator[RerankJob]:
        for count, is_measured in zip((WARM_JOBS, MEASURED_JOBS), measured, strict=True):
            for job in make_jobs(count):
                yield job
            await is_measured.wait()

    levels: list[int] = []
    async for outcome in client.rerank.rerank_many_async(give()):
        if outcome.position + 1 in {WARM_JOBS, WARM_JOBS + MEASURED_JOBS}:
            measured[len(levels)].set()
            levels.append(read_memory())
    return levels[1] - levels[0]


@pytest.mark.parametrize("half", ["sync", "asyncio"])
def test_memory_stays_flat(half: str, caplog: pytest.LogCaptureFixture) -> None:
    """Hundreds of jobs whose outcomes were given out leave less than 150 bytes each behind."""
    caplog.set_level(logging.WARNING, "openrouter_rerank")
    transport = ForgetfulTransport()

    with OpenRouter(KEY, transport=transport, async_transport=transport) as client:
        tracemalloc.start()
        try:
            growth = grow_in_threads(client) if half == "sync" else anyio.run(grow_in_tasks, client)
        finally:
            tracemalloc.stop()

    assert growth < 150 * MEASURED_JOBS
