"""The options of `rank` and `batch` that say who answers, and which results are kept."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from openrouter_rerank._cache.store import CacheBy
from openrouter_rerank._call.defaults import LOCAL_NAME, LOCAL_PREFIX

from ._model_names import complete_fallback_model

if TYPE_CHECKING:
    from openrouter_rerank.local import LocalRanker

FallbackModels = Annotated[
    list[str] | None,
    typer.Option(
        "--fallback-model",
        metavar="NAME",
        autocompletion=complete_fallback_model,
        help="A model to ask when the others have failed; may be repeated. "
        "local is the one on this machine, local/NAME another, such as local/bge-small.",
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
CacheFolder = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="FOLDER",
        help="Keep answers in this folder; what was paid once is not paid again.",
        file_okay=False,
    ),
]
CacheKind = Annotated[
    CacheBy,
    typer.Option(
        "--cache-by",
        help="Keep whole answers, or the score of each document, which is sound only for models "
        "that score each document by itself.",
    ),
]


def read_fallback_options(
    models: Sequence[str] | None,
    *,
    follow: bool,
    min_score: float | None,
    cache: Path | None,
    cache_by: CacheBy,
) -> dict[str, Any]:
    """
    Return the options as arguments of `OpenRouter`.

    Raises:
        MissingExtraError: `local` is named, and a package that it needs is not installed.
        ModelFileError: It is named, and its model cannot be loaded.
        OSError: The folder cannot be used.
        ValueError: There is no such model on this machine.
    """
    return {
        "fallback_models": list(map(find_model, models or ())),
        "follow_fallbacks": follow,
        "min_score": min_score,
        "cache": None if cache is None else open_cache(cache, cache_by),
    }


def open_cache(folder: Path, by: CacheBy) -> Any:
    """
    Open the cache in a folder.

    Raises:
        OSError: The folder cannot be used.
    """
    # Most commands have none.
    from openrouter_rerank import DiskCache

    return DiskCache(folder, by=by)


def find_model(name: str) -> Any:
    """
    Return the ranker on this machine for its name, and the slug of any other model.

    Raises:
        MissingExtraError: A package that the ranker needs is not installed.
        ModelFileError: Its model cannot be loaded.
        ValueError: There is no such model on this machine.
    """
    ranker = find_ranker(name)
    if ranker is None:
        return name
    # A damaged model is told now, not when it is needed.
    ranker.load()
    return ranker


def find_ranker(name: str) -> "LocalRanker | None":
    """
    Return the ranker on this machine for its name, not loaded; None for the slug of another model.

    Raises:
        MissingExtraError: A package that the ranker needs is not installed.
        ValueError: There is no such model on this machine.
    """
    if name != LOCAL_NAME and not name.startswith(LOCAL_PREFIX):
        return None
    from openrouter_rerank.local import LOCAL, LocalRanker

    return LOCAL if name == LOCAL_NAME else LocalRanker(name.removeprefix(LOCAL_PREFIX))
