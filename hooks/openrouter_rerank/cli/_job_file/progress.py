"""How far a run has come: its counts, and the bar on a terminal."""

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

from openrouter_rerank.cli._stderr import open_stderr


@dataclass(slots=True)
class RunStats:
    """
    Counts of jobs by what has become of them.

    Attributes:
        before: Jobs that earlier runs have done.
        done: Jobs that this run has done.
        failed: Jobs that have failed in this run, malformed ones included.
        cost: Cost of this run's jobs, in credits, as far as the replies give it.
    """

    before: int = 0
    done: int = 0
    failed: int = 0
    cost: float = 0.0

    @property
    def is_empty(self) -> bool:
        """Whether there was no job at all."""
        return not (self.before or self.done or self.failed)

    def describe(self) -> str:
        """Sum up the run in a sentence."""
        before = f", {self.before:,} before" if self.before else ""
        return f"{self.done:,} done{before}, {self.failed:,} failed, {self.cost:.6g} credits."


@contextmanager
def show_progress(
    console: Console, stats: RunStats, total: int | None
) -> Generator[Callable[[], None]]:
    """
    Give a function that shows the present counts.

    On a terminal it draws a bar with the counts, the rate, the cost and the time that is left.
    Elsewhere it does nothing.

    Args:
        console: Where to draw.
        stats: What to show.
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
    bar = progress.add_task("", total=total, **_fields(stats))

    def show() -> None:
        progress.update(bar, **_fields(stats))

    with progress:
        yield show


def _show_nothing() -> None:
    """Do nothing, as there is no terminal."""


def _fields(stats: RunStats) -> dict[str, Any]:
    done = stats.before + stats.done
    return {
        "completed": done + stats.failed,
        "done": done,
        "failed": stats.failed,
        "cost": stats.cost,
    }


def open_error_console() -> Console:
    """Make a console for standard error as it is now."""
    stream = open_stderr()
    return Console(file=stream, force_terminal=stream.isatty(), highlight=False)


class _RateColumn(ProgressColumn):
    """The recent rate, in jobs a second."""

    def render(self, task: Task) -> Text:
        """Show the rate, or nothing while there is none."""
        return Text(f"{task.speed:.3g}/s" if task.speed else "")
