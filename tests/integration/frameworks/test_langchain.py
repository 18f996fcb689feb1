"""The document compressor in LangChain's own retrievers and chains, against the embedded server."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.language_models import FakeListChatModel
from langchain_core.load import dumps
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore
from openrouter_rerank import OpenRouter, RetryConfig, local
from openrouter_rerank.errors import PaymentRequiredResponseError
from openrouter_rerank.langchain import OpenRouterRerank
from openrouter_rerank.testing import FakeOpenRouter, answer
from pydantic import SecretStr

KEY = "sk-or-langchain"
QUERY = "What is the capital of France?"
DOCUMENTS = [
    Document("Berlin is the capital of Germany.", metadata={"page": 1}, id="berlin"),
    Document("Paris is the capital of France.", metadata={"page": 2, "tags": ["a"]}, id="paris"),
    Document("Bread is made of flour.", metadata={"page": 3}, id="bread"),
    Document("Madrid is the capital of Spain.", metadata={"page": 4}, id="madrid"),
]


def make_retriever(compressor: OpenRouterRerank) -> BaseRetriever:
    """Make LangChain's own retriever around the compressor, over all of the documents."""
    # It needs a newer langchain-core than the adapter does.
    retrievers = pytest.importorskip("langchain_classic.retrievers")
    store = InMemoryVectorStore.from_documents(DOCUMENTS, DeterministicFakeEmbedding(size=2))
    retriever: BaseRetriever = retrievers.ContextualCompressionRetriever(
        base_compressor=compressor,
        base_retriever=store.as_retriever(search_kwargs={"k": len(DOCUMENTS)}),
    )
    return retriever


@pytest.fixture(autouse=True)
def no_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep LangChain from reporting its runs, whatever the environment says."""
    for name in ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2"):
        monkeypatch.setenv(name, "false")


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """Give the address of an embedded server."""
    with local.running(api_key=KEY) as url:
        yield url


@pytest.fixture
def compressor(server_url: str) -> Iterator[OpenRouterRerank]:
    """Give a compressor that calls that server."""
    with OpenRouterRerank(model="m", api_key=SecretStr(KEY), server_url=server_url) as compressor:
        yield compressor


def test_retriever_gives_the_best_first(compressor: OpenRouterRerank) -> None:
    """A compression retriever gives three documents, the most relevant first, with scores."""
    found = make_retriever(compressor).invoke(QUERY)

    scores = [document.metadata["relevance_score"] for document in found]
    assert [found[0].id, len(found)] == ["paris", 3]
    assert scores == sorted(scores, reverse=True)


def test_retriever_gives_the_same_when_async(compressor: OpenRouterRerank) -> None:
    """What `ainvoke` finds is what `invoke` finds."""
    retriever = make_retriever(compressor)

    async def run() -> list[Document]:
        async with compressor:
            return await retriever.ainvoke(QUERY)

    expected = retriever.invoke(QUERY)
    # Each call has a name of its own.
    for found in (got := asyncio.run(run())) + expected:
        assert found.metadata["rerank"].pop("generation_id").startswith("gen-")
    assert got == expected


def test_chain_reads_what_was_reranked(compressor: OpenRouterRerank) -> None:
    """A chain of retriever, prompt, model and parser runs, for one input, for many, and async."""
    seen: list[str] = []

    def keep(documents: list[Document]) -> str:
        seen.append(documents[0].page_content)
        return "\n".join(document.page_content for document in documents)

    chain = (
        {"context": make_retriever(compressor) | keep, "question": RunnablePassthrough()}
        | ChatPromptTemplate.from_template("{context}\n\n{question}")
        | FakeListChatModel(responses=["Paris"])
        | StrOutputParser()
    )
    answers = [chain.invoke(QUERY), *chain.batch([QUERY, QUERY]), asyncio.run(chain.ainvoke(QUERY))]

    assert answers == ["Paris"] * 4
    assert seen == [DOCUMENTS[1].page_content] * 4


def test_documents_are_left_as_they_are() -> None:
    """The results are copies with id and a metadata dict of their own."""
    documents = [document.model_copy(deep=True) for document in DOCUMENTS]
    with FakeOpenRouter(answer(scores=[0.1, 0.9, 0.2, 0.3])) as client:
        best, *_ = OpenRouterRerank(model="m", client=client).compress_documents(documents, QUERY)
    best.metadata["seen"] = True

    assert documents == DOCUMENTS
    assert (best.id, best.metadata) == (
        "paris",
        {
            "page": 2,
            "tags": ["a"],
            "relevance_score": 0.9,
            "rerank": {
                "model": "m",
                "reranked": True,
                "failure": None,
                "cost": None,
                "cached": False,
                "generation_id": None,
                "attempts": 1,
            },
            "seen": True,
        },
    )


def test_metadata_that_cannot_be_copied_loses_no_paid_reply() -> None:
    """Metadata holds what deepcopy refuses, such as a lock; the ranking comes back all the same."""
    lock = threading.Lock()
    documents = [Document(text, metadata={"lock": lock}) for text in ("a", "b")]
    with FakeOpenRouter() as client:
        compressor = OpenRouterRerank(model="m", client=client)
        found = compressor.compress_documents(documents, QUERY)
        found += asyncio.run(compressor.acompress_documents(documents, QUERY))

    assert [document.metadata["lock"] for document in found] == [lock] * 4
    assert documents[0].metadata == {"lock": lock}


@pytest.mark.parametrize(("top_n", "expected"), [(1, 1), (None, 4), (10, 4)])
def test_top_n_bounds_the_results(
    compressor: OpenRouterRerank, top_n: int | None, expected: int
) -> None:
    """At most `top_n` documents come back; None gives all of them."""
    compressor.top_n = top_n

    assert len(make_retriever(compressor).invoke(QUERY)) == expected


def test_no_documents_need_no_request() -> None:
    """Without documents, nothing is sent and nothing comes back, sync and async."""
    with FakeOpenRouter() as client:
        compressor = OpenRouterRerank(model="m", client=client)
        results = [
            compressor.compress_documents([], QUERY),
            asyncio.run(compressor.acompress_documents([], QUERY)),
        ]

    assert (results, client.requests) == ([[], []], [])


def test_blank_document_is_named() -> None:
    """With "raise", a document without text is named and nothing is sent."""
    documents = [*DOCUMENTS, Document("")]
    with (
        FakeOpenRouter() as client,
        pytest.raises(ValueError, match="documents: blank at positions 4"),
    ):
        OpenRouterRerank(model="m", client=client, unrankable="raise").compress_documents(
            documents, QUERY
        )

    assert client.requests == []


def test_error_passes_through_the_retriever() -> None:
    """What the API answers with is raised as it is, sync and async."""
    with (
        local.running(faults=local.Faults("402")) as server_url,
        OpenRouter(server_url=server_url) as client,
    ):
        retriever = make_retriever(OpenRouterRerank(model="m", client=client))
        with pytest.raises(PaymentRequiredResponseError):
            retriever.invoke(QUERY)
        with pytest.raises(PaymentRequiredResponseError):
            asyncio.run(retriever.ainvoke(QUERY))


def test_client_retries_for_the_retriever() -> None:
    """The policy of a client that is given holds within LangChain."""
    with (
        local.running(faults=local.Faults("429,ok", retry_after=0)) as server_url,
        OpenRouter(server_url=server_url, retry_config=RetryConfig(max_attempts=2)) as client,
    ):
        found = make_retriever(OpenRouterRerank(model="m", client=client)).invoke(QUERY)

    assert found[0].id == "paris"


def test_key_is_not_in_the_retriever(compressor: OpenRouterRerank) -> None:
    """LangChain's serialised form of a retriever, which tracers get, is without the key."""
    retriever = make_retriever(compressor)

    shown = dumps(retriever) + repr(retriever) + str(retriever.model_dump())

    assert "OpenRouterRerank" in shown
    assert KEY not in shown
