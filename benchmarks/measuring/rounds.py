"""Interleaved rounds, and the medians and ratios that they give."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple, TypedDict

Samples = Mapping[str, Sequence[float]]


class Figure(TypedDict):
    """
    A row's figures.

    Attributes:
        value: The median over the rounds, in the table's unit.
        ratio: The median of the ratios to the baseline, each taken inside one round; None in a
            table without baseline.
        spread: The range of the samples divided by their median; other work widens it.
    """

    value: float
    ratio: float | None
    spread: float


class Table(NamedTuple):
    """
    Figures of the same kind.

    Attributes:
        key: Its name in goals and charts.
        title: Its heading.
        unit: The unit of the values; "" for plain numbers.
        baseline: The row that the ratios are to; None for no ratios.
        rows: The figures by row.
    """

    key: str
    title: str
    unit: str
    baseline: str | None
    rows: dict[str, Figure]


def run_rounds(
    tasks: Mapping[Hashable, Callable[[], float]], rounds: int
) -> dict[Any, list[float]]:
    """Run every task once a round, in the same order, and collect what each returned."""
    samples: dict[Any, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            samples[name].append(task())
    return samples


def make_table(
    key: str,
    title: str,
    unit: str,
    samples: Samples,
    *,
    baseline: str | None = None,
    scale: float = 1.0,
) -> Table:
    """
    Reduce the samples of rounds to a table.

    Args:
        key: Its name in goals and charts.
        title: Its heading.
        unit: The unit of its values.
        samples: One number a round, by row; every row has the same rounds.
        baseline: The row that the ratios are to; None for no ratios.
        scale: How many of `unit` one of the samples' unit is.
    """
    rows: dict[str, Figure] = {
        name: {
            "value": median(values) * scale,
            "ratio": None if baseline is None else median(divide(values, samples[baseline])),
            "spread": (max(values) - min(values)) / median(values),
        }
        for name, values in samples.items()
    }
    return Table(key, title, unit, baseline, rows)


def divide(values: Sequence[float], others: Sequence[float]) -> list[float]:
    """Divide round by round."""
    return [value / other for value, other in zip(values, others, strict=True)]
