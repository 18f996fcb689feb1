"""The options of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .input.source import PIPE, Format

DEFAULT_CONCURRENCY = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """
    What the command line says.

    Attributes:
        input: A path, or `-` for standard input.
        output: A path, or `-` for standard output.
        errors: Where failures are written; None says them on standard error.
        kind: What the input is written in; None goes by its name.
        model: For jobs that name none.
        top_n: For jobs that name none; None for all results.
        concurrency: How many requests may be under way at once.
        rpm: How many requests may be sent in a minute; None for no limit.
        max_cost: What the output may cost, in credits, earlier runs included; None for no limit.
        resume: Whether to go on where an earlier run ended.
        strict: Whether a job that is wrong keeps all others from being sent.
        local: Whether to rank on this machine.
    """

    input: str
    output: str
    errors: Path | None
    kind: Format | None
    model: str
    top_n: int | None
    concurrency: int
    rpm: float | None
    max_cost: float | None
    resume: bool
    strict: bool
    local: bool

    @property
    def defaults(self) -> Mapping[str, Any]:
        """The arguments for jobs that lack them."""
        given = {"model": self.model, "top_n": self.top_n}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def can_resume(self) -> bool:
        """Whether another run can go on where this one ends."""
        return PIPE not in {self.input, self.output}
