"""Measures: what trec_eval says about the same ranking, ties included."""

import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st
from openrouter_rerank.evaluation._measures import DEFAULT_MEASURES, order_scores, read_measures

OFFICIAL_NAMES = {
    "nDCG": "ndcg",
    "nDCG@1": "ndcg_cut_1",
    "nDCG@3": "ndcg_cut_3",
    "nDCG@10": "ndcg_cut_10",
    "MRR": "recip_rank",
    "recall@3": "recall_3",
    "recall@10": "recall_10",
    "MAP": "map",
    "MAP@3": "map_cut_3",
    "P@3": "P_3",
    "P@10": "P_10",
}
ASKED = {"ndcg", "recip_rank", "map", "ndcg_cut.1,3,10", "recall.3,10", "map_cut.3", "P.3,10"}
documents = st.sampled_from(
    ["d1", "d2", "d10", "D3", "é", "\U0001f600", "\uff5e", "d4", "d5", "x", "y"]
)
# Few different ones, so that ties are common; two that single precision cannot tell apart.
scores = st.sampled_from([0.0, -0.0, 0.5, 0.5 + 1e-9, 1.0, -2.0, 1e300, 1e-300, 16777216, 16777217])


@given(
    run=st.dictionaries(documents, scores, min_size=1),
    grades=st.dictionaries(documents, st.integers(0, 4), min_size=1),
)
def test_measures_are_those_of_trec_eval(run: dict[str, float], grades: dict[str, int]) -> None:
    """Each measure of a run with ties, with grades and without judgements is trec_eval's own."""
    judge = pytrec_eval.RelevanceEvaluator({"q": grades}, ASKED)
    official = judge.evaluate({"q": run})["q"]

    ranking = order_scores(run)
    ours = {
        measure.name: measure.compute(ranking, grades)
        for measure in read_measures([*OFFICIAL_NAMES])
    }

    expected = {name: official[theirs] for name, theirs in OFFICIAL_NAMES.items()}
    assert ours == pytest.approx(expected, abs=1e-6)


def test_ties_come_by_their_ids_from_the_last_to_the_first() -> None:
    """Equal scores, and those that single precision makes equal, are in no order of their own."""
    assert order_scores({"a": 1.0, "c": 1.0 + 1e-9, "b": 1.0, "z": 0.5}) == ["c", "b", "a", "z"]


def test_names_are_read_in_any_case_and_once() -> None:
    """A name is written as it is usually written, whoever typed it how."""
    names = [measure.name for measure in read_measures(["ndcg@10", "mrr", "MRR", "p@5", "MAP"])]

    assert names == ["nDCG@10", "MRR", "P@5", "MAP"]
    assert [measure.name for measure in read_measures(DEFAULT_MEASURES)] == [*DEFAULT_MEASURES]


@pytest.mark.parametrize("name", ["nDCG@0", "recall", "P", "F1", "nDCG@", "", "nDCG@1.5", "@10"])
def test_an_unknown_measure_is_refused_by_its_name(name: str) -> None:
    """Nothing is computed that one did not ask for."""
    with pytest.raises(ValueError, match="measures: ") as caught:
        read_measures([name])

    assert repr(name) in str(caught.value)


def test_no_measure_is_refused() -> None:
    """Systems need a measure to be compared by."""
    with pytest.raises(ValueError, match="there is none"):
        read_measures([])


def test_an_empty_ranking_is_worth_nothing() -> None:
    """A query without candidates counts as 0, not as an error."""
    values = [measure.compute([], {"d": 1}) for measure in read_measures([*OFFICIAL_NAMES])]

    assert values == [0.0] * len(OFFICIAL_NAMES)


def test_a_negative_grade_is_no_gain_and_no_loss() -> None:
    """What is judged to be spam counts as what is not relevant; trec_eval may crash on it."""
    ranking = ["spam", "good"]

    values = [
        [measure.compute(ranking, grades) for measure in read_measures([*OFFICIAL_NAMES])]
        for grades in ({"spam": -2, "good": 1}, {"good": 1})
    ]

    assert values[0] == values[1]
