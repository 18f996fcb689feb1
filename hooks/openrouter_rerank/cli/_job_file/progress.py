"""How far a run has come, on a terminal and in its last line."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


@dataclass(slots=True)
class Tally:
    """
    What has become of the jobs.

    Attributes:
        before: How many earlier runs have done.
        done: How many this run has done.
        failed: How many have failed in this run, those that cannot be read among them.
        cost: What the jobs of this run have cost, in credits, as far as the replies say.
    """

    before: int = 0
    done: int = 0
    failed: int = 0
    cost: float = 0.0

    def describe(self) -> str:
        """Sum up the run in a sentence."""
        before = f", {self.before:,} before" if self.before else ""
        return f"{self.done:,} done{before}, {self.failed:,} failed, {self.cost:.6g} credits."


@contextmanager
def showing_progress(
    console: Console, tally: Tally, total: int | None
) -> Generator[Callable[[], None]]:
    """
    Give a function that shows how far a run has come.

    It draws a bar with the counts, the rate, the cost and the time that is left, on a terminal
    alone; elsewhere it does nothing.

    Args:
        console: Where to draw.
        tally: What to show.
        total: How many jobs there are, those of earlier runs included; None if that is not known.
    """
    if not console.is_terminal:
        yield _show_nothing
        return
    progress = Progress(
        BarColumn(bar_width=None),
        TextColumn("{task.fields[done]:,} done, {task.fields[failed]:,} failed"),
        _RateColumn(),
        TextColumn("{task.fields[cost]:.6g} credits"),
        TimeRemainingColumn(),
        console=console,
        expand=True,
        transient=True,
    )
    bar = progress.add_task("", total=total, **_fields(tally))

    def show() -> None:
        progress.update(bar, **_fields(tally))

    with progress:
        yield show


def _show_nothing() -> None:
    """Do without a terminal."""


def _fields(tally: Tally) -> dict[str, Any]:
    done = tally.before + tally.done
    return {
        "completed": done + tally.failed,
        "done": done,
        "failed": tally.failed,
        "cost": tally.cost,
    }


def open_error_console() -> Console:
    """Make a console for standard error as it is now."""
    return Console(file=sys.stderr, force_terminal=sys.stderr.isatty(), highlight=False)


class _RateColumn(ProgressColumn):
    """Jobs a second, of late."""

    def render(self, task: Task) -> Text:
        """Show the rate, or nothing as long as there is none."""
        return Text(f"{task.speed:.3g}/s" if task.speed else "")
