"""The ranker in Haystack's own pipelines, and what they write of it."""

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from haystack import Document, Pipeline, telemetry
from haystack.components.joiners import DocumentJoiner
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack.utils import Secret
from integration.frameworks.haystack.rankers import KEY, QUERY, make_documents
from openrouter_rerank.haystack import OpenRouterRanker
from openrouter_rerank.testing import FakeOpenRouter


def make_pipeline(ranker: OpenRouterRanker) -> Pipeline:
    """Make a pipeline of a retriever that finds all documents, and the ranker."""
    store = InMemoryDocumentStore()
    store.write_documents(make_documents())
    pipeline = Pipeline()
    pipeline.add_component("retriever", InMemoryBM25Retriever(store))
    pipeline.add_component("ranker", ranker)
    pipeline.connect("retriever.documents", "ranker.documents")
    return pipeline


def ask() -> dict[str, Any]:
    """Return the inputs of the pipeline."""
    return {"retriever": {"query": QUERY}, "ranker": {"query": QUERY}}


def test_haystack_reports_nothing() -> None:
    """Haystack's telemetry is off in these tests."""
    assert vars(telemetry)["_telemetry"].telemetry is None


def test_pipeline_ranks(server_url: str) -> None:
    """In a pipeline the documents come out by relevance, as copies with score, id and meta."""
    pipeline = make_pipeline(OpenRouterRanker("m", server_url=server_url))

    outputs = pipeline.run(ask())["ranker"]
    found = outputs["documents"]
    pipeline.close()

    assert [(each.id, each.meta["page"]) for each in found[:2]] == [("paris", 2), ("berlin", 1)]
    # What the retriever gave stands beside it.
    assert found[0].meta["retriever_score"] == pytest.approx(2.7, abs=0.1)
    assert (outputs["rerank"]["model"], outputs["rerank"]["reranked"]) == ("m", True)
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)


def test_async_pipeline_ranks(server_url: str) -> None:
    """A pipeline that runs in an event loop ranks there, and gives its connections back."""

    async def rank() -> list[Document]:
        pipeline = make_pipeline(OpenRouterRanker("m", server_url=server_url, top_k=1))
        found = await pipeline.run_async(ask())
        await pipeline.close_async()
        documents: list[Document] = found["ranker"]["documents"]
        return documents

    assert [each.id for each in asyncio.run(rank())] == ["paris"]


def test_pipeline_of_yaml_ranks(server_url: str) -> None:
    """A pipeline of text runs with the key of the environment, and writes itself without it."""
    text = f"""
components:
  joiner:
    type: haystack.components.joiners.document_joiner.DocumentJoiner
    init_parameters: {{}}
  ranker:
    type: openrouter_rerank.haystack.OpenRouterRanker
    init_parameters:
      model: m
      top_k: 2
      server_url: {server_url}
      api_key: {{type: env_var, env_vars: [OPENROUTER_API_KEY], strict: true}}
connections:
  - sender: joiner.documents
    receiver: ranker.documents
"""
    pipeline = Pipeline.loads(text, allowed_modules=["openrouter_rerank"])

    inputs = {"joiner": {"documents": make_documents()}, "ranker": {"query": QUERY}}
    found = pipeline.run(inputs)["ranker"]["documents"]
    pipeline.close()

    assert [each.id for each in found] == ["paris", "berlin"]
    assert KEY not in pipeline.dumps()


def test_pipeline_survives_yaml() -> None:
    """What a pipeline writes is read as the same pipeline, every setting included."""
    ranker = OpenRouterRanker(
        "m",
        api_key=Secret.from_env_var(["MINE", "OPENROUTER_API_KEY"]),
        top_k=3,
        server_url="http://localhost/api/v1",
        provider={"only": ["cohere"]},
        timeout_ms=1000,
        deadline_ms=2000,
        meta_fields_to_embed=["title"],
        meta_data_separator=" | ",
    )
    pipeline = Pipeline()
    pipeline.add_component("joiner", DocumentJoiner())
    pipeline.add_component("ranker", ranker)
    pipeline.connect("joiner.documents", "ranker.documents")

    again = Pipeline.loads(pipeline.dumps(), allowed_modules=["openrouter_rerank"])

    assert again.to_dict() == pipeline.to_dict()
    assert pipeline.to_dict()["components"]["ranker"]["init_parameters"]["deadline_ms"] == 2000


def test_dict_is_left_as_it_is() -> None:
    """A ranker can be made twice of one dict."""
    data = OpenRouterRanker("m").to_dict()

    first, second = (OpenRouterRanker.from_dict(data) for _ in range(2))

    assert first.to_dict() == second.to_dict() == data
    assert first.api_key == Secret.from_env_var("OPENROUTER_API_KEY", strict=False)


def test_token_is_not_serialised() -> None:
    """A key that is no variable's is neither written nor shown."""
    ranker = OpenRouterRanker("m", api_key=Secret.from_token(KEY))

    with pytest.raises(ValueError, match="token"):
        ranker.to_dict()
    assert KEY not in repr(ranker)


def test_client_is_not_serialised() -> None:
    """A ranker with a client of the user's says that it cannot be written."""
    with FakeOpenRouter() as client, pytest.raises(ValueError, match=r"client: .* serialised"):
        OpenRouterRanker("m", client=client).to_dict()


def test_missing_framework_is_named() -> None:
    """Without Haystack the module raises one error that says what to install."""
    script = """
import sys
sys.modules["haystack"] = None
try:
    import openrouter_rerank.haystack
except ModuleNotFoundError as error:
    print(error)
"""

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True, timeout=60
    )

    assert 'pip install "openrouter-rerank[haystack]"' in done.stdout
