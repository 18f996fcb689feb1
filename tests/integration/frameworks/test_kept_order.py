"""What a framework's documents look like when their order is kept, and beside the retriever's."""

import asyncio
from typing import Any

import pytest
from haystack import Document as HaystackDocument
from haystack.utils import Secret
from integration.frameworks.haystack.rankers import run_async, run_sync
from langchain_core.documents import Document
from llama_index.core.schema import NodeWithScore, TextNode
from openrouter_rerank import RetryConfig, langchain, llama_index
from openrouter_rerank.haystack import OpenRouterRanker
from openrouter_rerank.local import LOCAL
from openrouter_rerank.testing import FakeOpenRouter

TEXTS = ["a", " ", "b"]
ONCE = RetryConfig("none")
FAILED = {
    "model": "m",
    "reranked": False,
    "failure": "ServiceUnavailableResponseError (503)",
    "cost": None,
    "cached": False,
    "generation_id": None,
    "attempts": 1,
}


def open_failing() -> FakeOpenRouter:
    """Open a client whose every call fails."""
    return FakeOpenRouter(503, 503, retry_config=ONCE, on_failure="keep_order")


def test_langchain_keeps_documents_in_their_places() -> None:
    """The blank one too; an earlier score stands beside, and the metadata says what happened."""
    documents = [Document(text, metadata={"relevance_score": 0.5}) for text in TEXTS]
    with open_failing() as client:
        compressor = langchain.OpenRouterRerank(model="m", client=client, top_n=None)
        ways = [
            compressor.compress_documents(documents, "q"),
            asyncio.run(compressor.acompress_documents(documents, "q")),
        ]
    for found in ways:
        assert [each.page_content for each in found] == TEXTS
        assert found[0].metadata == {
            "relevance_score": None,
            "retriever_score": 0.5,
            "rerank": FAILED,
        }


def test_llama_index_keeps_nodes_in_their_places() -> None:
    """The scores are None, not the retriever's, which a threshold of another scale would meet."""
    nodes = [NodeWithScore(node=TextNode(text=text), score=0.5) for text in TEXTS]
    with open_failing() as client:
        reranker = llama_index.OpenRouterRerank(model="m", client=client, top_n=2)
        ways = [
            reranker.postprocess_nodes(nodes, query_str="q"),
            asyncio.run(reranker.apostprocess_nodes(nodes, query_str="q")),
        ]
    for found in ways:
        assert [(each.text, each.score) for each in found] == [("a", None), (" ", None)]
        assert found[0].node.metadata == {"rerank": FAILED, "retriever_score": 0.5}


@pytest.mark.parametrize("run", [run_sync, run_async])
def test_haystack_keeps_documents_in_their_places(run: Any) -> None:
    """The meta has the score that a document came with."""
    documents = [HaystackDocument(content=text, score=0.5) for text in TEXTS]
    with open_failing() as client:
        found = run(OpenRouterRanker("m", client=client), "q", documents)

    assert [(each.content, each.score) for each in found] == [(text, None) for text in TEXTS]
    assert found[0].meta == {"retriever_score": 0.5}


def test_all_blank_is_no_failure() -> None:
    """When there is nothing to rank, nothing is sent, and nothing has failed."""
    with open_failing() as client:
        (found,) = langchain.OpenRouterRerank(model="m", client=client).compress_documents(
            [Document(" ")], "q"
        )
    assert found.metadata["rerank"] == {**FAILED, "reranked": True, "failure": None, "attempts": 0}


def test_settings_survive_a_dump() -> None:
    """Slugs and scores come back from a serialised adapter."""
    settings: dict[str, Any] = {
        "on_failure": "keep_order",
        "fallback_models": ["b"],
        "follow_fallbacks": True,
        "min_score": {"m": 0.5},
    }
    compressor = langchain.OpenRouterRerank(model="m", **settings)
    again = langchain.OpenRouterRerank.model_validate(compressor.model_dump(mode="json"))
    ranker = OpenRouterRanker("m", **settings)
    loaded = OpenRouterRanker.from_dict(ranker.to_dict())

    for name, value in settings.items():
        assert (getattr(again, name), getattr(loaded, name)) == (value, value)


def test_ranker_is_in_no_dump() -> None:
    """A ranker of this process cannot be written down, which is said and not guessed."""
    ranker = OpenRouterRanker("m", api_key=Secret.from_token("k"), fallback_models=[LOCAL])
    with pytest.raises(ValueError, match="fallback_models"):
        OpenRouterRanker("m", fallback_models=[LOCAL]).to_dict()
    assert langchain.OpenRouterRerank(model="m", fallback_models=[LOCAL]).fallback_models == [LOCAL]
    assert ranker.fallback_models == [LOCAL]


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"on_failure": "hide"}, ValueError),
        ({"fallback_models": [5]}, (TypeError, ValueError)),
        ({"follow_fallbacks": "perhaps"}, (TypeError, ValueError)),
        ({"min_score": "high"}, (TypeError, ValueError)),
    ],
)
def test_wrong_setting_is_refused_at_once(settings: dict[str, Any], kind: Any) -> None:
    """A setting that cannot work is told when the adapter is made."""
    for adapter in (langchain.OpenRouterRerank, llama_index.OpenRouterRerank):
        with pytest.raises(kind):
            adapter(model="m", **settings)
    with pytest.raises(kind):
        OpenRouterRanker("m", **settings)


def test_haystack_takes_one_kind_of_fields() -> None:
    """The fields take the place of Haystack's own setting, and two would contradict each other."""
    with pytest.raises(ValueError, match="meta_fields_to_embed"):
        OpenRouterRanker("m", fields=["title"], meta_fields_to_embed=["title"])
