"""More documents than a provider takes go in batches by every way in, and come back as one call."""

import json
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

import anyio
import httpx
import pytest
from integration.cli.job_file.fake_api import FakeApi, fake_api
from openrouter_rerank import OpenRouter
from openrouter_rerank.cli._app import run as run_command
from openrouter_rerank.errors import BatchError
from openrouter_rerank.testing import FakeOpenRouter, Step, answer

Arguments = dict[str, Any]
Rows = list[tuple[str, float | None]]
Way = Callable[[OpenRouter, list[str], Arguments], Rows]

SIZE = 3
TEXTS = ["bb", "aaaa", "c", "ddd", "a", "eeeee", "ff", "gggg"]
# By length, ties in the caller's order, as a single call would give them.
BEST_FIRST = ["eeeee", "aaaa", "gggg", "ddd", "bb", "ff", "c", "a"]
ASK: Arguments = {"model": "m", "query": "q"}


def score(text: str) -> float:
    """Score a text by itself."""
    return len(text) / 8


def rank(client: OpenRouter, texts: list[str], arguments: Arguments) -> Rows:
    """Rank objects."""
    ranking = client.rerank.rank(texts, **ASK, **arguments)
    assert [texts[each.index] for each in ranking] == [each.item for each in ranking]
    return [(each.item, each.score) for each in ranking]


def rank_async(backend: str, client: OpenRouter, texts: list[str], arguments: Arguments) -> Rows:
    """Rank objects, async."""

    async def work() -> Rows:
        ranking = await client.rerank.rank_async(texts, **ASK, **arguments)
        assert [texts[each.index] for each in ranking] == [each.item for each in ranking]
        return [(each.item, each.score) for each in ranking]

    return run_on(backend, client, work)


def run_on(backend: str, client: OpenRouter, work: Callable[[], Coroutine[Any, Any, Rows]]) -> Rows:
    """Run async work on an event loop, and close the connections there."""

    async def run() -> Rows:
        async with client:
            return await work()

    return anyio.run(run, backend=backend)


def return_all(arguments: Arguments) -> Any:
    """Return an adapter's settings; these adapters have a `top_n` of their own by default."""
    return {"top_n": None, **arguments}


def compress(client: OpenRouter, texts: list[str], arguments: Arguments) -> Rows:
    """Compress LangChain's documents."""
    from langchain_core.documents import Document
    from openrouter_rerank.langchain import OpenRouterRerank

    compressor = OpenRouterRerank(model="m", client=client, **return_all(arguments))
    found = compressor.compress_documents([Document(text) for text in texts], "q")
    return [(each.page_content, each.metadata["relevance_score"]) for each in found]


def compress_async(
    backend: str, client: OpenRouter, texts: list[str], arguments: Arguments
) -> Rows:
    """Compress LangChain's documents, async."""
    from langchain_core.documents import Document
    from openrouter_rerank.langchain import OpenRouterRerank

    async def work() -> Rows:
        compressor = OpenRouterRerank(model="m", client=client, **return_all(arguments))
        found = await compressor.acompress_documents([Document(text) for text in texts], "q")
        return [(each.page_content, each.metadata["relevance_score"]) for each in found]

    return run_on(backend, client, work)


def process(client: OpenRouter, texts: list[str], arguments: Arguments) -> Rows:
    """Process LlamaIndex's nodes."""
    from llama_index.core.schema import NodeWithScore, TextNode
    from openrouter_rerank.llama_index import OpenRouterRerank

    nodes = [NodeWithScore(node=TextNode(text=text)) for text in texts]
    processor = OpenRouterRerank(model="m", client=client, **return_all(arguments))
    found = processor.postprocess_nodes(nodes, query_str="q")
    return [(each.get_content(), each.score) for each in found]


def process_async(backend: str, client: OpenRouter, texts: list[str], arguments: Arguments) -> Rows:
    """Process LlamaIndex's nodes, async."""
    from llama_index.core.schema import NodeWithScore, TextNode
    from openrouter_rerank.llama_index import OpenRouterRerank

    async def work() -> Rows:
        nodes = [NodeWithScore(node=TextNode(text=text)) for text in texts]
        processor = OpenRouterRerank(model="m", client=client, **return_all(arguments))
        found = await processor.apostprocess_nodes(nodes, query_str="q")
        return [(each.get_content(), each.score) for each in found]

    return run_on(backend, client, work)


def run_ranker(client: OpenRouter, texts: list[str], arguments: Arguments) -> Rows:
    """Run Haystack's ranker."""
    from haystack import Document
    from openrouter_rerank.haystack import OpenRouterRanker

    settings = {("top_k" if name == "top_n" else name): each for name, each in arguments.items()}
    ranker = OpenRouterRanker("m", client=client, **settings)
    found: list[Any] = ranker.run("q", [Document(content=text) for text in texts])["documents"]
    return [(each.content, each.score) for each in found]


def run_ranker_async(
    backend: str, client: OpenRouter, texts: list[str], arguments: Arguments
) -> Rows:
    """Run Haystack's ranker, async."""
    from haystack import Document
    from openrouter_rerank.haystack import OpenRouterRanker

    async def work() -> Rows:
        names = {"top_n": "top_k"}
        settings = {names.get(name, name): each for name, each in arguments.items()}
        ranker = OpenRouterRanker("m", client=client, **settings)
        documents = [Document(content=text) for text in texts]
        found: list[Any] = (await ranker.run_async("q", documents))["documents"]
        return [(each.content, each.score) for each in found]

    return run_on(backend, client, work)


ADAPTERS: dict[str, Way] = {
    "langchain": compress,
    "langchain on asyncio": partial(compress_async, "asyncio"),
    "langchain on trio": partial(compress_async, "trio"),
    "llama_index": process,
    "llama_index on asyncio": partial(process_async, "asyncio"),
    "llama_index on trio": partial(process_async, "trio"),
    "haystack": run_ranker,
    "haystack on asyncio": partial(run_ranker_async, "asyncio"),
    "haystack on trio": partial(run_ranker_async, "trio"),
}
WAYS: dict[str, Way] = {
    "rank": rank,
    "rank_async on asyncio": partial(rank_async, "asyncio"),
    "rank_async on trio": partial(rank_async, "trio"),
    **ADAPTERS,
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def score_by_length(reply: dict[str, Any]) -> dict[str, Any]:
    """Answer as a model that scores each document by itself."""
    for result in reply["results"]:
        result["relevance_score"] = score(result["document"]["text"])
    return reply


@pytest.fixture
def bodies() -> list[dict[str, Any]]:
    """Give a list for the bodies that arrive."""
    return []


@pytest.fixture
def api(clean_environment: pytest.MonkeyPatch, bodies: list[dict[str, Any]]) -> Iterator[FakeApi]:
    """Serve instead of the API, as a provider that takes three documents at most."""

    def refuse_too_many(_number: int, body: dict[str, Any]) -> int | None:
        bodies.append(body)
        return 400 if len(body["documents"]) > SIZE else None

    with fake_api(refuse_too_many) as server:
        server.change = score_by_length
        clean_environment.setenv("OPENROUTER_BASE_URL", server.url)
        clean_environment.setenv("OPENROUTER_API_KEY", "sk-or-batch-size")
        yield server


def read_batches(bodies: list[dict[str, Any]]) -> list[list[str]]:
    """Return the documents of each request; those under way at once may change places."""
    return sorted((body["documents"] for body in bodies), key=lambda batch: TEXTS.index(batch[0]))


@every_way
def test_more_than_a_provider_takes_goes_in_batches(
    way: Way, api: FakeApi, bodies: list[dict[str, Any]]
) -> None:
    """No request has more documents than `batch_size`, and the ranking is that of one call."""
    with OpenRouter() as client:
        rows = way(client, TEXTS, {"batch_size": SIZE})

    assert read_batches(bodies) == [TEXTS[:3], TEXTS[3:6], TEXTS[6:]]
    assert rows == [(text, score(text)) for text in BEST_FIRST]


@every_way
def test_batches_are_cut_to_top_n_together(
    way: Way, api: FakeApi, bodies: list[dict[str, Any]]
) -> None:
    """`top_n` is for all the documents, and no request asks for more than it has."""
    with OpenRouter() as client:
        rows = way(client, TEXTS, {"batch_size": SIZE, "top_n": 3})

    assert [text for text, _ in rows] == BEST_FIRST[:3]
    assert sorted(body["top_n"] for body in bodies) == [2, 3, 3]


@every_way
def test_without_a_batch_size_it_is_one_request(
    way: Way, clean_environment: pytest.MonkeyPatch
) -> None:
    """None, the default, sends all documents in one request, as before."""
    with FakeOpenRouter() as client:
        way(client, TEXTS, {"batch_size": None})

        assert len(client.requests) == 1


@every_way
def test_set_aside_documents_keep_their_places_in_batches(
    way: Way, api: FakeApi, bodies: list[dict[str, Any]]
) -> None:
    """What cannot be ranked fills no batch, and the others are found by the caller's positions."""
    texts = [" ", *TEXTS[:2], "", *TEXTS[2:], "\n"]

    with OpenRouter() as client:
        rows = way(client, texts, {"batch_size": SIZE, "unrankable": "set_aside"})

    assert read_batches(bodies) == [TEXTS[:3], TEXTS[3:6], TEXTS[6:]]
    assert rows[: len(TEXTS)] == [(text, score(text)) for text in BEST_FIRST]
    assert {each for _, each in rows[len(TEXTS) :]} <= {None}


def fail_on(text: str) -> Step:
    """Refuse the batch that holds a text, and answer all others."""

    def respond(request: httpx.Request) -> httpx.Response:
        is_bad = text in json.loads(request.content)["documents"]
        return answer(402 if is_bad else 200).build(request)

    return respond


@every_way
def test_a_failed_batch_is_named(way: Way) -> None:
    """The error is the batch's, names the documents by position, and keeps the paid replies."""
    client = FakeOpenRouter(*[fail_on("ff")] * 3)

    with client, pytest.raises(BatchError) as caught:
        way(client, TEXTS, {"batch_size": SIZE})

    assert (caught.value.status_code, caught.value.positions) == (402, range(6, 8))
    assert set(caught.value.responses) == {0, 1}


@every_way
@pytest.mark.parametrize("size", [0, -1, 1.5])
def test_a_batch_size_that_cannot_be_is_refused(way: Way, size: object) -> None:
    """What is no whole number of at least 1 is refused by name, and nothing is sent."""
    with (
        FakeOpenRouter() as client,
        pytest.raises((TypeError, ValueError), match="batch_size"),
    ):
        way(client, TEXTS, {"batch_size": size})

    assert client.requests == []


@every_way
def test_batches_share_the_only_connection(
    way: Way, api: FakeApi, bodies: list[dict[str, Any]]
) -> None:
    """A client with fewer connections than batches sends as many at once as it has."""
    with OpenRouter(limits=httpx.Limits(max_connections=1)) as client:
        rows = way(client, TEXTS, {"batch_size": SIZE})

    assert [text for text, _ in rows] == BEST_FIRST
    assert len(bodies) == 3


def test_command_sends_batches(
    api: FakeApi, bodies: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """`rank --batch-size` sends no more at once, and prints the merged reply with positions."""
    documents = [f"--document={text}" for text in TEXTS]

    status = run_command(["rank", "q", *documents, f"--batch-size={SIZE}", "--top-n=5", "--json"])

    assert status == 0
    assert read_batches(bodies) == [TEXTS[:3], TEXTS[3:6], TEXTS[6:]]
    results = json.loads(capsys.readouterr().out)["results"]
    assert [TEXTS[result["index"]] for result in results] == BEST_FIRST[:5]


def test_command_names_the_failed_batch(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    """A batch that fails is one line of error, with the positions of its documents."""

    def refuse(_number: int, body: dict[str, Any]) -> int | None:
        return 402 if "ff" in body["documents"] else None

    api.step_in = refuse
    documents = [f"--document={text}" for text in TEXTS]

    status = run_command(["rank", "q", *documents, f"--batch-size={SIZE}"])

    captured = capsys.readouterr()
    assert (status, captured.out) == (1, "")
    assert "documents 6 to 7" in captured.err
    assert "credits" in captured.err
