"""RESULTS.md: the machine, the goals, every table, and the text of `NOTES.md`."""

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Literal

from .adapters import FAST
from .goals import GOALS, TIMES, Goal
from .records import Run
from .rounds import Figure, Table

Side = Literal["faster", "slower"]

INTRODUCTION = """\
# What a call costs

Written by `make bench`, which measures the client beside others and beside what a user would write
by hand; the last three complete runs are kept.

- The server is another process on the same machine and answers with canned replies: 2.9 KB for 10
  documents, 274 KB for 1,000. Every reply is checked.
- Each client has a process of its own, and a figure is the CPU time of that process. The embedded
  server alone is measured by the clock.
- Two baselines are written by hand on httpx, one with sniffio installed and one without, since
  httpcore looks for sniffio at every lock. Each table names the faster and the slower of the two,
  by CPU time, or by bytes where it counts those. Ratios are to both; goals are for the faster
  unless they say otherwise.
- The clients take turns in rounds: three, one for those that take long, and 12 to 120 for those
  whose ratio a goal rests on, since a machine's speed changes from one round to the next. A value
  is the median over the rounds and the runs, with the range of the runs' own medians beside it; a
  ratio is the median of one run's ratios, each taken inside one round.
- The spread is the range of a row's samples over their median, in the run where it was widest. A
  wide one tells of a machine that had other work.
- Each client sees the packages that its own installation brings, and none that others brought:
  "fast" is this client with orjson.

![CPU per call as a multiple of the faster hand-written httpx](chart.svg)
"""


def write_report(runs: Sequence[Run], notes: str) -> str:
    """Write the report of the runs, the oldest first, the notes below the figures."""
    parts = [INTRODUCTION, write_machines(runs), write_goals(runs), "## Figures\n"]
    parts += [write_table(runs, table) for table in runs[-1].tables]
    return "\n".join([*parts, notes])


def write_machines(runs: Sequence[Run]) -> str:
    """Write the machines of the runs; what is the same for all stands once."""
    lines = ["## Machine\n", *write_row(["", *write_numbers(runs)], is_head=True)]
    for name in runs[-1].machine:
        said = [run.machine.get(name, "") for run in runs]
        lines += write_row(
            [name, *(said if len(set(said)) > 1 else [said[0], *[""] * (len(said) - 1)])]
        )
    return "\n".join(lines) + "\n"


def write_numbers(runs: Sequence[Run]) -> list[str]:
    """Name the runs."""
    return [f"run {number}" for number in range(1, len(runs) + 1)]


def write_goals(runs: Sequence[Run]) -> str:
    """Write each goal with the runs' figures; one missed run misses the goal."""
    head = ["goal", "", "bound", *write_numbers(runs), ""]
    lines = ["## Goals\n", *write_row(head, is_head=True)]
    for goal in GOALS:
        lines += write_row(write_goal(goal, [goal.find(run.tables) for run in runs]))
    return "\n".join(lines) + "\n"


def write_goal(goal: Goal, figures: Sequence[float | None]) -> list[str]:
    """Write the cells of a goal."""
    known = [figure for figure in figures if figure is not None]
    outcome = "met" if all(map(goal.is_met, known)) else "**missed**"
    return [
        goal.title,
        "fast" if goal.row == FAST else "",
        f"{'at least' if goal.is_least else 'at most'} {goal.bound:g}{goal.unit}",
        *("-" if figure is None else goal.show(figure) for figure in figures),
        outcome if known else "not measured",
    ]


def write_table(runs: Sequence[Run], latest: Table) -> str:
    """Write a table: the median and the range of the values, and the ratios of each run."""
    sides = find_sides(runs, latest.key)
    ratio_heads = [f"run {number} / {side}" for side in sides for number in range(1, len(runs) + 1)]
    lines = [f"### {latest.title}\n", *write_baselines(runs, latest.key)]
    lines += write_row(["", latest.unit, "of the runs", "spread", *ratio_heads], is_head=True)
    for row in latest.rows:
        found = [find_figure(run, latest.key, row) for run in runs]
        values = [figure["value"] for figure in found if figure]
        ratios = [write_ratio(figure, side) for side in sides for figure in found]
        spread = f"{max(figure['spread'] for figure in found if figure):.0%}"
        extent = f"{write_number(min(values))} to {write_number(max(values))}"
        lines += write_row([row, write_number(median(values)), extent, spread, *ratios])
    return "\n".join(lines) + "\n"


def find_sides(runs: Sequence[Run], key: str) -> list[Side]:
    """Return the baselines that a table has ratios to: none, the only one, or both."""
    tables = [table for run in runs if (table := find_table(run, key))]
    if any(table.faster != table.slower for table in tables):
        return ["faster", "slower"]
    return ["faster"] if any(table.faster for table in tables) else []


def write_baselines(runs: Sequence[Run], key: str) -> Iterator[str]:
    """Name a table's baselines, once if they are the same in all runs."""
    for side in find_sides(runs, key):
        names = [getattr(find_table(run, key), side, None) or "-" for run in runs]
        if set(names) == {"-"}:
            yield f"The {side} was not measured.\n"
        elif len(set(names)) == 1:
            yield f"The {side} is {names[0]}.\n"
        else:
            said = (f"{name} in run {number}" for number, name in enumerate(names, 1))
            yield f"The {side} is {', '.join(said)}.\n"


def find_table(run: Run, key: str) -> Table | None:
    """Return a run's table; None if it was not measured."""
    return next((table for table in run.tables if table.key == key), None)


def find_figure(run: Run, key: str, row: str) -> Figure | None:
    """Return a run's figure; None if it was not measured."""
    table = find_table(run, key)
    return table.rows.get(row) if table else None


def write_ratio(figure: Figure | None, side: Side) -> str:
    """Write a ratio to one of the baselines."""
    ratio = figure and (figure["to_faster"] if side == "faster" else figure["to_slower"])
    return "-" if ratio is None else f"{ratio:.2f}{TIMES}"


def write_number(value: float) -> str:
    """Write a value with three significant digits."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def write_row(cells: Sequence[str], *, is_head: bool = False) -> Iterator[str]:
    """Write a row of a Markdown table, a head with the line below it; numbers to the right."""
    yield f"| {' | '.join(cells)} |"
    if is_head:
        yield f"|---|{'---:|' * (len(cells) - 1)}"
