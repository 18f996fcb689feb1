"""The node postprocessor in LlamaIndex's own query engine, against the embedded server."""

import asyncio
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from llama_index.core import MockEmbedding, VectorStoreIndex
from llama_index.core.callbacks import CallbackManager, CBEventType, LlamaDebugHandler
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.instrumentation.events.rerank import ReRankEndEvent, ReRankStartEvent
from llama_index.core.instrumentation.span_handlers import SimpleSpanHandler
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import (
    BaseNode,
    ImageDocument,
    ImageNode,
    MediaResource,
    MetadataMode,
    Node,
    NodeWithScore,
    TextNode,
)
from llama_index_instrumentation import get_dispatcher
from openrouter_rerank import OpenRouter, local
from openrouter_rerank.errors import PaymentRequiredResponseError
from openrouter_rerank.llama_index import OpenRouterRerank
from openrouter_rerank.testing import FakeOpenRouter, answer
from pydantic import Field, SecretStr

KEY = "sk-or-llama-index"
QUERY = "What is the capital of France?"
TEXTS = {
    "berlin": "Berlin is the capital of Germany.",
    "paris": "Paris is the capital of France.",
    "bread": "Bread is made of flour.",
}


def make_nodes() -> list[NodeWithScore]:
    """Make nodes as a retriever gives them."""
    return [
        NodeWithScore(node=TextNode(id_=name, text=text, metadata={"name": name}), score=0.5)
        for name, text in TEXTS.items()
    ]


def make_engine(reranker: OpenRouterRerank) -> RetrieverQueryEngine:
    """Make LlamaIndex's own query engine over an index of the nodes."""
    index = VectorStoreIndex(
        [found.node for found in make_nodes()], embed_model=MockEmbedding(embed_dim=2)
    )
    return RetrieverQueryEngine.from_args(
        index.as_retriever(similarity_top_k=len(TEXTS)),
        llm=MockLLM(),
        node_postprocessors=[reranker],
    )


class Listener(BaseEventHandler):
    """Keeps the events that it hears of."""

    heard: list[BaseEvent] = Field(default_factory=list[BaseEvent])

    def handle(self, event: BaseEvent, **_: Any) -> None:
        """Keep an event."""
        self.heard.append(event)


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """Give the address of an embedded server."""
    with local.running(api_key=KEY) as url:
        yield url


@pytest.fixture
def reranker(server_url: str) -> Iterator[OpenRouterRerank]:
    """Give a postprocessor that calls that server."""
    with OpenRouterRerank(model="m", api_key=SecretStr(KEY), server_url=server_url) as reranker:
        yield reranker


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Give what hears of every event for the time of one test."""
    handlers = get_dispatcher().event_handlers
    listener = Listener()
    handlers.append(listener)
    yield listener
    handlers.remove(listener)


@pytest.fixture
def spans() -> Iterator[SimpleSpanHandler]:
    """Give what keeps every span for the time of one test."""
    dispatcher: Any = get_dispatcher()
    handlers, spans = dispatcher.span_handlers, SimpleSpanHandler()
    handlers.append(spans)
    yield spans
    handlers.remove(spans)


def test_engine_gives_the_best_first(reranker: OpenRouterRerank) -> None:
    """A query engine's sources are the two most relevant nodes, with the model's scores."""
    response = make_engine(reranker).query(QUERY)

    scores = [found.get_score(raise_error=True) for found in response.source_nodes]
    assert [found.node_id for found in response.source_nodes] == ["paris", "berlin"]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] != scores[1]


def test_engine_gives_the_same_when_async(reranker: OpenRouterRerank) -> None:
    """What `aquery` finds is what `query` finds."""
    engine = make_engine(reranker)

    async def run() -> list[NodeWithScore]:
        async with reranker:
            return (await engine.aquery(QUERY)).source_nodes

    expected = engine.query(QUERY).source_nodes
    # Each call has a name of its own.
    for found in (got := asyncio.run(run())) + expected:
        assert found.node.metadata["rerank"].pop("generation_id").startswith("gen-")
    assert got == expected


def test_nodes_are_left_as_they_are() -> None:
    """Copies of the nodes come back, with new scores and how they came about."""
    nodes = make_nodes()
    with FakeOpenRouter(answer(scores=[0.1, 0.9, 0.2])) as client:
        best, *_ = OpenRouterRerank(model="m", client=client).postprocess_nodes(
            nodes, query_str=QUERY
        )

    assert [found.model_dump() for found in nodes] == [found.model_dump() for found in make_nodes()]
    assert (best.node.node_id, best.score) == (nodes[1].node.node_id, 0.9)
    for mode in (MetadataMode.EMBED, MetadataMode.LLM):
        # A model that reads the node sees nothing of it.
        assert best.node.get_content(mode) == nodes[1].node.get_content(mode)
    assert best.node.metadata == {
        **nodes[1].node.metadata,
        "retriever_score": nodes[1].score,
        "rerank": {
            "model": "m",
            "reranked": True,
            "failure": None,
            "cost": None,
            "cached": False,
            "generation_id": None,
            "attempts": 1,
        },
    }


@pytest.mark.parametrize(("top_n", "expected"), [(1, 1), (None, 3), (10, 3)])
def test_top_n_bounds_the_results(
    reranker: OpenRouterRerank, top_n: int | None, expected: int
) -> None:
    """At most `top_n` nodes come back; None gives all of them."""
    reranker.top_n = top_n

    assert len(make_engine(reranker).query(QUERY).source_nodes) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "name: paris\n\nParis"),
        ({"metadata_mode": MetadataMode.EMBED}, "name: paris\n\nParis"),
        ({"metadata_mode": MetadataMode.LLM}, "secret: s\nname: paris\n\nParis"),
        ({"metadata_mode": MetadataMode.NONE}, "Paris"),
    ],
)
def test_metadata_mode_chooses_the_text(settings: dict[str, Any], expected: str) -> None:
    """A node is compared by what an embedding model reads, or by what the mode says."""
    node = TextNode(
        text="Paris",
        metadata={"secret": "s", "name": "paris"},
        excluded_embed_metadata_keys=["secret"],
    )
    with FakeOpenRouter() as client:
        reranker = OpenRouterRerank(model="m", client=client, **settings)
        reranker.postprocess_nodes([NodeWithScore(node=node)], query_str=QUERY)

    assert client.bodies[0]["documents"] == [expected]


def test_no_nodes_need_no_request() -> None:
    """Without nodes, nothing is sent and nothing comes back, sync and async."""
    with FakeOpenRouter() as client:
        reranker = OpenRouterRerank(model="m", client=client)
        results = [
            reranker.postprocess_nodes([], query_str=QUERY),
            asyncio.run(reranker.apostprocess_nodes([], query_str=QUERY)),
        ]

    assert (results, client.requests) == ([[], []], [])


def test_no_query_is_refused() -> None:
    """Without a query, an error says so, sync and async."""
    reranker = OpenRouterRerank(model="m")

    with pytest.raises(ValueError, match="query_bundle: reranking needs a query"):
        reranker.postprocess_nodes(make_nodes())
    with pytest.raises(ValueError, match="query_bundle: reranking needs a query"):
        asyncio.run(reranker.apostprocess_nodes(make_nodes()))


def test_blank_node_is_named() -> None:
    """With "raise", a node without text is named and nothing is sent."""
    nodes = [*make_nodes(), NodeWithScore(node=TextNode(text=""))]
    with FakeOpenRouter() as client:
        reranker = OpenRouterRerank(model="m", client=client, unrankable="raise")
        with pytest.raises(ValueError, match="documents: blank at positions 3"):
            reranker.postprocess_nodes(nodes, query_str=QUERY)

    assert client.requests == []


def test_events_report_a_call(listener: Listener) -> None:
    """One event begins each call and one ends it, sync and async, with query, model and nodes."""
    with FakeOpenRouter() as client:
        reranker = OpenRouterRerank(model="m", client=client, top_n=None)
        found = reranker.postprocess_nodes(make_nodes(), query_str=QUERY)
        asyncio.run(reranker.apostprocess_nodes(make_nodes(), query_str=QUERY))

    begun = [event for event in listener.heard if isinstance(event, ReRankStartEvent)]
    ended = [event for event in listener.heard if isinstance(event, ReRankEndEvent)]
    assert [(event.query, event.top_n, event.model_name) for event in begun] == [
        (QUERY, 3, "m")
    ] * 2
    assert [event.nodes for event in begun] == [make_nodes()] * 2
    assert [event.nodes for event in ended] == [found] * 2


def test_events_belong_to_a_span(listener: Listener, spans: SimpleSpanHandler) -> None:
    """The events of a call lie in a span of the postprocessor's, sync and async."""
    with FakeOpenRouter() as client:
        reranker = OpenRouterRerank(model="m", client=client)
        reranker.postprocess_nodes(make_nodes(), query_str=QUERY)
        asyncio.run(reranker.apostprocess_nodes(make_nodes(), query_str=QUERY))

    names = [span.id_.partition("-")[0] for span in spans.completed_spans]
    assert names == [f"OpenRouterRerank.{name}postprocess_nodes" for name in ("_", "_a")]
    assert {event.span_id for event in listener.heard} == {
        span.id_ for span in spans.completed_spans
    }


def test_error_ends_the_span(listener: Listener, spans: SimpleSpanHandler) -> None:
    """A call that fails has no end event; its span is dropped with the error."""
    with FakeOpenRouter(402) as client, pytest.raises(PaymentRequiredResponseError):
        OpenRouterRerank(model="m", client=client).postprocess_nodes(make_nodes(), query_str=QUERY)

    assert not any(isinstance(event, ReRankEndEvent) for event in listener.heard)
    assert len(spans.dropped_spans) == 1


def test_callback_manager_hears_of_a_call() -> None:
    """LlamaIndex's older callbacks get an event of kind RERANKING for each call."""
    handler = LlamaDebugHandler(print_trace_on_end=False)
    with FakeOpenRouter() as client:
        reranker = OpenRouterRerank(
            model="m", client=client, callback_manager=CallbackManager([handler])
        )
        found = reranker.postprocess_nodes(make_nodes(), query_str=QUERY)

    ((begin, end),) = handler.get_event_pairs(CBEventType.RERANKING)
    assert begin.payload == {
        "nodes": make_nodes(),
        "model_name": "m",
        "query_str": QUERY,
        "top_k": 2,
    }
    assert end.payload == {"nodes": found, "rerank": found[0].node.metadata["rerank"]}


def test_error_passes_through_the_engine() -> None:
    """What the API answers with is raised as it is, sync and async."""
    with (
        local.running(faults=local.Faults("402")) as server_url,
        OpenRouter(server_url=server_url) as client,
    ):
        engine = make_engine(OpenRouterRerank(model="m", client=client))
        with pytest.raises(PaymentRequiredResponseError):
            engine.query(QUERY)
        with pytest.raises(PaymentRequiredResponseError):
            asyncio.run(engine.aquery(QUERY))


def test_serialised_form_gives_the_settings_back(reranker: OpenRouterRerank) -> None:
    """`from_dict` and `from_json` restore what `to_dict` and `to_json` say, which has no key."""
    reranker.metadata_mode = MetadataMode.NONE
    text = reranker.to_json()

    loaded = [
        OpenRouterRerank.from_dict(reranker.to_dict()),
        OpenRouterRerank.from_json(text),
    ]

    assert json.loads(text)["class_name"] == "OpenRouterRerank"
    assert KEY not in text
    assert [found.to_dict() for found in loaded] == [reranker.to_dict()] * 2
    assert [found.api_key for found in loaded] == [None, None]


def test_pickle_leaves_the_postprocessor_whole(
    reranker: OpenRouterRerank, caplog: pytest.LogCaptureFixture
) -> None:
    """Pickling takes nothing away from the postprocessor in use and logs no attribute as lost."""
    reranker.postprocess_nodes(make_nodes(), query_str=QUERY)
    loaded = pickle.loads(pickle.dumps(reranker))  # noqa: S301  made here

    assert loaded.to_dict() == reranker.to_dict()
    assert reranker.postprocess_nodes(make_nodes(), query_str=QUERY)[0].node_id == "paris"
    assert "unpickleable" not in caplog.text


PIXEL = b"\x89PNG\r\n"
PIXEL_TEXT = "iVBORw0K"
PIXEL_URI = f"data:image/png;base64,{PIXEL_TEXT}"
IMAGE_URL = "https://example.com/x.png"


def rerank_node(node: BaseNode, **settings: Any) -> object:
    """Return what is sent for a node, by both ways."""
    with FakeOpenRouter() as client:
        reranker = OpenRouterRerank(model="m", client=client, **settings)
        reranker.postprocess_nodes([NodeWithScore(node=node)], query_str=QUERY)
        asyncio.run(reranker.apostprocess_nodes([NodeWithScore(node=node)], query_str=QUERY))
    first, second = (body["documents"][0] for body in client.bodies)
    assert first == second
    return first


@pytest.mark.parametrize(
    ("node", "sent"),
    [
        (ImageNode(image_url=IMAGE_URL), {"image": IMAGE_URL}),
        (ImageNode(text="a dot", image_url=IMAGE_URL), {"text": "a dot", "image": IMAGE_URL}),
        (ImageNode(image=PIXEL_TEXT), {"image": PIXEL_URI}),
        (ImageNode(image=PIXEL_URI), {"image": PIXEL_URI}),
        (ImageNode(image="AAAA", image_mimetype="image/x"), {"image": "data:image/x;base64,AAAA"}),
        (ImageDocument(text="a dot", image=PIXEL_TEXT), {"text": "a dot", "image": PIXEL_URI}),
        (
            ImageNode(image_url=IMAGE_URL, metadata={"file": "x.png"}),
            {"text": "file: x.png", "image": IMAGE_URL},
        ),
        (Node(image_resource=MediaResource(data=PIXEL)), {"image": PIXEL_URI}),
        (
            Node(
                text_resource=MediaResource(text="a dot"),
                image_resource=MediaResource(url=IMAGE_URL),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            ),
            {"text": "a dot", "image": IMAGE_URL},
        ),
        (ImageNode(text="no image after all"), "no image after all"),
        (Node(text_resource=MediaResource(text="text"), image_resource=MediaResource()), "text"),
    ],
)
def test_image_is_sent(node: BaseNode, sent: object) -> None:
    """The image of a node is ranked with its text, not the name of its file alone."""
    assert rerank_node(node) == sent


def test_image_in_a_file_is_sent_as_data(tmp_path: Path) -> None:
    """The file of an image is read, and metadata is left out where the mode says so."""
    path = tmp_path / "x.png"
    path.write_bytes(PIXEL)
    nodes = [
        ImageNode(image_path=str(path), metadata={"file": "x.png"}),
        Node(image_resource=MediaResource(path=path)),
    ]

    sent = [rerank_node(node, metadata_mode=MetadataMode.NONE) for node in nodes]

    assert sent == [{"image": PIXEL_URI}] * 2


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        (ImageNode(id_="n", image_path="absent.png"), "node n: cannot read absent.png: No such"),
        (ImageNode(id_="n", image_url="s3://x.png"), "node n: an image's URL begins with http"),
        (ImageNode(id_="n", image="AAAA"), "node n: unknown is no type of an image"),
        (ImageNode(id_="n", image_path="x.pdf"), "node n: application/pdf is no type of an image"),
    ],
)
def test_image_that_cannot_be_sent_is_named(node: BaseNode, reason: str) -> None:
    """A node whose image cannot be sent is refused by its id before anything is sent."""
    with FakeOpenRouter() as client, pytest.raises(ValueError, match=reason):
        OpenRouterRerank(model="m", client=client).postprocess_nodes(
            [NodeWithScore(node=node)], query_str=QUERY
        )

    assert client.requests == []
