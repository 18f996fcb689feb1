"""Long documents by every way in: their ends are found, against the embedded server and without."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from integration.resilience.ways import Rank, every_way, rank
from openrouter_rerank import OpenRouter, Passages, RerankJob, RetryConfig, errors, local
from openrouter_rerank.local import LOCAL
from openrouter_rerank.testing import FakeOpenRouter, answer

QUERY = "What is the capital of France?"
ANSWER = "Paris is the capital of France."
OTHER = "Berlin is the capital of Germany."
# Twice of what the embedded model reads.
PADDING = "The weather was fine that day, and nobody spoke of anything else. " * 36
LONG = f"{PADDING}{ANSWER}"
ITEMS: list[Any] = [LONG, OTHER, {"text": f"{PADDING}\n\n{ANSWER}"}, "The sky is blue."]
TAIL = Passages(64, count=LOCAL.count_tokens)
ONCE = RetryConfig("none")


@pytest.fixture(scope="module")
def client() -> Iterator[OpenRouter]:
    """Connect to the embedded server over a socket."""
    with local.running() as server_url, OpenRouter("k", server_url=server_url) as client:
        yield client


@every_way
def test_end_of_a_long_document_is_found(client: OpenRouter, way: Rank) -> None:
    """What the answer to the query ends is first with passages; without, it is not read."""
    cut = way(client, ITEMS, query=QUERY)
    whole = way(client, ITEMS, query=QUERY, passages=TAIL, top_n=3)

    assert cut[0].item == OTHER
    assert [each.index for each in whole] == [0, 2, 1]
    assert [each.item for each in whole] == [ITEMS[0], ITEMS[2], OTHER]
    for each, text in zip(whole, [LONG, ITEMS[2]["text"]], strict=False):
        start, end = each.span or (0, 0)
        assert text[start:end].endswith(ANSWER)
    assert {each.span for each in cut} == {None}


def test_each_passage_is_read_to_its_end() -> None:
    """The embedded model's own count fills its 256 tokens, and cuts nothing off."""
    passages = Passages(256, count=LOCAL.count_tokens)

    spans = passages.split(LONG)

    counts = [LOCAL.count_tokens(LONG[start:end]) for start, end in spans]
    assert len(spans) == 3
    assert max(counts) <= 256
    assert sum(counts) - 2 * len(counts) == LOCAL.count_tokens(LONG) - 2


@every_way
def test_ranker_reads_all_of_a_document(way: Rank) -> None:
    """The model in this process ranks passages, too, when another one has failed."""
    arguments: dict[str, Any] = {"passages": TAIL, "fallback_models": [LOCAL]}
    with FakeOpenRouter(*[503] * 9, retry_config=ONCE) as client:
        found = way(client, ITEMS, query=QUERY, top_n=2, **arguments)

    assert ([each.index for each in found], found.model) == ([0, 2], "local/minilm")
    assert LONG[slice(*found[0].span or ())].endswith(ANSWER)


class WordRanker:
    """Scores texts with a word in them, and no others."""

    model = "word"

    def score(
        self, query: str, documents: Sequence[Any], checkpoint: Callable[[], None], /
    ) -> list[float | None]:
        """Score each document."""
        checkpoint()
        texts = [each if isinstance(each, str) else each.get("text", "") for each in documents]
        return [1.0 if query in text else None for text in texts]


@every_way
def test_document_without_a_scored_passage_is_set_aside(way: Rank) -> None:
    """A ranker that has no score for some passages has one for the document by the others."""
    items: list[Any] = [OTHER, LONG, {"image": "https://images.example/a.png"}, PADDING, " "]
    with FakeOpenRouter(*[503] * 9, retry_config=ONCE) as client:
        found = way(
            client,
            items,
            query="Paris",
            passages=TAIL,
            fallback_models=[WordRanker()],
            unrankable="set_aside",
        )

    assert [(each.index, each.score) for each in found] == [(1, 1.0)]
    assert list(found.set_aside) == [0, 2, 3, 4]


@every_way
def test_another_model_ranks_the_same_passages(way: Rank) -> None:
    """A fallback of the API gets the passages, and its result is the documents'."""
    with FakeOpenRouter(404, 200, 200, 200, 200, 200, 200, 200, retry_config=ONCE) as client:
        found = way(
            client, [LONG, OTHER], query=QUERY, passages=Passages(256), fallback_models=["b"]
        )

    sent = [text for body in client.bodies if body["model"] == "b" for text in body["documents"]]
    assert len(sent) == 4
    assert sorted(each.index for each in found) == [0, 1]


@every_way
def test_kept_order_is_that_of_the_documents(way: Rank) -> None:
    """When no model answers, whole documents keep their order, without spans."""
    with FakeOpenRouter(*[503] * 9, retry_config=ONCE) as client:
        found = way(client, ITEMS, passages=TAIL, on_failure="keep_order", top_n=3)

    assert [(each.index, each.score, each.span) for each in found] == [
        (0, None, None),
        (1, None, None),
        (2, None, None),
    ]


@every_way
def test_client_splits_for_all_its_calls(way: Rank) -> None:
    """It is a default of the client and of a view of it, and a call can do without."""
    with FakeOpenRouter(passages=TAIL) as client:
        way(client, [LONG])
        way(client, [LONG], passages=None)
        way(client.with_options(passages=None), [LONG])
        way(client.with_options(passages=Passages(8)), [OTHER])

    assert {len(body["documents"]) for body in client.bodies[-3:]} == {1, 2}
    assert [body["documents"] for body in client.bodies[-3:-1]] == [[LONG]] * 2
    assert sum(len(body["documents"]) for body in client.bodies[:-3]) == len(TAIL.split(LONG))


def test_raw_reply_parses_to_documents(client: OpenRouter) -> None:
    """The raw reply speaks of passages, what it parses to of documents."""
    raw = client.rerank.with_raw_response.rerank(
        documents=ITEMS, query=QUERY, model="m", passages=TAIL, top_n=1
    )

    assert len(raw.http_response.json()["results"]) > len(ITEMS)
    (result,) = raw.parse().results
    assert (result.index, result.document.text) == (0, LONG)


def test_failed_batch_keeps_the_others() -> None:
    """A `BatchError` names documents, and the replies that it holds are theirs."""
    items = [LONG, OTHER, LONG]
    # By the order in which they are sent; one at a time is under way.
    with FakeOpenRouter(200, 200, 402) as client, pytest.raises(errors.BatchError) as caught:
        client.rerank.rerank_batched(
            documents=items,
            query=QUERY,
            model="m",
            passages=Passages(256),
            batch_size=2,
            max_concurrency=1,
        )

    assert [len(body["documents"]) for body in client.bodies] == [2, 2, 2]
    assert caught.value.positions == range(2, 3)
    found = {
        number: [(result.index, result.document.text) for result in reply.results]
        for number, reply in caught.value.responses.items()
    }
    assert found == {0: [(0, LONG)], 1: [(0, LONG), (1, OTHER)]}


def test_documents_of_an_iterator_are_checked_as_they_are_read() -> None:
    """A wrong document is named by its position among the documents, not among passages."""
    for wrong, kind in ((5, TypeError), (" ", ValueError), (f"\ud800{LONG}", ValueError)):
        documents: Iterator[Any] = iter([LONG, OTHER, wrong])
        with FakeOpenRouter() as client, pytest.raises(errors.BatchError) as caught:
            client.rerank.rerank_batched(
                documents=documents, query=QUERY, model="m", passages=TAIL, batch_size=2
            )

        assert isinstance(caught.value.cause, kind)
        assert "documents[2]" in str(caught.value.cause)


def test_set_aside_among_documents_of_an_iterator() -> None:
    """Those that are left out while the documents are read shift no position."""
    documents: Iterator[Any] = iter([None, LONG, " ", OTHER, ""])
    with FakeOpenRouter() as client:
        response = client.rerank.rerank_batched(
            documents=documents,
            query=QUERY,
            model="m",
            passages=TAIL,
            batch_size=3,
            unrankable="set_aside",
        )

    assert sorted(result.index for result in response.results) == [1, 3]


def test_job_whose_tokens_cannot_be_counted_is_an_outcome() -> None:
    """A function that gives no number fails its own job, and nothing is sent for it."""
    wrong: Any = Passages(8, count=lambda _: "many")  # type: ignore[arg-type,return-value]  # pyright: ignore[reportArgumentType]
    jobs = [
        RerankJob(documents=[OTHER], query=QUERY, model="m", passages=wrong),
        RerankJob(documents=[OTHER], query=QUERY, model="m"),
    ]
    with FakeOpenRouter() as client:
        outcomes = list(client.rerank.rerank_many(jobs))

    assert [type(outcome.error) for outcome in outcomes] == [TypeError, type(None)]
    assert len(client.bodies) == 1


def test_cost_and_attempts_are_those_of_the_call() -> None:
    """A retried call for passages costs and counts what one for documents does."""
    body = {
        "model": "m",
        "results": [{"index": index, "relevance_score": index / 64} for index in range(12)],
        "usage": {"cost": 0.25},
    }
    with FakeOpenRouter(503, answer(body=body), passages=TAIL) as client:
        found = rank(client, [f"{PADDING}{PADDING}"[:4096], OTHER])

    assert (found.cost, found.attempts) == (0.25, 2)
