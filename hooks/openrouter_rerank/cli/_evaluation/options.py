"""The options of an evaluation, as the command line gives them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from openrouter_rerank._call.defaults import DEFAULT_MODEL, LOCAL_PREFIX

DEFAULT_EMBEDDED_MODEL = "minilm"
NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationOptions:
    """
    The options of an evaluation.

    Attributes:
        data: A folder or a file; None for the demo collection.
        models: Names; none for the default.
        depths: None for the default.
        local: Whether the models are embedded ones.
        queries: How many of the first queries to use; None for all.
        split: Which judgements of a folder; None for the default.
        qrels: A file with judgements instead; None for those of the folder.
        run: A file with candidates; None for a first stage.
        measures: None for the default.
        k1: Of BM25.
        b: Of BM25.
        stop_words: A language, or "none".
        stemmer: A language, or "none".
        separator: Between a title and its text.
        read_off: Whether to read smaller depths off the deepest calls.
        concurrency: How many requests may be under way at once.
        rpm: How many requests may be sent in a minute; None for no limit.
        max_cost: In credits; None for no limit.
        yes: Whether not to ask about the estimated cost.
        resume: The folder for what calls gave; None keeps nothing.
        cache: The folder of the client's cache; None for none.
        report: The file for a web page; None writes none.
        as_json: Whether to print JSON.
    """

    data: str | None
    models: Sequence[str]
    depths: Sequence[int]
    local: bool
    queries: int | None
    split: str | None
    qrels: str | None
    run: str | None
    measures: Sequence[str]
    k1: float
    b: float
    stop_words: str
    stemmer: str
    separator: str
    read_off: bool
    concurrency: int
    rpm: float | None
    max_cost: float | None
    yes: bool
    resume: Path | None
    cache: Path | None
    report: Path | None
    as_json: bool

    @property
    def model_names(self) -> list[str]:
        """The names of the models as `evaluate` takes them."""
        if not self.local:
            return list(self.models) or [DEFAULT_MODEL]
        names = self.models or [DEFAULT_EMBEDDED_MODEL]
        return [f"{LOCAL_PREFIX}{name.removeprefix(LOCAL_PREFIX)}" for name in names]

    @property
    def needs_api(self) -> bool:
        """Whether a model is one of the API."""
        return not all(name.startswith(LOCAL_PREFIX) for name in self.model_names)
