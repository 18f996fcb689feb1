"""The ranker with the real model."""

import threading

import pytest
from openrouter_rerank.local import MiniLMRanker
from openrouter_rerank.local._models.ranker import Ranking

QUERY = "Which animal sleeps upside down?"
DOCUMENTS = [
    "The Treaty of Westphalia ended the Thirty Years' War in 1648.",
    "Bats roost by hanging from their hind claws.",
    "Horses can doze while standing, thanks to a locking joint in their legs.",
    "A sonnet has fourteen lines.",
    "Copper",
    "long " * 400,
]


class StoppedError(Exception):
    """Raised by a checkpoint."""


def test_relevant_document_scores_highest(ranker: MiniLMRanker) -> None:
    """The document that answers the query scores highest, though it shares no word with it."""
    scores = ranker.rank(QUERY, DOCUMENTS).scores

    assert scores.index(max(scores)) == 1


def test_scores_lie_between_0_and_1(ranker: MiniLMRanker) -> None:
    """Scores are probabilities, and a text is most like itself."""
    scores = ranker.rank(QUERY, [*DOCUMENTS, QUERY]).scores

    assert all(0 < score < 1 for score in scores)
    assert scores[-1] == max(scores)
    assert scores[-1] == pytest.approx(0.98923, abs=1e-4)


def test_document_scores_the_same_alone_and_among_others(ranker: MiniLMRanker) -> None:
    """Neither the other documents nor their padding change a document's score."""
    together = ranker.rank(QUERY, DOCUMENTS).scores

    alone = [ranker.rank(QUERY, [document]).scores[0] for document in DOCUMENTS]

    assert alone == pytest.approx(list(together), abs=1e-6)


def test_scores_follow_the_documents(ranker: MiniLMRanker) -> None:
    """Scores come in the order of the documents, whatever order they are computed in."""
    scores = ranker.rank(QUERY, DOCUMENTS).scores

    reverse = ranker.rank(QUERY, DOCUMENTS[::-1]).scores

    assert list(reverse)[::-1] == pytest.approx(list(scores), abs=1e-6)


def test_equal_documents_score_exactly_the_same(ranker: MiniLMRanker) -> None:
    """Copies of a document have one score, to the last bit."""
    scores = ranker.rank(QUERY, ["Copper", *DOCUMENTS, "copper", "Copper"]).scores

    assert scores[0] == scores[5] == scores[-2] == scores[-1]


def test_text_beyond_256_tokens_has_no_influence(ranker: MiniLMRanker) -> None:
    """What follows the first 256 tokens changes neither score nor token count."""
    beginning = "copper " * 254

    short = ranker.rank(QUERY, [beginning])
    long = ranker.rank(QUERY, [beginning + "bats hang upside down " * 5000])

    assert (long.scores, long.token_count) == (short.scores, short.token_count)


def test_thin_beginning_does_not_hide_the_rest(ranker: MiniLMRanker) -> None:
    """A text whose first thousands of characters hold no word is read to its 256th token."""
    padded = ranker.rank(QUERY, [" " * 10_000 + "\n" + DOCUMENTS[1]])

    assert padded == ranker.rank(QUERY, [DOCUMENTS[1]])


def test_tokens_are_counted_with_their_ends(ranker: MiniLMRanker) -> None:
    """The count has the tokens of query and documents, each with two end marks."""
    ranking = ranker.rank("one two", ["three", "", "three"])

    assert ranking.token_count == 4 + 3 + 2 + 3


def test_markers_in_a_text_are_only_text(ranker: MiniLMRanker) -> None:
    """A text that spells an end mark is read as its characters."""
    ranking = ranker.rank("", ["[SEP]"])

    assert ranking.token_count == 2 + len(["[CLS]", "[", "sep", "]", "[SEP]"])


@pytest.mark.parametrize(
    "text", ["", " \t\n", "日本語のテキスト", "🦇" * 300, "é\u0301", "\x00", "a" * 300]
)
def test_any_text_can_be_ranked(ranker: MiniLMRanker, text: str) -> None:
    """Odd texts get a score, as query and as document."""
    scores = [*ranker.rank(QUERY, [text]).scores, *ranker.rank(text, [QUERY]).scores]

    assert all(0 < score < 1 for score in scores)
    assert scores[0] == pytest.approx(scores[1])


def test_accents_and_case_do_not_matter(ranker: MiniLMRanker) -> None:
    """The vocabulary is uncased and without accents."""
    scores = ranker.rank("coffee", ["Café Zürich", "cafe zurich"]).scores

    assert scores[0] == scores[1]


def test_checkpoint_stops_a_ranking(ranker: MiniLMRanker) -> None:
    """What the checkpoint raises ends the ranking and reaches the caller."""
    calls: list[None] = []

    def checkpoint() -> None:
        calls.append(None)
        if len(calls) == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        ranker.rank(QUERY, [f"document {number}" for number in range(100)], checkpoint=checkpoint)

    assert len(calls) == 3


def test_ranker_serves_several_threads() -> None:
    """Threads that share a ranker, not loaded yet, all get the same scores."""
    # Equal rankers share their model, and the other tests have loaded that of the defaults.
    shared = MiniLMRanker(embedding_cache_mb=1)
    assert not shared.is_loaded
    rankings: list[Ranking] = []
    barrier = threading.Barrier(4)

    def rank() -> None:
        barrier.wait()
        rankings.append(shared.rank(QUERY, DOCUMENTS))

    threads = [threading.Thread(target=rank) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(rankings) == 4
    for ranking in rankings:
        assert ranking.scores == pytest.approx(rankings[0].scores, abs=1e-6)
