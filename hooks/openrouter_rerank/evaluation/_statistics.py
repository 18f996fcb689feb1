"""
How sure a mean or a difference is: bootstrap, randomisation test, Holm's correction. Pure.

Each function takes several columns of values at once, a row for each query, and resamples all
columns alike.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ._results import Estimate

Values = NDArray[np.float64]

RESAMPLES = 10_000
DEFAULT_SEED = 0
CONFIDENCE = 0.95
# How many random numbers are held at once, 16 MB of them.
_BLOCK_CELLS = 1 << 21
# Sums of the same numbers in another order differ by rounding, which must not tell them apart.
_TOLERANCE = 1e-9


def estimate_means(values: Values, seed: int = DEFAULT_SEED) -> list[Estimate]:
    """
    Estimate the mean of each column, with a percentile bootstrap interval of 95 %.

    See Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3.

    Args:
        values: A row for each query, at least one, and a column for each mean.
        seed: Makes the intervals the same each time.
    """
    random = np.random.default_rng(seed)
    count = len(values)
    means = [
        _count_drawn(random.integers(count, size=(rows, count))) @ values / count
        for rows in _cut_blocks(count)
    ]
    tail = (1 - CONFIDENCE) / 2
    lows, highs = np.quantile(np.concatenate(means), [tail, 1 - tail], axis=0)
    return [
        Estimate(value=float(value), low=float(low), high=float(high))
        for value, low, high in zip(values.mean(axis=0), lows, highs, strict=True)
    ]


def _count_drawn(drawn: NDArray[np.int64]) -> Values:
    """Count how often each resample, a row, has drawn each query, a column."""
    rows, count = drawn.shape
    offsets: NDArray[np.int64] = np.arange(rows, dtype=np.int64)[:, np.newaxis] * count
    # Matrix products of integers are a hundred times slower.
    counts = np.bincount((drawn + offsets).ravel(), minlength=rows * count)
    return counts.reshape(rows, count).astype(np.float64)


def compute_p_values(differences: Values, seed: int = DEFAULT_SEED) -> Values:
    """
    Return for each column how often chance alone makes its mean as far from 0: a two-sided p.

    A paired randomisation test: if two systems are equal, each query's difference could as well
    have the other sign. The observed signs count as one of the resamples, so p is never 0. See
    Smucker, Allan and Carterette, CIKM 2007.

    Args:
        differences: A row for each query, at least one, and a column for each pair of systems.
        seed: Makes p the same each time.
    """
    random = np.random.default_rng(seed)
    count = len(differences)
    observed = np.abs(differences.sum(axis=0)) * (1 - _TOLERANCE)
    as_large = np.ones(differences.shape[1])
    for rows in _cut_blocks(count):
        signs = random.integers(2, size=(rows, count)) * 2.0 - 1.0
        as_large += (np.abs(signs @ differences) >= observed).sum(axis=0)
    return as_large / (RESAMPLES + 1)


def correct_holm(p: Sequence[float]) -> list[float]:
    """
    Correct p for the number of tests, so that any false alarm among them is as rare as one says.

    See Holm, Scandinavian Journal of Statistics 6 (1979).
    """
    order = sorted(range(len(p)), key=lambda at: p[at])
    corrected = [0.0] * len(p)
    highest = 0.0
    for rank, at in enumerate(order):
        highest = max(highest, min((len(p) - rank) * p[at], 1.0))
        corrected[at] = highest
    return corrected


def _cut_blocks(count: int) -> Iterator[int]:
    """Give how many resamples to make at once, so that memory has a bound."""
    most = max(_BLOCK_CELLS // count, 1)
    for begin in range(0, RESAMPLES, most):
        yield min(most, RESAMPLES - begin)
