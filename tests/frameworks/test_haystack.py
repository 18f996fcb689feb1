"""The ranker in Haystack's own pipelines, against the embedded server."""

import asyncio
import gc
import runpy
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from frameworks.readme import read_example
from haystack import Document, Pipeline, telemetry
from haystack.components.joiners import DocumentJoiner
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
from haystack.dataclasses import ByteStream
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack.utils import Secret
from openrouter_rerank import local
from openrouter_rerank.errors import PaymentRequiredResponseError
from openrouter_rerank.haystack import OpenRouterRanker
from openrouter_rerank.testing import FakeOpenRouter, answer

KEY = "sk-or-haystack"
QUERY = "What is the capital of France?"
PIXEL = ByteStream(b"\x89PNG", mime_type="image/png")

Run = Callable[..., list[Document]]


def make_documents() -> list[Document]:
    """Make documents, the most relevant one in the middle."""
    return [
        Document(id="berlin", content="Berlin is the capital of Germany.", meta={"page": 1}),
        Document(id="paris", content="Paris is the capital of France.", meta={"page": 2}),
        Document(id="bread", content="Bread is made of flour.", meta={"page": 3}),
    ]


@pytest.fixture(autouse=True)
def environment(clean_environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Set the key, and no other variable of the client's."""
    clean_environment.setenv("OPENROUTER_API_KEY", KEY)
    return clean_environment


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """Run the embedded server, which asks for the key."""
    with local.running(api_key=KEY) as url:
        yield url


def run_sync(ranker: OpenRouterRanker, *arguments: Any, **named: Any) -> list[Document]:
    """Rank by `run`."""
    return ranker.run(*arguments, **named)["documents"]


def run_async(ranker: OpenRouterRanker, *arguments: Any, **named: Any) -> list[Document]:
    """Rank by `run_async`, in an event loop of its own."""

    async def run() -> list[Document]:
        found = await ranker.run_async(*arguments, **named)
        await ranker.close_async()
        return found["documents"]

    return asyncio.run(run())


@pytest.fixture(params=[run_sync, run_async], ids=["sync", "async"])
def run(request: pytest.FixtureRequest) -> Run:
    """Give both ways to rank."""
    chosen: Run = request.param
    return chosen


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

    found = pipeline.run(ask())["ranker"]["documents"]
    pipeline.close()

    assert [(each.id, each.meta) for each in found[:2]] == [
        ("paris", {"page": 2}),
        ("berlin", {"page": 1}),
    ]
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


def test_documents_are_copied(run: Run) -> None:
    """The documents that were given keep the score that they had."""
    documents = make_documents()
    with FakeOpenRouter(answer(scores=[0.1, 0.9, 0.5])) as client:
        found = run(OpenRouterRanker("m", client=client), QUERY, documents)

    assert [(each.id, each.score) for each in found] == [
        ("paris", 0.9),
        ("bread", 0.5),
        ("berlin", 0.1),
    ]
    assert documents == make_documents()


def test_same_document_twice_is_ranked_twice(run: Run) -> None:
    """Documents of the same id are not merged."""
    with FakeOpenRouter() as client:
        found = run(OpenRouterRanker("m", client=client), QUERY, make_documents()[:1] * 2)

    assert [each.id for each in found] == ["berlin", "berlin"]


def test_no_documents_are_no_request(run: Run, environment: pytest.MonkeyPatch) -> None:
    """For no documents none are returned, without a request or a key."""
    environment.delenv("OPENROUTER_API_KEY")
    ranker = OpenRouterRanker("m", api_key=Secret.from_env_var("OPENROUTER_API_KEY"))

    assert run(ranker, QUERY, []) == []


def test_request_is_what_was_asked_for(run: Run) -> None:
    """Model, query, provider and count are sent; what is text is sent as text."""
    with FakeOpenRouter() as client:
        ranker = OpenRouterRanker("m", client=client, top_k=2, provider={"only": ["cohere"]})
        run(ranker, QUERY, make_documents()[:2])

    assert client.bodies == [
        {
            "documents": ["Berlin is the capital of Germany.", "Paris is the capital of France."],
            "model": "m",
            "query": QUERY,
            "provider": {"only": ["cohere"]},
            "top_n": 2,
        }
    ]


@pytest.mark.parametrize(
    ("document", "sent"),
    [
        (Document(blob=PIXEL), {"image": "data:image/png;base64,iVBORw=="}),
        (
            Document(content="a dot", blob=PIXEL),
            {"text": "a dot", "image": "data:image/png;base64,iVBORw=="},
        ),
        (Document(content="text", blob=ByteStream(b"%PDF", mime_type="application/pdf")), "text"),
        (Document(content="text", meta={"title": "T", "page": 0, "x": None}), "T | 0 | text"),
        (Document(meta={"title": "T"}), "T"),
    ],
)
def test_content_is_what_the_document_holds(document: Document, sent: object) -> None:
    """Images are sent as data URIs, and meta fields that are there come before the text."""
    with FakeOpenRouter() as client:
        ranker = OpenRouterRanker(
            "m",
            client=client,
            meta_fields_to_embed=["title", "page", "x", "absent"],
            meta_data_separator=" | ",
        )
        ranker.run(QUERY, [document])

    assert client.bodies[0]["documents"] == [sent]


@pytest.mark.parametrize(
    "empty",
    [
        Document(id="empty"),
        Document(id="empty", content=" \n"),
        Document(id="empty", blob=ByteStream(b"%PDF", mime_type="application/pdf")),
        Document(id="empty", blob=ByteStream(b"?")),
    ],
)
def test_document_of_nothing_is_named(run: Run, empty: Document) -> None:
    """A document that cannot be ranked is an error, which names it, and nothing is sent."""
    with FakeOpenRouter() as client:
        ranker = OpenRouterRanker("m", client=client)
        with pytest.raises(ValueError, match="documents: empty has neither text nor an image"):
            run(ranker, QUERY, [*make_documents(), empty])

    assert client.requests == []


def test_top_k_of_a_run_wins(run: Run) -> None:
    """A run's own count stands in the place of the ranker's."""
    with FakeOpenRouter() as client:
        found = run(OpenRouterRanker("m", client=client, top_k=3), QUERY, make_documents(), top_k=1)

    assert len(found) == 1


def test_wrong_settings_are_refused(run: Run) -> None:
    """What cannot work is refused by its name, before anything is sent."""
    with pytest.raises(ValueError, match="top_k: must be at least 1"):
        OpenRouterRanker("m", top_k=0)
    with pytest.raises(ValueError, match="model: must not be blank"):
        OpenRouterRanker(" ")
    with FakeOpenRouter() as client:
        with pytest.raises(ValueError, match="client: brings its own"):
            OpenRouterRanker("m", client=client, deadline_ms=0)
        with pytest.raises(ValueError, match="top_k: must be at least 1"):
            run(OpenRouterRanker("m", client=client), QUERY, make_documents(), top_k=0)

    assert client.requests == []


def test_errors_come_through(run: Run) -> None:
    """What the API answers is the client's own error."""
    with FakeOpenRouter(402) as client, pytest.raises(PaymentRequiredResponseError):
        run(OpenRouterRanker("m", client=client), QUERY, make_documents())


def test_retries_are_the_clients(run: Run) -> None:
    """A reply of 429 is followed by another attempt."""
    with local.running(faults=local.Faults("429,ok", retry_after=0)) as url:
        ranker = OpenRouterRanker("m", server_url=url)
        found = run(ranker, QUERY, make_documents(), top_k=1)
        ranker.close()

    assert [each.id for each in found] == ["paris"]


@pytest.mark.parametrize("limit", ["timeout_ms", "deadline_ms"])
def test_limits_are_the_rankers(run: Run, limit: str) -> None:
    """A limit without sense is refused by the client that the ranker makes."""
    limits: dict[str, Any] = {limit: 0}
    ranker = OpenRouterRanker("m", server_url="http://localhost/api/v1", **limits)

    with pytest.raises(ValueError, match=f"{limit}: must be above 0"):
        run(ranker, QUERY, make_documents())


@pytest.mark.parametrize("is_async", [False, True])
def test_strict_key_is_missed_at_warm_up(
    environment: pytest.MonkeyPatch, *, is_async: bool
) -> None:
    """The key is read when the ranker warms up, and missed then if it has to be there."""
    environment.delenv("OPENROUTER_API_KEY")
    ranker = OpenRouterRanker("m", api_key=Secret.from_env_var("OPENROUTER_API_KEY"))

    with pytest.raises(ValueError, match="OPENROUTER_API_KEY"):
        asyncio.run(ranker.warm_up_async()) if is_async else ranker.warm_up()


def test_given_client_stays_open() -> None:
    """Closing the ranker leaves a client that it was given alone."""
    with FakeOpenRouter() as client:
        ranker = OpenRouterRanker("m", client=client)
        ranker.warm_up()
        ranker.close()
        asyncio.run(ranker.close_async())

        assert len(ranker.run(QUERY, make_documents())["documents"]) == 3


def test_closed_ranker_opens_again(run: Run, server_url: str) -> None:
    """A run after closing connects anew, and closing twice does no harm."""
    ranker = OpenRouterRanker("m", server_url=server_url, top_k=1)
    for _ in range(2):
        ranker.warm_up()
        run(ranker, QUERY, make_documents())
        ranker.close()
        ranker.close()

    assert [each.id for each in run(ranker, QUERY, make_documents())] == ["paris"]
    ranker.close()


def test_closing_in_an_event_loop_closes_all(server_url: str) -> None:
    """After `close_async` no connection is open, those of sync runs included."""
    ranker = OpenRouterRanker("m", server_url=server_url, top_k=1)
    found = ranker.run(QUERY, make_documents())["documents"]
    asyncio.run(ranker.close_async())
    # A socket that is collected while it is open is a warning, and so an error here.
    del ranker
    gc.collect()

    assert [each.id for each in found] == ["paris"]


def test_threads_share_what_is_closed(server_url: str) -> None:
    """Runs that begin at once leave no connection open after the ranker is closed."""
    ranker = OpenRouterRanker("m", server_url=server_url, top_k=1)
    start = threading.Barrier(4)

    def rank(_number: int) -> str:
        start.wait()
        return ranker.run(QUERY, make_documents())["documents"][0].id

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(rank, range(4)))
    ranker.close()
    gc.collect()

    assert found == ["paris"] * 4


def test_example_runs(
    server_url: str,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """The README's example ranks."""
    environment.setenv("OPENROUTER_BASE_URL", server_url)
    example = tmp_path / "example.py"
    example.write_text(read_example("Haystack"), encoding="utf-8")

    runpy.run_path(str(example))

    line = "Paris is the capital of France. {'source': 'atlas'}\n"
    assert capsys.readouterr().out.endswith(line)


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
