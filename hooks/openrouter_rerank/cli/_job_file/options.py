"""The options of a run, as the command line gives them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openrouter_rerank._cache.store import CacheBy

from .input.source import STANDARD_STREAM, InputFormat

DEFAULT_CONCURRENCY = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """
    The options of a run.

    Attributes:
        input: A path, or `-` for standard input.
        output: A path, or `-` for standard output.
        errors: The file for failures; None prints them on standard error.
        input_format: None goes by the input's name.
        model: For jobs that name none.
        top_n: For jobs that name none; None for all results.
        concurrency: How many requests may be under way at once.
        rpm: How many requests may be sent in a minute; None for no limit.
        max_cost: What all runs into the output may cost, in credits; None for no limit.
        resume: Whether to go on where an earlier run ended.
        strict: Whether nothing is sent if one job is wrong.
        local: Whether to rank on this machine.
        fallback_models: Names of models to ask when the others have failed.
        follow_fallbacks: Whether to ask the models that an error names instead.
        min_score: The lowest score to keep; None keeps all.
        cache: The folder where answers are kept; None for none.
        cache_by: Whether they are kept as a whole.
        passages: The most tokens of a passage; None does not split documents.
        passage_overlap: The most that a passage repeats of the one before; None for nothing.
    """

    input: str
    output: str
    errors: Path | None
    input_format: InputFormat | None
    model: str
    top_n: int | None
    concurrency: int
    rpm: float | None
    max_cost: float | None
    resume: bool
    strict: bool
    local: bool
    fallback_models: Sequence[str] = ()
    follow_fallbacks: bool = False
    min_score: float | None = None
    cache: Path | None = None
    cache_by: CacheBy = "request"
    passages: int | None = None
    passage_overlap: int | None = None

    @property
    def defaults(self) -> Mapping[str, Any]:
        """The arguments for jobs that do not have them."""
        given = {"model": self.model, "top_n": self.top_n}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def can_resume(self) -> bool:
        """Whether another run can go on where this one ends."""
        return STANDARD_STREAM not in {self.input, self.output}
