"""The ways in that take a list of items and say what became of the ranking."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import anyio
import pytest
from attrs import evolve
from openrouter_rerank import OpenRouter, Ranking, RerankJob

ASK: dict[str, Any] = {"model": "m", "query": "q"}
Rank = Callable[..., Ranking[Any]]


def rank(client: OpenRouter, items: Sequence[Any], **arguments: Any) -> Ranking[Any]:
    """Call `rank`."""
    return client.rerank.rank(items, **{**ASK, **arguments})


def rank_async(
    backend: str, client: OpenRouter, items: Sequence[Any], **arguments: Any
) -> Ranking[Any]:
    """Call `rank_async` on an event loop of its own."""

    async def call() -> Ranking[Any]:
        return await client.rerank.rank_async(items, **{**ASK, **arguments})

    return anyio.run(call, backend=backend)


def run_job(client: OpenRouter, items: Sequence[Any], **arguments: Any) -> Ranking[Any]:
    """Run one job, and return its ranking with the items in the place of their positions."""
    job = RerankJob(documents=items, **{**ASK, **arguments})
    # After a 402 the run ends in an error, which is not looked at here.
    with client.rerank.rerank_many([job]) as outcomes:
        outcome = next(outcomes)
    return name_items(items, outcome.ranking, outcome.error)


def run_job_async(
    backend: str, client: OpenRouter, items: Sequence[Any], **arguments: Any
) -> Ranking[Any]:
    """Run one job in a task."""
    job = RerankJob(documents=items, **{**ASK, **arguments})

    async def run() -> Ranking[Any]:
        async for outcome in client.rerank.rerank_many_async([job]):
            return name_items(items, outcome.ranking, outcome.error)
        raise AssertionError("there was no outcome")

    return anyio.run(run, backend=backend)


def name_items(
    items: Sequence[Any], ranking: Ranking[int] | None, error: Exception | None
) -> Ranking[Any]:
    """Return a job's ranking as `rank` would, or raise its error."""
    if ranking is None:
        assert error is not None
        raise error
    assert ranking.failure is error
    named: Ranking[Any] = Ranking()
    vars(named).update(vars(ranking))
    assert [each.item for each in ranking] == [each.index for each in ranking]
    named += [evolve(each, item=items[each.index]) for each in ranking]
    return named


WAYS: dict[str, Rank] = {
    "sync": rank,
    "asyncio": partial(rank_async, "asyncio"),
    "trio": partial(rank_async, "trio"),
    "batches": partial(rank, batch_size=10),
    "batches-async": partial(rank_async, "asyncio", batch_size=10),
    "job": run_job,
    "job-asyncio": partial(run_job_async, "asyncio"),
    "job-trio": partial(run_job_async, "trio"),
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
