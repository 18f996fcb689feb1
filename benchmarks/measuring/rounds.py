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
    tasks: Mapping[Hashable, Callable[[], float]],
    rounds: int,
    *,
    often: Mapping[Any, int] | None = None,
    slow: Container[Hashable] = (),
) -> dict[Any, list[float]]:
    """
    Run every task once a round, and collect what they return.

    A machine that others share runs at half its speed for seconds at a time, and a ratio of three
    rounds then says little. So the tasks whose ratios goals rest on go on alone after the others.

    Args:
        tasks: The measurements by name.
        rounds: How many rounds there are.
        often: Those that have more rounds, and how many times as many.
        slow: Those that have `SLOW_ROUNDS`.
    """
    samples: dict[Any, list[float]] = {name: [] for name in tasks}
    wanted = {name: rounds * (often or {}).get(name, 1) for name in tasks}
    wanted |= {name: SLOW_ROUNDS for name in tasks if name in slow}
    for number in range(max(wanted.values(), default=0)):
        for name, task in tasks.items():
            if number < wanted[name]:
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
        samples: One number a round, by row, from the first round on; a row's ratios are those of
            the rounds that the baseline has, too.
        baselines: The rows that the ratios are to, those that were measured; none for no ratios.
        scale: How many of `unit` one of the samples' unit is.
    """
    measured = [name for name in baselines if name in samples]
    measured.sort(key=lambda name: median(samples[name]))
    faster, slower = (measured[0], measured[-1]) if measured else (None, None)

    def compare(values: Sequence[float], baseline: str | None) -> float | None:
        if baseline is None:
            return None
        return median(divide(values, samples[baseline]))

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
    """Divide round by round, in the rounds that both have."""
    return [value / other for value, other in zip(values, others, strict=False)]
