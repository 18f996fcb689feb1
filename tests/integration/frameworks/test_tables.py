"""What can be iterated over but is no list of documents is refused by every way in, unsent."""

import asyncio
from collections.abc import Callable
from importlib import import_module
from typing import Any

import polars as pl
import pytest
from haystack import Document as HaystackDocument
from integration.frameworks.haystack.rankers import run_async, run_sync
from langchain_core.documents import Document
from llama_index.core.schema import QueryBundle
from openrouter_rerank import OpenRouter, RerankJob, langchain, llama_index
from openrouter_rerank.haystack import OpenRouterRanker
from openrouter_rerank.testing import FakeOpenRouter

# Without type hints.
pd: Any = import_module("pandas")
pa: Any = import_module("pyarrow")

ASK: dict[str, Any] = {"model": "m", "query": "q"}
COLUMNS = {"title": ["a", "b"], "text": ["c", "d"]}
NO_LISTS: dict[str, object] = {
    "pandas": pd.DataFrame(COLUMNS),
    "polars": pl.DataFrame(COLUMNS),
    "arrow": pa.table(COLUMNS),
    "arrow batch": pa.record_batch(COLUMNS),
    "array": pd.DataFrame(COLUMNS).to_numpy(),
    "mapping": COLUMNS,
    "bytes": b"text",
    "text": "text",
    "set": {"a", "b"},
    "frozenset": frozenset({"a"}),
}
Way = Callable[[OpenRouter, Any], object]


def run_job(client: OpenRouter, documents: Any) -> None:
    """Run a job of its own."""
    [outcome] = client.rerank.rerank_many([RerankJob(documents=documents, **ASK)])
    outcome.unwrap()


async def take_jobs(client: OpenRouter, jobs: Any) -> None:
    """Give them as the jobs of a run."""
    async for outcome in client.rerank.rerank_many_async(jobs):
        outcome.unwrap()


def use_llama_index(client: OpenRouter, documents: Any) -> object:
    """Process nodes."""
    adapter: Any = llama_index.OpenRouterRerank(model="m", client=client)
    # The public method has LlamaIndex check the list, by a rule of its own.
    return adapter._postprocess_nodes(documents, QueryBundle("q"))


WAYS: dict[str, Way] = {
    "rerank": lambda client, given: client.rerank.rerank(documents=given, **ASK),
    "rerank_async": lambda client, given: asyncio.run(
        client.rerank.rerank_async(documents=given, **ASK)
    ),
    "raw": lambda client, given: client.rerank.with_raw_response.rerank(documents=given, **ASK),
    "rank": lambda client, given: client.rerank.rank(given, key=str, **ASK),
    "rank_async": lambda client, given: asyncio.run(client.rerank.rank_async(given, **ASK)),
    "rerank_batched": lambda client, given: client.rerank.rerank_batched(documents=given, **ASK),
    "rerank_batched_async": lambda client, given: asyncio.run(
        client.rerank.rerank_batched_async(documents=given, **ASK)
    ),
    "job": run_job,
    "jobs": lambda client, given: list(client.rerank.rerank_many(given)),
    "jobs async": lambda client, given: asyncio.run(take_jobs(client, given)),
    "langchain": lambda client, given: langchain.OpenRouterRerank(
        model="m", client=client
    ).compress_documents(given, "q"),
    "langchain async": lambda client, given: asyncio.run(
        langchain.OpenRouterRerank(model="m", client=client).acompress_documents(given, "q")
    ),
    "llama_index": use_llama_index,
    "haystack": lambda client, given: run_sync(OpenRouterRanker("m", client=client), "q", given),
    "haystack async": lambda client, given: run_async(
        OpenRouterRanker("m", client=client), "q", given
    ),
}


@pytest.mark.parametrize("kind", NO_LISTS)
@pytest.mark.parametrize("way", WAYS)
def test_what_is_no_list_is_refused(way: str, kind: str) -> None:
    """No name of a column, key or byte is ranked; the error says what to pass instead."""
    with FakeOpenRouter() as client, pytest.raises(TypeError) as caught:
        WAYS[way](client, NO_LISTS[kind])

    assert client.requests == []
    assert "expected an iterable of" in str(caught.value)
    assert "pass" in str(caught.value) or "put" in str(caught.value)


@pytest.mark.parametrize(
    "column", [pd.Series(["a", "b"]), pl.Series(["a", "b"]), {"x": "a", "y": "b"}.values()]
)
def test_a_column_is_a_list(column: Any) -> None:
    """A column of a table and the values of a mapping are ranked as they are."""
    with FakeOpenRouter() as client:
        client.rerank.rerank(documents=column, **ASK)
        client.rerank.rank(column, **ASK)

    assert [body["documents"] for body in client.bodies] == [["a", "b"]] * 2


@pytest.mark.parametrize("way", ["langchain", "llama_index", "haystack"])
@pytest.mark.parametrize("stranger", ["text", Document("a"), HaystackDocument(content="a")])
def test_another_frameworks_document_is_refused(way: str, stranger: object) -> None:
    """An adapter names the place of what is not its own kind of document, and one in no list."""
    if (way, type(stranger)) in {("langchain", Document), ("haystack", HaystackDocument)}:
        given, place = stranger, "expected"
    else:
        given, place = [stranger], r"(documents|nodes)\[0\]: expected"
    with FakeOpenRouter() as client, pytest.raises(TypeError, match=place):
        WAYS[way](client, given)

    assert client.requests == []
