"""The options of `rank` and `batch` that say which models answer, and which results are kept."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

LOCAL_NAME = "local"

FallbackModels = Annotated[
    list[str] | None,
    typer.Option(
        "--fallback-model",
        metavar="NAME",
        help="A model to ask when the others have failed; may be repeated. "
        "local is the one on this machine.",
    ),
]
FollowFallbacks = Annotated[
    bool,
    typer.Option("--follow-fallbacks", help="Ask the models that an error names instead, too."),
]
MinScore = Annotated[
    float | None,
    typer.Option("--min-score", metavar="SCORE", help="Leave out results that score lower."),
]


def read_fallback_options(
    models: Sequence[str] | None, *, follow: bool, min_score: float | None
) -> dict[str, Any]:
    """
    Return the options as arguments of `OpenRouter`.

    Raises:
        MissingExtraError: `local` is named, and the extra is not installed.
        ModelFileError: It is named, and its model cannot be loaded.
    """
    return {
        "fallback_models": list(map(find_model, models or ())),
        "follow_fallbacks": follow,
        "min_score": min_score,
    }


def find_model(name: str) -> Any:
    """Return the ranker on this machine for its name, and the slug of any other model."""
    if name != LOCAL_NAME:
        return name
    from openrouter_rerank.local import LOCAL

    # A damaged model is told now, not when it is needed.
    LOCAL.load()
    return LOCAL
