"""The verdict: which system to take, and in which words."""

from typing import Any

import pytest
from openrouter_rerank.evaluation import (
    NO_RERANKER,
    Ceiling,
    Comparison,
    Estimate,
    FailedCall,
    Latency,
    SystemResult,
)
from openrouter_rerank.evaluation._verdict import choose_system, write_verdict

MEASURE = "nDCG@10"
SURE, UNSURE = 0.01, 0.5


def estimate(value: float) -> Estimate:
    """Make an estimate with an interval around it."""
    return Estimate(value=value, low=value - 0.02, high=value + 0.02)


def compare(difference: float, p: float) -> Comparison:
    """Make a comparison over 100 queries."""
    return Comparison(
        difference=estimate(difference), p=p / 2, corrected_p=p, wins=50, ties=20, losses=30
    )


def make_system(
    gain: float, p: float = SURE, *, behind: float | None = None, **given: Any
) -> SystemResult:
    """
    Make a system.

    Args:
        gain: How much better it is than no reranker, which has 0.5.
        p: How sure that is.
        behind: How sure it is that it is worse than the best; None for the best itself.
        given: Further attributes.
    """
    values: dict[str, Any] = {
        "name": "m, depth 30",
        "model": "m",
        "depth": 30,
        "measures": {MEASURE: estimate(0.5 + gain)},
        "per_query": [0.0] * 100,
        "cost_per_1000_queries": 2.0,
        "latency": None,
        "against_no_reranker": compare(gain, p),
        "against_best": None if behind is None else compare(-0.004, behind),
        "threshold": None,
    }
    return SystemResult(**{**values, **given})


ALONE = make_system(
    0.0, name=NO_RERANKER, model=None, depth=None, cost_per_1000_queries=0.0,
    against_no_reranker=None,
)  # fmt: skip


def write(*systems: SystemResult) -> list[str]:
    """Write the verdict over these and no reranker."""
    ceilings = [Ceiling(depth=30, recall=estimate(0.9), best=estimate(0.95))]
    return write_verdict([ALONE, *systems], ceilings, MEASURE)


def test_a_model_that_is_significantly_better_is_to_be_taken() -> None:
    """The verdict says how deep, what it costs, how sure that is, and what is still possible."""
    latency = Latency(p50_ms=120.4, p95_ms=1300.0, count=100)

    verdict = write(make_system(0.1, latency=latency))

    assert " ".join(verdict) == (
        "Take m at depth 30: nDCG@10 0.600 instead of 0.500 without a reranker. "
        "How sure that is: +0.100, 95 % interval +0.080 to +0.120, p = 0.010; 50 queries gain, "
        "30 lose, 20 stay the same. "
        "It costs 2 credits per 1,000 queries; half of its calls took less than 120 ms, 95 % less "
        "than 1,300 ms. "
        "A perfect reranker of as many candidates would reach 0.950."
    )


def test_without_a_significant_gain_the_verdict_is_not_to_rerank() -> None:
    """A higher mean alone is no reason to pay; what more queries could show is said."""
    verdict = write(make_system(0.03, UNSURE), make_system(0.01, UNSURE, name="other"))

    assert " ".join(verdict) == (
        "Do not rerank: no model is significantly better than the first stage alone, which has "
        "nDCG@10 0.500 on these 100 queries. "
        "The best of them is m, depth 30 with 0.530: +0.030, 95 % interval +0.010 to +0.050, "
        "p = 0.500, corrected for 2 comparisons; 50 queries gain, 30 lose, 20 stay the same. "
        "That does not rule out a gain of up to 0.050; more judged queries would tell."
    )


def test_a_model_that_makes_it_worse_is_named() -> None:
    """Whoever uses it learns that it hurts, and no more queries are asked for."""
    verdict = write(make_system(-0.1, 0.0001, name="bad, depth 10"))

    assert verdict[0].startswith("Do not rerank")
    assert " ".join(verdict[2:]) == (
        "bad, depth 10 makes the ranking significantly worse: -0.100, 95 % interval -0.120 to "
        "-0.080, p < 0.001; 50 queries gain, 30 lose, 20 stay the same."
    )


def test_nothing_was_compared() -> None:
    """Without a model there is one sentence."""
    assert len(write()) == 1


@pytest.mark.parametrize(
    ("others", "chosen"),
    [
        ([make_system(0.095, behind=UNSURE, name="cheaper", cost_per_1000_queries=0.5)], "cheaper"),
        ([make_system(0.095, behind=UNSURE, name="shallower", depth=10)], "shallower"),
        ([make_system(0.099, behind=UNSURE, name="equal")], "best"),
        ([make_system(0.095, behind=UNSURE, name="dearer", cost_per_1000_queries=3.0)], "best"),
        ([make_system(0.095, behind=UNSURE, name="unknown", cost_per_1000_queries=None)], "best"),
        ([make_system(0.05, behind=UNSURE, name="lower", cost_per_1000_queries=0.0)], "best"),
        ([make_system(0.095, behind=SURE, name="worse", cost_per_1000_queries=0.0)], "best"),
        ([make_system(0.095, UNSURE, behind=UNSURE, name="unsure", depth=1)], "best"),
    ],
)
def test_what_is_nearly_as_good_is_taken_if_it_is_cheaper(
    others: list[SystemResult], chosen: str
) -> None:
    """Nine tenths of the gain and no significant loss are enough, for less money or depth."""
    best = make_system(0.1, name="best")

    system = choose_system([ALONE, *others, best], MEASURE)

    assert system is not None
    assert system.name == chosen


def test_a_higher_one_that_is_not_taken_is_named() -> None:
    """Whoever has the money sees what more there is."""
    cheaper = make_system(
        0.096, behind=UNSURE, name="cheap, depth 30", model="cheap", cost_per_1000_queries=0.0
    )

    verdict = write(cheaper, make_system(0.1))

    assert verdict[0].startswith("Take cheap at depth 30")
    assert verdict[2] == "It costs no credits."
    assert verdict[3] == "m, depth 30 is higher by 0.004, which is not significant (p = 0.500)."


def test_an_unknown_price_is_said_with_its_reason() -> None:
    """It is not taken for nothing."""
    unknown = write(make_system(0.1, cost_per_1000_queries=None))
    read_off = write(make_system(0.1, cost_per_1000_queries=None, read_from_depth=100))

    assert unknown[2] == "What it costs is unknown, since its replies do not say."
    assert read_off[2] == (
        "What it costs at this depth is unknown, since its scores were read off depth 100."
    )


FAILURE = FailedCall(query_id="q", error="ServiceUnavailable", message="no")


def test_failed_calls_are_part_of_the_verdict() -> None:
    """A model that often fails is neither recommended nor passed over in silence."""
    taken = make_system(0.1, calls=100, failures=[FAILURE] * 7)
    passed_over = make_system(0.0, 1.0, name="b, depth 30", calls=100, failures=[FAILURE] * 100)

    verdict = write(taken, passed_over)

    assert verdict[0].startswith("Take m")
    assert verdict[-2:] == [
        "7 of the 100 calls of m, depth 30 failed and count as not reranked.",
        "100 of the 100 calls of b, depth 30 failed and count as not reranked.",
    ]


def test_without_an_answer_there_is_no_verdict() -> None:
    """A server that was not there is no reason not to rerank."""
    verdict = write(make_system(0.0, 1.0, calls=100, failures=[FAILURE] * 100))

    assert verdict == [
        "No verdict: all calls failed, so nothing was reranked.",
        "100 of the 100 calls of m, depth 30 failed and count as not reranked.",
    ]
