"""The reply of a careless server leaves every way in as the ranking that was asked for."""

import json
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from integration.cli.job_file.fake_api import FakeApi, fake_api
from openrouter_rerank import OpenRouter, RerankJob
from openrouter_rerank.cli._app import run as run_command

TEXTS = ["a", "b", "c", "d"]
TOP_N = 3
ASK: dict[str, Any] = {"model": "m", "query": "q"}
# Neither sorted nor cut; the two that are equal come in the wrong order.
SCORES = {0: 0.1, 3: 0.5, 1: 0.5, 2: 0.9}
BEST_FIRST = ["c", "b", "d", "a"]
BEST = BEST_FIRST[:TOP_N]

Capture = pytest.CaptureFixture[str]
Way = Callable[[Path, Capture], list[str]]


def answer_carelessly(reply: dict[str, Any]) -> dict[str, Any]:
    """Give the results as some providers do."""
    given = {result["document"]["text"]: result for result in reply["results"]}
    order = [TEXTS[index] for index in SCORES]
    results = [
        {**given[text], "relevance_score": SCORES[TEXTS.index(text)]}
        for text in order
        if text in given
    ]
    return {**reply, "results": results}


def answer_oddly(reply: dict[str, Any]) -> dict[str, Any]:
    """Give what stands beside the ranking as some providers do."""
    results: list[dict[str, Any]] = reply["results"]
    order = sorted(results, key=lambda result: BEST_FIRST.index(result["document"]["text"]))
    for result in order:
        rank = BEST_FIRST.index(result["document"]["text"])
        result["relevance_score"] = 1 / (1 + rank)
        result["document"] = ({"text": None}, {}, 5)[rank % 3]
    usage = {"cost": "0.002", "search_units": 1.0}
    odd = {"id": 5, "model": None, "provider": {"name": "p"}, "usage": usage, "new": float("inf")}
    return {**reply, **odd, "results": order}


def read_texts(response: Any) -> list[str]:
    """Return the texts of a response, which its indices have to agree with."""
    texts = [result.document.text for result in response.results]
    assert texts == [TEXTS[result.index] for result in response.results]
    return texts


def call(name: str, _folder: Path, _capture: Capture) -> list[str]:
    """Call a method of the client."""
    with OpenRouter() as client:
        return read_texts(getattr(client.rerank, name)(documents=TEXTS, top_n=TOP_N, **ASK))


def run_on(backend: str, work: Callable[[OpenRouter], Coroutine[Any, Any, list[str]]]) -> list[str]:
    """Run async work with a client on an event loop."""

    async def run() -> list[str]:
        async with OpenRouter() as client:
            return await work(client)

    return anyio.run(run, backend=backend)


def call_async(name: str, backend: str, _folder: Path, _capture: Capture) -> list[str]:
    """Call an async method of the client."""

    async def work(client: OpenRouter) -> list[str]:
        method = getattr(client.rerank, name)
        return read_texts(await method(documents=TEXTS, top_n=TOP_N, **ASK))

    return run_on(backend, work)


def call_in_batches(size: int, _folder: Path, _capture: Capture) -> list[str]:
    """Call in batches."""
    with OpenRouter() as client:
        return read_texts(
            client.rerank.rerank_batched(documents=TEXTS, batch_size=size, top_n=TOP_N, **ASK)
        )


def rank(_folder: Path, _capture: Capture) -> list[str]:
    """Rank objects."""
    with OpenRouter() as client:
        return [ranked.item for ranked in client.rerank.rank(TEXTS, top_n=TOP_N, **ASK)]


def rank_async(_folder: Path, _capture: Capture) -> list[str]:
    """Rank objects, async."""

    async def work(client: OpenRouter) -> list[str]:
        ranking = await client.rerank.rank_async(TEXTS, top_n=TOP_N, **ASK)
        return [ranked.item for ranked in ranking]

    return run_on("asyncio", work)


def call_raw(_folder: Path, _capture: Capture) -> list[str]:
    """Parse a raw reply."""
    with OpenRouter() as client:
        raw = client.rerank.with_raw_response.rerank(documents=TEXTS, top_n=TOP_N, **ASK)
        return read_texts(raw.parse())


def run_job(_folder: Path, _capture: Capture) -> list[str]:
    """Run a job."""
    with OpenRouter() as client:
        job = RerankJob(documents=TEXTS, top_n=TOP_N, **ASK)
        return [
            text for each in client.rerank.rerank_many([job]) for text in read_texts(each.unwrap())
        ]


def run_job_async(_folder: Path, _capture: Capture) -> list[str]:
    """Run a job, async."""

    async def work(client: OpenRouter) -> list[str]:
        job = RerankJob(documents=TEXTS, top_n=TOP_N, **ASK)
        outcomes = [each async for each in client.rerank.rerank_many_async([job])]
        return read_texts(outcomes[0].unwrap())

    return run_on("trio", work)


def observe(_folder: Path, _capture: Capture) -> list[str]:
    """Call with an observer, which decodes the reply first."""
    from openrouter_rerank.opentelemetry import instrument

    with OpenRouter() as client:
        instrument(client)
        return read_texts(client.rerank.rerank(documents=TEXTS, top_n=TOP_N, **ASK))


def rank_by_command(_folder: Path, capture: Capture) -> list[str]:
    """Give the command `rank` the documents."""
    documents = [f"--document={text}" for text in TEXTS]
    assert run_command(["rank", "q", *documents, "--model=m", f"--top-n={TOP_N}", "--json"]) == 0
    reply: dict[str, Any] = json.loads(capture.readouterr().out)
    return [result["document"]["text"] for result in reply["results"]]


def run_file(folder: Path, _capture: Capture) -> list[str]:
    """Give the command `batch` a file with a job."""
    jobs, results = folder / "jobs.jsonl", folder / "results.jsonl"
    jobs.write_text(json.dumps({"documents": TEXTS, "top_n": TOP_N, **ASK}), encoding="utf-8")
    assert run_command(["batch", str(jobs), f"--output={results}"]) == 0
    record: dict[str, Any] = json.loads(results.read_text(encoding="utf-8"))
    return [TEXTS[result["index"]] for result in record["result"]["results"]]


def use_langchain(_folder: Path, _capture: Capture) -> list[str]:
    """Compress documents."""
    from langchain_core.documents import Document
    from openrouter_rerank.langchain import OpenRouterRerank

    with OpenRouterRerank(model="m", top_n=TOP_N) as compressor:
        documents = [Document(text) for text in TEXTS]
        return [each.page_content for each in compressor.compress_documents(documents, "q")]


def use_llama_index(_folder: Path, _capture: Capture) -> list[str]:
    """Process nodes."""
    from llama_index.core.schema import NodeWithScore, TextNode
    from openrouter_rerank.llama_index import OpenRouterRerank

    nodes = [NodeWithScore(node=TextNode(text=text)) for text in TEXTS]
    with OpenRouterRerank(model="m", top_n=TOP_N) as processor:
        return [each.get_content() for each in processor.postprocess_nodes(nodes, query_str="q")]


def use_haystack(_folder: Path, _capture: Capture) -> list[str]:
    """Rank Haystack's documents."""
    from haystack import Document
    from openrouter_rerank.haystack import OpenRouterRanker

    ranker = OpenRouterRanker("m", top_k=TOP_N)
    documents = [Document(content=text) for text in TEXTS]
    ranked: list[Any] = ranker.run("q", documents)["documents"]
    ranker.close()
    return [each.content for each in ranked]


def use_ray(_folder: Path, _capture: Capture) -> list[str]:
    """Rerank a row."""
    from openrouter_rerank.ray import Reranker

    documents = np.empty(1, dtype=object)
    documents[0] = TEXTS
    reranker = Reranker("m", top_n=TOP_N)
    row = reranker({"query": np.array(["q"]), "documents": documents})
    reranker.close()
    return [TEXTS[index] for index in row["order"][0]]


WAYS: dict[str, Way] = {
    "rerank": partial(call, "rerank"),
    "rerank_async on asyncio": partial(call_async, "rerank_async", "asyncio"),
    "rerank_async on trio": partial(call_async, "rerank_async", "trio"),
    "rerank_batched, one": partial(call_in_batches, 10),
    "rerank_batched, two": partial(call_in_batches, 2),
    "rerank_batched_async": partial(call_async, "rerank_batched_async", "trio"),
    "rank": rank,
    "rank_async": rank_async,
    "with_raw_response": call_raw,
    "rerank_many": run_job,
    "rerank_many_async": run_job_async,
    "observed": observe,
    "command rank": rank_by_command,
    "command batch": run_file,
    "langchain": use_langchain,
    "llama_index": use_llama_index,
    "haystack": use_haystack,
    "ray": use_ray,
}


@pytest.fixture
def api(clean_environment: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    """Serve instead of the API."""
    with fake_api() as server:
        clean_environment.setenv("OPENROUTER_BASE_URL", server.url)
        clean_environment.setenv("OPENROUTER_API_KEY", "sk-or-every-ranking")
        yield server


@pytest.mark.parametrize("way", WAYS)
def test_careless_reply_leaves_sorted_and_cut(
    way: str, api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Results are by score, equal ones in the caller's order, and no more than `top_n`."""
    api.change = answer_carelessly

    texts = WAYS[way](tmp_path, capsys)

    assert texts == BEST


@pytest.mark.parametrize("way", WAYS)
def test_what_is_odd_beside_a_ranking_does_not_cost_it(
    way: str, api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fields of other types and empty echoes leave the ranking and its documents whole."""
    api.change = answer_oddly

    texts = WAYS[way](tmp_path, capsys)

    assert texts == BEST
