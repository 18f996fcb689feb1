"""A document set in parts over real sockets, ranked by a real model."""

from collections.abc import Iterator
from typing import Any

import pytest
from openrouter_rerank import OpenRouter, RetryConfig, errors, local

TEXTS = [
    f"{place} is {what}."
    for place in ("Paris", "Berlin", "The Loire", "A long loaf of white bread")
    for what in ("the capital of France", "a river", "in Germany", "cheap", "old", "not here")
]
QUERY: dict[str, Any] = {"query": "What is the capital of France?", "model": "any"}
# Which part is refused is chance.
PATIENT = RetryConfig(max_attempts=20)


@pytest.fixture
def server_url() -> Iterator[str]:
    """Serve the embedded model; every third request is refused for the moment."""
    with local.running(faults=local.Faults("ok,ok,429", retry_after=0)) as server_url:
        yield server_url


@pytest.mark.parametrize(("batch_size", "top_n"), [(1, 4), (5, None), (24, None), (1000, 30)])
def test_parts_rank_as_one_call(server_url: str, batch_size: int, top_n: int | None) -> None:
    """A cross-encoder's parts, retried where refused, merge to the very outcome of one call."""
    with OpenRouter(server_url=server_url, retry_config=PATIENT) as client:
        expected = client.rerank.rerank(documents=TEXTS, top_n=top_n, **QUERY)
        res = client.rerank.rerank_batched(
            documents=iter(TEXTS), batch_size=batch_size, top_n=top_n, **QUERY
        )

    assert res.results == expected.results


@pytest.mark.anyio
async def test_parts_rank_as_one_call_async(server_url: str) -> None:
    """The async twin does the same on each event loop."""
    async with OpenRouter(server_url=server_url, retry_config=PATIENT) as client:
        expected = await client.rerank.rerank_async(documents=TEXTS, **QUERY)
        res = await client.rerank.rerank_batched_async(
            documents=iter(TEXTS), batch_size=5, max_concurrency=2, **QUERY
        )

    assert res.results == expected.results


@pytest.mark.anyio
async def test_silent_server_ends_at_the_deadline() -> None:
    """When the server falls silent, the call ends with what it has by then."""
    with local.running(faults=local.Faults("ok,hang")) as server_url:
        async with OpenRouter(server_url=server_url) as client:
            with pytest.raises(errors.BatchError) as caught:
                await client.rerank.rerank_batched_async(
                    documents=TEXTS, batch_size=12, max_concurrency=1, deadline_ms=3_000, **QUERY
                )

    assert isinstance(caught.value.cause, errors.DeadlineExceededError)
    assert (caught.value.part, list(caught.value.responses)) == (1, [0])
