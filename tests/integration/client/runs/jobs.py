"""Jobs to run, and one way to run them for sync code, asyncio and trio alike."""

import itertools
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import anyio
from openrouter_rerank import (
    BackoffStrategy,
    OpenRouter,
    RerankJob,
    RerankOutcome,
    RetryConfig,
)
from openrouter_rerank.testing import Answer, answer

KEY = "sk-or-many"
# How long to wait at most for what comes at once unless it is broken.
BOUND_SECONDS = 10.0
HALVES = ["sync", "asyncio", "trio"]
QUICK = RetryConfig(backoff=BackoffStrategy(1, 5, 1.5, 60_000), max_attempts=20)


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


def priced(cost: float | None) -> Answer:
    """Answer with a price, or without."""
    usage = {} if cost is None else {"usage": {"cost": cost}}
    results = [{"index": 0, "relevance_score": 1.0, "document": {"text": "a"}}]
    return answer(body={"model": "m", "results": results, **usage})


def find_threads() -> list[threading.Thread]:
    """Return the threads of runs."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("rerank-many")]


def join_threads() -> bool:
    """Wait for the threads of runs to end; return whether all have."""
    for thread in find_threads():
        thread.join(BOUND_SECONDS)
    return not find_threads()
