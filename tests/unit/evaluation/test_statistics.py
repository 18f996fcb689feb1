"""How sure a mean or a difference is."""

import numpy as np
import pytest
from openrouter_rerank.evaluation import _statistics as statistics

SEED = 20261129


def test_equal_systems_raise_few_false_alarms() -> None:
    """Of 1,000 pairs of equal systems at most 6.5 % differ at 0.05, and not far fewer than 5 %."""
    random = np.random.default_rng(SEED)
    queries = random.beta(0.6, 0.6, size=(150, 1000))
    noise = random.normal(scale=0.2, size=(2, 150, 1000))
    first, second = np.clip(queries + noise, 0, 1)

    p = statistics.compute_p_values(first - second)

    assert 0.03 <= (p < 0.05).mean() <= 0.065


def test_a_planted_better_system_is_found() -> None:
    """A gain of 0.05 on 150 queries of usual spread is significant in nearly every one of 200."""
    random = np.random.default_rng(SEED)
    differences = random.normal(0.05, 0.15, size=(150, 200))

    p = statistics.compute_p_values(differences)

    assert (p < 0.05).mean() > 0.95


@pytest.mark.parametrize("count", [3, 150, 5000])
def test_intervals_hold_the_mean_and_come_from_the_spread(count: int) -> None:
    """The interval of a sample is about two standard errors wide on each side."""
    random = np.random.default_rng(SEED)
    values = random.normal(0.5, 0.1, size=(count, 2))

    estimates = statistics.estimate_means(values)

    for column, estimate in enumerate(estimates):
        error = values[:, column].std() / np.sqrt(count)
        assert estimate.value == pytest.approx(values[:, column].mean())
        assert estimate.value - estimate.low == pytest.approx(1.96 * error, rel=0.3)
        assert estimate.high - estimate.value == pytest.approx(1.96 * error, rel=0.3)


def test_intervals_cover_what_they_promise() -> None:
    """Of 1,000 samples of 100, about 95 % have an interval with the true mean in it."""
    random = np.random.default_rng(SEED)
    values = random.beta(0.5, 0.5, size=(100, 1000))

    estimates = statistics.estimate_means(values)

    covered = sum(estimate.low <= 0.5 <= estimate.high for estimate in estimates)
    assert 920 <= covered <= 975


def test_a_column_gives_the_same_alone_and_among_others() -> None:
    """What is compared beside it and when changes neither an interval nor a p."""
    values = np.random.default_rng(SEED).normal(0.02, 0.1, size=(80, 3))

    together = statistics.estimate_means(values)

    alone = statistics.estimate_means(values[:, 1:2])
    assert together[1].low == pytest.approx(alone[0].low)
    assert statistics.compute_p_values(values)[1] == statistics.compute_p_values(values[:, 1:2])[0]


def test_p_is_exact_for_few_queries() -> None:
    """With 3 queries of equal gain, 2 of the 8 choices of signs are as extreme."""
    p = statistics.compute_p_values(np.full((3, 1), 0.1))

    assert p[0] == pytest.approx(0.25, abs=0.02)


def test_no_difference_has_a_p_of_one() -> None:
    """Two systems with the same order on every query do not differ at all."""
    assert statistics.compute_p_values(np.zeros((10, 1))).tolist() == [1.0]


def test_p_is_never_zero() -> None:
    """However clear a difference is, the observed signs are one of those that chance can give."""
    p = statistics.compute_p_values(np.ones((1000, 1)))

    assert p.tolist() == [1 / (statistics.RESAMPLES + 1)]


def test_holm_multiplies_by_what_is_left_and_never_falls() -> None:
    """The smallest p counts three times, the next twice, the last once, in the order given."""
    assert statistics.correct_holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert statistics.correct_holm([0.5, 0.9]) == [1.0, 1.0]
    assert statistics.correct_holm([]) == []
