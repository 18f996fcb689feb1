"""The first stage: which candidates BM25 finds, and in which order."""

import sys

import pytest
from openrouter_rerank.evaluation._datasets import Dataset, Document, Query
from openrouter_rerank.evaluation._first_stage import BM25, add_candidates

DOCUMENTS: dict[str, Document] = {
    "cats": "Cats sleep at night.",
    "dogs": "A dog barks at the cat, and at a cat.",
    "image": {"image": "https://example.com/cat.png"},
    "blank": "",
}


def test_stemmed_words_are_found_and_the_best_come_first() -> None:
    """A query finds what has its words in another form; nothing else is a candidate."""
    found = BM25().find_candidates(DOCUMENTS, ["the sleeping of cats", "the of", "zebra", ""], 5)

    assert found == [["cats", "dogs"], [], [], []]


def test_depth_limits_the_candidates() -> None:
    """No more are found than one asks for."""
    assert BM25().find_candidates(DOCUMENTS, ["cats"], 1) == [["dogs"]]


def test_equal_documents_come_by_their_ids() -> None:
    """Ties have the order that trec_eval gives them."""
    found = BM25().find_candidates({"a": "cat", "c": "cat", "b": "cat", "d": "dog"}, ["cat"], 4)

    assert found == [["c", "b", "a"]]


def test_without_stemming_and_stop_words_each_word_counts_as_it_stands() -> None:
    """Both can be switched off, and stop words can be one's own."""
    plain = BM25(stop_words=None, stemmer=None)

    assert plain.find_candidates(DOCUMENTS, ["the cat", "cats"], 5) == [["dogs"], ["cats"]]
    assert BM25(stop_words=["cat"]).find_candidates(DOCUMENTS, ["cats", "at"], 5) == [
        ["cats"],
        ["dogs", "cats"],
    ]


def test_documents_without_words_have_no_candidates() -> None:
    """An index of nothing finds nothing."""
    assert BM25().find_candidates({"a": "the", "b": ""}, ["cat"], 5) == [[]]


def test_unknown_languages_are_refused() -> None:
    """A typing error does not become a first stage without stemming or stop words."""
    with pytest.raises(ValueError, match=r"stemmer: 'klingon' is unknown; there are arabic"):
        BM25(stemmer="klingon").find_candidates(DOCUMENTS, ["cat"], 1)
    with pytest.raises(ValueError, match="klingon"):
        BM25(stop_words="klingon").find_candidates(DOCUMENTS, ["cat"], 1)


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever lacks the extra reads what to install."""
    monkeypatch.setitem(sys.modules, "bm25s", None)

    with pytest.raises(ModuleNotFoundError, match=r"bm25s.*openrouter-rerank\[eval\]"):
        BM25().find_candidates(DOCUMENTS, ["cat"], 1)


@pytest.mark.parametrize(
    ("bm25", "expected"),
    [
        (BM25(), "BM25 (k1 0.9, b 0.4, stop words en, stemmer english)"),
        (
            BM25(k1=1.2, b=0.75, stop_words=["a", "the"], stemmer=None),
            "BM25 (k1 1.2, b 0.75, stop words 2 own, stemmer none)",
        ),
        (BM25(stop_words=None), "BM25 (k1 0.9, b 0.4, stop words none, stemmer english)"),
    ],
)
def test_it_says_how_it_is_set(bm25: BM25, expected: str) -> None:
    """A result can be repeated from what it says of its first stage."""
    assert str(bm25) == expected


def test_only_queries_without_candidates_get_some() -> None:
    """What the data has brought stays as it is."""
    lacking = Query(id="q1", text="cats", grades={"cats": 1})
    given = Query(id="q2", text="cats", grades={"cats": 1}, candidates=["blank"])
    dataset = Dataset(name="d", queries=[lacking, given], documents=DOCUMENTS)

    added = add_candidates(dataset, BM25(), 2)

    assert [query.candidates for query in added.queries] == [["dogs", "cats"], ["blank"]]
    assert added.first_stage == str(BM25())
    assert add_candidates(added, BM25(k1=2.0), 2) is added
