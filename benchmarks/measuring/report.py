"""RESULTS.md: the machine, the goals, every table, and the text of `NOTES.md`."""

from collections.abc import Iterator, Sequence
from statistics import median

from .adapters import FAST
from .goals import GOALS, TIMES, Goal
from .records import Run
from .rounds import Figure, Table

INTRODUCTION = """\
# What a call costs

Written by `make bench`, which measures the client beside others and beside what a user would write
by hand; the last three complete runs are kept.

- The server is another process on the same machine and answers with canned replies: 2.9 KB for 10
  documents, 274 KB for 1,000. Every reply is checked.
- Each client has a process of its own, and a figure is the CPU time of that process. The embedded
  server alone is measured by the clock.
- The clients take turns in rounds. A value is the median over the rounds and the runs, a ratio the
  median of one run's ratios, each taken inside one round.
- The spread is the range of a row's samples over their median, in the run where it was widest. A
  wide one tells of a machine that had other work.
- Each client sees the packages that its own installation brings, and none that others brought:
  "fast" is this client with orjson.

![CPU per call as a multiple of hand-written httpx](chart.svg)
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
    """Write a table: the median of the values, and the ratio of each run."""
    has_ratios = latest.baseline is not None
    head = ["", latest.unit, "spread", *(write_numbers(runs) if has_ratios else [])]
    lines = [f"### {latest.title}\n", *write_row(head, is_head=True)]
    for row in latest.rows:
        found = [find_figure(run, latest.key, row) for run in runs]
        values = [figure["value"] for figure in found if figure]
        ratios = [write_ratio(figure) for figure in found] if has_ratios else []
        spread = f"{max(figure['spread'] for figure in found if figure):.0%}"
        lines += write_row([row, write_number(median(values)), spread, *ratios])
    return "\n".join(lines) + "\n"


def find_figure(run: Run, key: str, row: str) -> Figure | None:
    """Return a run's figure; None if it was not measured."""
    return next((table.rows.get(row) for table in run.tables if table.key == key), None)


def write_ratio(figure: Figure | None) -> str:
    """Write a ratio to the baseline."""
    if figure is None or figure["ratio"] is None:
        return "-"
    return f"{figure['ratio']:.2f}{TIMES}"


def write_number(value: float) -> str:
    """Write a value with three significant digits."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def write_row(cells: Sequence[str], *, is_head: bool = False) -> Iterator[str]:
    """Write a row of a Markdown table, a head with the line below it; numbers to the right."""
    yield f"| {' | '.join(cells)} |"
    if is_head:
        yield f"|---|{'---:|' * (len(cells) - 1)}"
