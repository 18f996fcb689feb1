"""One document with nothing to rank: refused before anything is sent, or set aside."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import pytest
from haystack import Document as HaystackDocument
from integration.frameworks.haystack.rankers import run_async, run_sync
from integration.frameworks.ray.tables import make_table
from integration.frameworks.ray.tables import rerank as rerank_rows
from langchain_core.documents import Document
from llama_index.core.schema import NodeWithScore, TextNode
from openrouter_rerank import OpenRouter, RerankJob, langchain, llama_index
from openrouter_rerank.components import ProviderPreferences
from openrouter_rerank.errors import BatchError
from openrouter_rerank.haystack import OpenRouterRanker
from openrouter_rerank.operations import DocumentRequest
from openrouter_rerank.ray import Reranker
from openrouter_rerank.testing import FakeOpenRouter, ScriptedTransport

ASK: dict[str, Any] = {"model": "m", "query": "q"}
ASIDE: dict[str, Any] = {**ASK, "unrankable": "set_aside"}
TEXTS = ["a", " \n", "b", "", "c\ud800", "d"]
KEPT = [0, 2, 5]
Found = list[tuple[str, float | None]]
Way = Callable[[OpenRouter, list[Any], dict[str, Any]], list[int]]


def positions(response: Any) -> list[int]:
    """Return the positions of a reply's results."""
    return [result.index for result in response.results]


def run_job(client: OpenRouter, documents: list[Any], arguments: dict[str, Any]) -> list[int]:
    """Run a job."""
    [outcome] = client.rerank.rerank_many([RerankJob(documents=documents, **arguments)])
    return positions(outcome.unwrap())


async def run_job_async(
    client: OpenRouter, documents: list[Any], arguments: dict[str, Any]
) -> list[int]:
    """Run a job, async."""
    job = RerankJob(documents=documents, **arguments)
    return [
        at
        async for outcome in client.rerank.rerank_many_async([job])
        for at in positions(outcome.unwrap())
    ]


async def read(documents: list[Any]) -> AsyncIterator[Any]:
    """Give documents by and by."""
    for document in documents:
        yield document


WAYS: dict[str, Way] = {
    "rerank": lambda client, texts, ask: positions(client.rerank.rerank(documents=texts, **ask)),
    "rerank_async": lambda client, texts, ask: positions(
        asyncio.run(client.rerank.rerank_async(documents=texts, **ask))
    ),
    "rank": lambda client, texts, ask: [each.index for each in client.rerank.rank(texts, **ask)],
    "raw": lambda client, texts, ask: positions(
        client.rerank.with_raw_response.rerank(documents=texts, **ask).parse()
    ),
    "batched": lambda client, texts, ask: positions(
        client.rerank.rerank_batched(documents=texts, batch_size=2, **ask)
    ),
    "batched iterator": lambda client, texts, ask: positions(
        client.rerank.rerank_batched(documents=iter(texts), batch_size=2, **ask)
    ),
    "batched async": lambda client, texts, ask: positions(
        anyio.run(
            lambda: client.rerank.rerank_batched_async(documents=texts, batch_size=2, **ask),
            backend="trio",
        )
    ),
    "batched async iterator": lambda client, texts, ask: positions(
        asyncio.run(client.rerank.rerank_batched_async(documents=read(texts), batch_size=2, **ask))
    ),
    "job": run_job,
    "job async": lambda client, texts, ask: asyncio.run(run_job_async(client, texts, ask)),
}


@pytest.mark.parametrize("way", WAYS)
def test_client_leaves_out_what_is_set_aside(way: str, caplog: pytest.LogCaptureFixture) -> None:
    """The rest is ranked, with the caller's own positions, and a warning names the others."""
    with FakeOpenRouter() as client, caplog.at_level(logging.WARNING, "openrouter_rerank"):
        found = WAYS[way](client, TEXTS, {**ASIDE, "top_n": 6})

    assert sorted(found) == KEPT
    assert sorted(text for body in client.bodies for text in body["documents"]) == ["a", "b", "d"]
    assert all(body["top_n"] <= len(body["documents"]) for body in client.bodies)
    assert "3 documents have nothing to rank" in caplog.text
    assert "at positions 1, 3, 4" in caplog.text


@pytest.mark.parametrize("way", [way for way in WAYS if way != "raw"])
@pytest.mark.parametrize("texts", [["", None, {}, {"text": " "}, DocumentRequest(text="")], []])
def test_nothing_left_sends_nothing(way: str, texts: list[Any]) -> None:
    """If nothing can be ranked, there are no results and no request."""
    with FakeOpenRouter() as client:
        assert WAYS[way](client, texts, ASIDE) == []

    assert client.requests == []


def test_raw_reply_needs_a_request() -> None:
    """A raw reply of nothing is refused, since there is no reply to give."""
    with FakeOpenRouter() as client, pytest.raises(ValueError, match="none of them can be ranked"):
        client.rerank.with_raw_response.rerank(documents=[""], **ASIDE)


@pytest.mark.parametrize("way", [way for way in WAYS if "iterator" not in way])
@pytest.mark.parametrize("texts", [TEXTS, ["a", "b", "c", "d", "\udfff"]])
def test_client_refuses_before_anything_is_sent(way: str, texts: list[str]) -> None:
    """By default, one document with nothing to rank refuses the call before the first batch."""
    with FakeOpenRouter() as client, pytest.raises(ValueError, match="documents"):
        WAYS[way](client, texts, ASK)

    assert client.requests == []


def test_wrong_documents_are_no_unrankable_ones() -> None:
    """What is the caller's mistake raises with the caller's own position, not set aside."""
    with FakeOpenRouter() as client:
        with pytest.raises(TypeError, match=r"documents\[2\]: expected"):
            client.rerank.rerank(documents=["", "a", 5], **ASIDE)  # type: ignore[list-item]
        with pytest.raises(TypeError, match=r"documents\[1\].text: expected"):
            client.rerank.rerank(documents=["", {"text": 5}], **ASIDE)
        preferences: Any = ProviderPreferences()
        with pytest.raises(TypeError, match=r"documents\[1\]: expected"):
            client.rerank.rerank_batched(documents=["", preferences], **ASIDE)
        with pytest.raises(ValueError, match="unrankable: expected"):
            client.rerank.rerank(documents=["a"], **ASK, unrankable="drop")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="unrankable: expected"):
            client.rerank.rerank_batched(documents=["a"], **ASK, unrankable=None)  # type: ignore[arg-type]

    assert client.requests == []


def test_failed_batch_has_the_callers_positions() -> None:
    """The replies in a `BatchError` count among all documents, those set aside included."""
    with FakeOpenRouter(make_reply, 402) as client, pytest.raises(BatchError) as caught:
        client.rerank.rerank_batched(
            documents=["", "a", "b"], batch_size=1, max_concurrency=1, **ASIDE
        )

    assert positions(caught.value.responses[0]) == [1]


def make_reply(request: Any) -> Any:
    """Rank as the fake API does."""
    return ScriptedTransport().handle_request(request)


def use_langchain(client: OpenRouter, texts: list[str], settings: dict[str, Any]) -> Found:
    """Compress documents, sync and async."""
    compressor = langchain.OpenRouterRerank(model="m", client=client, **settings)
    documents = [Document(text) for text in texts]
    found = compressor.compress_documents(documents, "q")
    assert asyncio.run(compressor.acompress_documents(documents, "q")) == found
    return [(each.page_content, each.metadata["relevance_score"]) for each in found]


def use_llama_index(client: OpenRouter, texts: list[str], settings: dict[str, Any]) -> Found:
    """Process nodes, sync and async."""
    processor = llama_index.OpenRouterRerank(model="m", client=client, **settings)
    nodes = [NodeWithScore(node=TextNode(text=text), score=0.1) for text in texts]
    found = processor.postprocess_nodes(nodes, query_str="q")
    assert asyncio.run(processor.apostprocess_nodes(nodes, query_str="q")) == found
    return [(each.get_content(), each.score) for each in found]


def use_haystack(client: OpenRouter, texts: list[str], settings: dict[str, Any]) -> Found:
    """Run a ranker that was written down, sync and async."""
    names = {"top_n": "top_k"}
    given = {names.get(name, name): value for name, value in settings.items()}
    ranker = OpenRouterRanker("m", client=client, **given)
    documents = [
        HaystackDocument(id=str(at), content=text, score=0.1) for at, text in enumerate(texts)
    ]
    found = run_sync(ranker, "q", documents)
    assert run_async(ranker, "q", documents) == found
    return [(each.content or "", each.score) for each in found]


ADAPTERS = {"langchain": use_langchain, "llama_index": use_llama_index, "haystack": use_haystack}


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize(("top_n", "count"), [(None, 4), (10, 4), (3, 3), (1, 1)])
def test_adapter_puts_what_is_set_aside_last(
    adapter: str, top_n: int | None, count: int, caplog: pytest.LogCaptureFixture
) -> None:
    """One blank chunk costs nothing: the rest is ranked, and it follows without a score."""
    with FakeOpenRouter() as client, caplog.at_level(logging.WARNING, "openrouter_rerank"):
        found = ADAPTERS[adapter](client, ["a", " ", "b", ""], {"top_n": top_n})

    assert found == [("a", 0.5), ("b", 1 / 3), (" ", None), ("", None)][:count]
    assert [body["documents"] for body in client.bodies] == [["a", "b"]] * 2
    assert "at positions 1, 3" in caplog.text


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_adapter_with_nothing_to_rank_sends_nothing(adapter: str) -> None:
    """Blank chunks alone come back as they are, without a request."""
    with FakeOpenRouter() as client:
        found = ADAPTERS[adapter](client, [" ", ""], {"top_n": 1})

    assert (found, client.requests) == ([(" ", None)], [])


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_adapter_refuses_if_told_to(adapter: str) -> None:
    """With "raise", a blank chunk refuses the call and has its position in the message."""
    with FakeOpenRouter() as client, pytest.raises(ValueError, match="blank at positions 1"):
        ADAPTERS[adapter](client, ["a", ""], {"unrankable": "raise"})

    assert client.requests == []


@pytest.fixture
def transport() -> ScriptedTransport:
    """Give what answers Ray's callable."""
    return ScriptedTransport()


def test_row_of_ray_puts_what_is_set_aside_last(transport: ScriptedTransport) -> None:
    """A blank document of a row is at the end of its order, with null for a score."""
    rows = [("q", ["", "a", None, "b"]), ("r", [""])]
    for top_n, orders in ((None, [[1, 3, 0, 2], [0]]), (3, [[1, 3, 0], [0]])):
        reranker = Reranker("m", api_key=lambda: "k", transport=transport, top_n=top_n)

        columns = rerank_rows(reranker, make_table(rows))

        assert columns["order"] == orders
        assert columns["scores"] == [[0.5, 1 / 3, None, None][: len(orders[0])], [None]]
        assert columns["error"] == [None, None]

    assert [body["documents"] for body in transport.bodies] == [["a", "b"]] * 2
