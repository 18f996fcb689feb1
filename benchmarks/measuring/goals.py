"""The client's goals, and whether a run met them."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from .adapters import DEFAULT, FAST, OVER_AIOHTTP
from .rounds import Table

TIMES = "\N{MULTIPLICATION SIGN}"
# The row of the embedded server. Its name stands here, since whoever only writes a report has no
# use for what measures it.
SERVED = "embedded server"


class Goal(NamedTuple):
    """
    A bound for one figure.

    Attributes:
        title: What is bounded.
        table: The table's key.
        row: The table's row.
        figure: Which of the row's figures.
        bound: The bound; a figure equal to it meets the goal.
        unit: What follows the number.
        is_least: Whether the figure has to be at least the bound, rather than at most.
        ceiling: A figure above it cannot be right, and does not meet the goal.
    """

    title: str
    table: str
    row: str
    figure: Literal["value", "to_faster", "to_slower"]
    bound: float
    unit: str = TIMES
    is_least: bool = False
    ceiling: float = math.inf

    def find(self, tables: Sequence[Table]) -> float | None:
        """Return the figure; None if it was not measured."""
        for table in tables:
            if table.key == self.table and self.row in table.rows:
                return table.rows[self.row][self.figure]
        return None

    def is_met(self, figure: float) -> bool:
        """Tell whether a figure is within the bound."""
        is_within = figure >= self.bound if self.is_least else figure <= self.bound
        return is_within and figure <= self.ceiling

    def show(self, figure: float) -> str:
        """Write a figure, exactly enough to tell it from the bound."""
        return f"{figure:.3f}{self.unit}" if self.unit == TIMES else f"{figure:.2f}{self.unit}"


GOALS = (
    Goal("sync small", "sync-10", DEFAULT, "to_faster", 0.75),
    Goal("sync small", "sync-10", FAST, "to_faster", 0.70),
    Goal("sync large", "sync-1000", DEFAULT, "to_faster", 0.90),
    Goal("sync large", "sync-1000", FAST, "to_faster", 0.65),
    Goal("async small, 50 at once", "async-50", DEFAULT, "to_faster", 0.35),
    Goal("async small, 50 at once", "async-50", FAST, "to_faster", 0.35),
    Goal("async small, 50 at once, against the slower", "async-50", DEFAULT, "to_slower", 0.25),
    Goal("async small, 50 at once, against the slower", "async-50", FAST, "to_slower", 0.25),
    Goal(
        "async small over httpx-aiohttp, 50 at once, against aiohttp by hand",
        "over-aiohttp",
        OVER_AIOHTTP,
        "to_faster",
        2.0,
    ),
    Goal("CPU per call, 200 at once against 10", "concurrency", DEFAULT, "value", 1.3),
    Goal("CPU per call, 200 at once against 10", "concurrency", FAST, "value", 1.3),
    Goal("construction after the first", "construct-later", DEFAULT, "value", 1.0, " ms"),
    Goal("import", "import", DEFAULT, "to_faster", 1.25),
    Goal("first decoded reply, whole process", "first-reply", DEFAULT, "to_faster", 1.15),
    Goal("decoding 1,000 results, against json.loads", "decoding", DEFAULT, "to_faster", 1.9),
    Goal("decoding 1,000 results, against json.loads", "decoding", FAST, "to_faster", 1.2),
    Goal("memory for 10,000 documents, traced", "memory-traced", DEFAULT, "to_faster", 1.3),
    Goal("memory for 10,000 documents, resident", "memory-resident", DEFAULT, "to_faster", 1.3),
    # Linear: a further document costs no more among many than it does for hand-written httpx.
    Goal("growth of a document's cost, 10 to 10,000", "linearity", DEFAULT, "to_faster", 1.1),
    Goal("growth of a document's cost, 10 to 10,000", "linearity", FAST, "to_faster", 1.1),
    Goal(
        "embedded server, against its model alone",
        "embedded",
        SERVED,
        "to_faster",
        0.9,
        is_least=True,
        ceiling=1.05,
    ),
)


def find_missed(tables: Sequence[Table]) -> list[str]:
    """Describe each goal that was measured and missed."""
    missed: list[str] = []
    for goal in GOALS:
        figure = goal.find(tables)
        if figure is not None and not goal.is_met(figure):
            side = "at least" if goal.is_least else "at most"
            wanted = f"wanted {side} {goal.bound:g}{goal.unit}"
            if figure > goal.ceiling:
                wanted = "more than there can be: the machine was disturbed"
            shown = f"{goal.show(figure)}, {wanted}"
            missed.append(f"{goal.title} ({goal.row}): {shown}")
    return missed
