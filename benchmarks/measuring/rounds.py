"""Interleaved rounds, and the medians and ratios that they give."""

from collections.abc import Callable, Container, Hashable, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple, TypedDict

# A slow client takes most of a run's time, and no goal rests on one.
SLOW_ROUNDS = 1
Samples = Mapping[str, Sequence[float]]


class Figure(TypedDict):
    """
    A row's figures.

    Attributes:
        value: The median over the rounds, in the table's unit.
        to_faster: The median of the ratios to the faster baseline, each taken inside one round;
            None in a table without baseline.
        to_slower: The same for the slower baseline.
        spread: The range of the samples divided by their median; other work widens it.
    """

    value: float
    to_faster: float | None
    to_slower: float | None
    spread: float


class Table(NamedTuple):
    """
    Figures of the same kind.

    Attributes:
        key: Its name in goals and charts.
        title: Its heading.
        unit: The unit of the values; "" for plain numbers.
        faster: The baseline with the lower value, in bytes too; None for no ratios.
        slower: The one with the higher value; the same row where there is a single baseline.
        rows: The figures by row.
    """

    key: str
    title: str
    unit: str
    faster: str | None
    slower: str | None
    rows: dict[str, Figure]


def run_rounds(
    tasks: Mapping[Hashable, Callable[[], float]], rounds: int, slow: Container[Hashable] = ()
) -> dict[Any, list[float]]:
    """Run every task once a round, slow ones in the first `SLOW_ROUNDS` only, and collect."""
    samples: dict[Any, list[float]] = {name: [] for name in tasks}
    for number in range(rounds):
        for name, task in tasks.items():
            if number < SLOW_ROUNDS or name not in slow:
                samples[name].append(task())
    return samples


def make_table(
    key: str,
    title: str,
    unit: str,
    samples: Samples,
    *,
    baselines: Sequence[str] = (),
    scale: float = 1.0,
) -> Table:
    """
    Reduce the samples of rounds to a table.

    Args:
        key: Its name in goals and charts.
        title: Its heading.
        unit: The unit of its values.
        samples: One number a round, by row; a row may end before the baselines.
        baselines: The rows that the ratios are to, those that were measured; none for no ratios.
        scale: How many of `unit` one of the samples' unit is.
    """
    measured = [name for name in baselines if name in samples]
    measured.sort(key=lambda name: median(samples[name]))
    faster, slower = (measured[0], measured[-1]) if measured else (None, None)

    def compare(values: Sequence[float], baseline: str | None) -> float | None:
        if baseline is None:
            return None
        return median(divide(values, samples[baseline][: len(values)]))

    rows: dict[str, Figure] = {
        name: {
            "value": median(values) * scale,
            "to_faster": compare(values, faster),
            "to_slower": compare(values, slower),
            "spread": (max(values) - min(values)) / median(values),
        }
        for name, values in samples.items()
    }
    return Table(key, title, unit, faster, slower, rows)


def divide(values: Sequence[float], others: Sequence[float]) -> list[float]:
    """Divide round by round."""
    return [value / other for value, other in zip(values, others, strict=True)]
