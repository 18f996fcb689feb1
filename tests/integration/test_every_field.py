"""Every optional field of the request, known or not, arrives at a server, by every way in."""

import asyncio
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from integration.cli.job_file.fake_api import fake_api
from openrouter_rerank import OpenRouter, RerankJob
from openrouter_rerank.cli._app import run as run_command
from regeneration.contract_tests import KEYWORDS, REQUEST, make_sample

Fields = dict[str, Any]
Way = Callable[[Path, Fields], object]

ASK: Fields = {"model": "m", "query": "q"}
TEXTS = ["a", "b"]
FIELDS = [name for name in REQUEST["properties"] if name not in REQUEST["required"]]


def call(name: str, _folder: Path, fields: Fields) -> None:
    """Call a method of the client."""
    texts = "items" if name == "rank" else "documents"
    with OpenRouter() as client:
        getattr(client.rerank, name)(**{texts: TEXTS}, **ASK, **fields)


def call_async(name: str, _folder: Path, fields: Fields) -> None:
    """Call an async method of the client."""
    texts = "items" if name == "rank_async" else "documents"

    async def call() -> None:
        async with OpenRouter() as client:
            await getattr(client.rerank, name)(**{texts: TEXTS}, **ASK, **fields)

    asyncio.run(call())


def call_raw(_folder: Path, fields: Fields) -> None:
    """Call for the raw reply."""
    with OpenRouter() as client:
        client.rerank.with_raw_response.rerank(documents=TEXTS, **ASK, **fields)


def call_raw_async(_folder: Path, fields: Fields) -> None:
    """Call for the raw reply, async."""

    async def call() -> None:
        async with OpenRouter() as client:
            await client.rerank.with_raw_response.rerank_async(documents=TEXTS, **ASK, **fields)

    asyncio.run(call())


def run_jobs(_folder: Path, fields: Fields) -> None:
    """Run a job."""
    job = RerankJob(documents=TEXTS, **ASK, **fields)
    with OpenRouter() as client:
        for outcome in client.rerank.rerank_many([job]):
            outcome.unwrap()


def run_jobs_async(_folder: Path, fields: Fields) -> None:
    """Run a job, async."""
    job = RerankJob(documents=TEXTS, **ASK, **fields)

    async def work() -> None:
        async with OpenRouter() as client:
            async for outcome in client.rerank.rerank_many_async([job]):
                outcome.unwrap()

    asyncio.run(work())


def rank_by_command(_folder: Path, fields: Fields) -> None:
    """Give the field to the command `rank`, which has an option of its own for `top_n`."""
    own = {"top_n": "--top-n", "extra_body": "--extra-body", "batch_size": "--batch-size"}
    options = [
        f"{own[name]}={write_value(value)}"
        if name in own
        else f"--field={name}={write_value(value)}"
        for name, value in fields.items()
    ]
    run("rank", "q", "--document=a", "--document=b", *options)


def run(*arguments: str) -> None:
    """Run the command, which has to succeed."""
    status = run_command(arguments)
    if status:
        raise ValueError(f"exit status {status}")


def write_value(value: object) -> str:
    """Write text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def run_file(folder: Path, fields: Fields) -> None:
    """Run a file with a job."""
    file = folder / "jobs.jsonl"
    file.write_text(json.dumps({"documents": TEXTS, **ASK, **fields}), encoding="utf-8")
    run("batch", "--strict", str(file), f"--output={folder / 'results.jsonl'}")


def use_langchain(_folder: Path, fields: Fields) -> None:
    """Compress documents."""
    from langchain_core.documents import Document
    from openrouter_rerank.langchain import OpenRouterRerank

    with OpenRouterRerank(model="m", **fields) as compressor:
        compressor.compress_documents([Document(text) for text in TEXTS], "q")


def use_llama_index(_folder: Path, fields: Fields) -> None:
    """Process nodes."""
    from llama_index.core.schema import NodeWithScore, TextNode
    from openrouter_rerank.llama_index import OpenRouterRerank

    nodes = [NodeWithScore(node=TextNode(text=text)) for text in TEXTS]
    with OpenRouterRerank(model="m", **fields) as processor:
        processor.postprocess_nodes(nodes, query_str="q")


def use_haystack(_folder: Path, fields: Fields) -> None:
    """Rank Haystack's documents with a ranker that was written down and read again."""
    from haystack import Document
    from openrouter_rerank.haystack import OpenRouterRanker

    names = {"top_n": "top_k"}
    settings = {names.get(name, name): value for name, value in fields.items()}
    ranker = OpenRouterRanker.from_dict(OpenRouterRanker("m", **settings).to_dict())
    ranker.run("q", [Document(content=text) for text in TEXTS])
    ranker.close()


def use_ray(_folder: Path, fields: Fields) -> None:
    """Rerank a row."""
    from openrouter_rerank.ray import Reranker

    documents = np.empty(1, dtype=object)
    documents[0] = TEXTS
    reranker = Reranker("m", **fields)
    reranker({"query": np.array(["q"]), "documents": documents})
    reranker.close()


CLIENT: dict[str, Way] = {
    **{name: partial(call, name) for name in ("rerank", "rank", "rerank_batched")},
    **{
        name: partial(call_async, name)
        for name in ("rerank_async", "rank_async", "rerank_batched_async")
    },
    "with_raw_response": call_raw,
    "with_raw_response async": call_raw_async,
    "rerank_many": run_jobs,
    "rerank_many_async": run_jobs_async,
    "ray": use_ray,
    "haystack": use_haystack,
}
WAYS: dict[str, Way] = {
    **CLIENT,
    "langchain": use_langchain,
    "llama_index": use_llama_index,
    "command rank": rank_by_command,
    "command batch": run_file,
}
# Those that return one reply as it came, and those whose requests a scheduler paces.
ONE_REQUEST = {
    *("rerank", "rerank_async", "with_raw_response", "with_raw_response async"),
    *("rerank_many", "rerank_many_async", "command batch", "ray"),
}


@pytest.fixture
def bodies(clean_environment: pytest.MonkeyPatch) -> Iterator[list[Fields]]:
    """Serve in the place of the API, and give the bodies that arrive."""
    arrived: list[Fields] = []
    with fake_api(lambda _, body: arrived.append(body)) as server:
        clean_environment.setenv("OPENROUTER_BASE_URL", server.url)
        clean_environment.setenv("OPENROUTER_API_KEY", "sk-or-every-field")
        yield arrived


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("way", WAYS)
def test_field_arrives(way: str, field: str, tmp_path: Path, bodies: list[Fields]) -> None:
    """What is given for a field is what the server finds in the body under the field's name."""
    value = make_sample(REQUEST["properties"][field])

    WAYS[way](tmp_path, {KEYWORDS.get(field, field): value})

    assert [body.get(field) for body in bodies] == [value]


@pytest.mark.parametrize("way", WAYS)
def test_extra_body_arrives(way: str, tmp_path: Path, bodies: list[Fields]) -> None:
    """A field that this release does not know can be sent by every way in."""
    WAYS[way](tmp_path, {"extra_body": {"max_tokens_per_doc": 512}})

    assert [body.get("max_tokens_per_doc") for body in bodies] == [512]


@pytest.mark.parametrize("way", sorted(WAYS.keys() - ONE_REQUEST))
def test_batch_size_splits_the_documents(way: str, tmp_path: Path, bodies: list[Fields]) -> None:
    """Every way in that takes one list of documents can send it in several requests."""
    WAYS[way](tmp_path, {"batch_size": 1})

    assert sorted(body["documents"] for body in bodies) == [[text] for text in TEXTS]


@pytest.mark.parametrize("way", WAYS)
def test_unknown_field_is_refused(
    way: str, tmp_path: Path, bodies: list[Fields], capsys: pytest.CaptureFixture[str]
) -> None:
    """A name that no field has is refused before anything is sent, by the client as by Python."""
    with pytest.raises((TypeError, ValueError)) as caught:
        WAYS[way](tmp_path, {"prioritee": "high"})

    assert "prioritee" in f"{caught.value}{capsys.readouterr().err}"
    assert way not in CLIENT or caught.type is TypeError
    assert bodies == []
