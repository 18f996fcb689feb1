"""Long documents in the adapters: what becomes of the best passage, and of the setting."""

import json
import pickle
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
import pytest
from haystack import Document as HaystackDocument
from haystack.dataclasses import ByteStream
from langchain_core.documents import Document
from llama_index.core.schema import MetadataMode, NodeWithScore, TextNode
from openrouter_rerank import Passages, langchain, llama_index
from openrouter_rerank.haystack import OpenRouterRanker
from openrouter_rerank.ray import Reranker
from openrouter_rerank.testing import FakeOpenRouter

FIRST, SECOND = "One sentence is here.", "Another one is there."
LONG = f"{FIRST} {SECOND}"
# The fake scores what comes first highest, so the first passage is the best one.
BEST = {"start": 0, "end": len(FIRST)}
PASSAGES = Passages(10)
SIZES = {"max_tokens": 10, "overlap": 0}
arrow: Any = pa


def count_words(text: str) -> int:
    """Count words."""
    return len(text.split())


def test_langchain_tells_the_passage() -> None:
    """The metadata says where it stands; what was set aside has none."""
    documents = [Document(LONG, metadata={"page": 1}), Document(" ")]
    with FakeOpenRouter() as client:
        compressor = langchain.OpenRouterRerank(model="m", client=client, passages=PASSAGES)
        found = compressor.compress_documents(documents, "q")

    assert [each.page_content for each in found] == [LONG, " "]
    assert [each.metadata.get("passage") for each in found] == [BEST, None]
    assert client.bodies[0]["documents"] == [FIRST, SECOND]


def test_llama_index_tells_the_passage_but_shows_it_to_no_model() -> None:
    """The node's metadata has it, out of the text that models get."""
    with FakeOpenRouter() as client:
        reranker = llama_index.OpenRouterRerank(model="m", client=client, passages=PASSAGES)
        (found,) = reranker.postprocess_nodes(
            [NodeWithScore(node=TextNode(text=LONG))], query_str="q"
        )

    assert found.node.metadata["passage"] == BEST
    for mode in (MetadataMode.EMBED, MetadataMode.LLM):
        assert found.node.get_content(mode) == LONG


def test_haystack_tells_the_passage() -> None:
    """The meta has it, beside what stood there; an image's text is not split."""
    image = ByteStream(b"image", mime_type="image/png")
    documents = [
        HaystackDocument(id="a", content=LONG, meta={"page": 1}),
        HaystackDocument(id="b", content=LONG, blob=image),
    ]
    with FakeOpenRouter() as client:
        ranker = OpenRouterRanker("m", client=client, passages=PASSAGES)
        found = ranker.run("q", documents)["documents"]

    assert [(each.id, each.meta) for each in found] == [
        ("a", {"page": 1, "passage": BEST}),
        ("b", {}),
    ]
    assert documents[0].meta == {"page": 1}


@pytest.fixture
def reranker() -> Any:
    """Make Ray's callable for a server that refuses, which keeps the order."""
    made = Reranker(
        "m",
        api_key=lambda: "k",
        server_url="http://127.0.0.1:9/api",
        deadline_ms=2_000.0,
        on_failure="keep_order",
        passages=PASSAGES,
    )
    yield made
    made.close()


def test_ray_has_a_column_for_passages(reranker: Reranker) -> None:
    """It is there, with its type, even if there is nothing to say; else it is none of ours."""
    rows = {"query": ["q"], "documents": [[LONG, " "]]}

    table: Any = reranker(arrow.table(rows))

    assert table.column_names[2:] == ["order", "scores", "model", "cost", "error", "passages"]
    assert table["passages"].to_pylist() == [[None, None]]
    assert str(table.schema.field("passages").type) == (
        "list<item: struct<start: int64, end: int64>>"
    )
    with pytest.raises(ValueError, match="has a column 'passages' already"):
        reranker(arrow.table({**rows, "passages": [1]}))


def test_setting_survives_a_dump() -> None:
    """Its sizes come back from a serialised adapter, and from a pickle."""
    compressor = langchain.OpenRouterRerank(model="m", passages=PASSAGES)
    dumped = json.loads(compressor.model_dump_json())
    assert dumped["passages"] == SIZES
    assert langchain.OpenRouterRerank.model_validate(dumped).passages == PASSAGES
    assert pickle.loads(pickle.dumps(compressor)).passages == PASSAGES  # noqa: S301  made here
    assert langchain.OpenRouterRerank(model="m").model_dump()["passages"] is None
    assert "passages" in langchain.OpenRouterRerank.model_json_schema()["properties"]

    reranker = llama_index.OpenRouterRerank(model="m", passages=PASSAGES)
    assert llama_index.OpenRouterRerank.from_json(reranker.to_json()).passages == PASSAGES

    data = OpenRouterRanker("m", passages=PASSAGES).to_dict()
    assert data["init_parameters"]["passages"] == SIZES
    assert OpenRouterRanker.from_dict(data).passages == PASSAGES


def test_what_counts_is_in_no_dump() -> None:
    """A function cannot be written down, which is said and not guessed."""
    passages = Passages(10, count=count_words)

    with pytest.raises(ValueError, match="passages: what counts tokens cannot be serialised"):
        OpenRouterRanker("m", passages=passages).to_dict()
    with pytest.raises(ValueError, match="passages: what counts tokens cannot be serialised"):
        langchain.OpenRouterRerank(model="m", passages=passages).model_dump()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"max_tokens": 0}, "max_tokens: must be at least 1"),
        ({"max_token": 8}, "passages: unknown key 'max_token'"),
        (256, "passages: expected Passages, got int"),
    ],
)
def test_wrong_setting_is_refused_at_once(wrong: Any, message: str) -> None:
    """A setting that cannot work is told when the adapter is made."""
    makers: list[Any] = [
        langchain.OpenRouterRerank,
        llama_index.OpenRouterRerank,
        OpenRouterRanker,
    ]
    for make in makers:
        with pytest.raises((TypeError, ValueError), match=message):
            make(model="m", passages=wrong)
