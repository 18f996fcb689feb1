"""The options that say which embedded model ranks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openrouter_rerank.local import LocalRanker


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """
    The embedded model and its use, see `openrouter_rerank.local.LocalRanker`.

    Attributes:
        name: A model's name, or a folder.
        kind: For a folder, what the model does; None reads its configuration.
        pooling: For a folder, how the vectors of tokens become one; None reads its configuration.
        query_prefix: For a folder, text before the query; None reads its configuration.
        cache_mb: The memory for vectors that are kept, in megabytes; None is the ranker's default.
    """

    name: str = "minilm"
    kind: str | None = None
    pooling: str | None = None
    query_prefix: str | None = None
    cache_mb: float | None = None


DEFAULT_MODEL = ModelOptions()


def open_ranker(options: ModelOptions) -> "LocalRanker":
    """
    Make the ranker of an embedded model, not loaded yet.

    Raises:
        MissingExtraError: A package of the extra `local` is not installed, or that with the model.
        ModelFileError: The folder lacks a file, or one is not what it should be.
        ValueError: There is no such model, or an option has no such value.
    """
    from openrouter_rerank.local import LocalRanker

    given: dict[str, Any] = {
        "kind": options.kind,
        "pooling": options.pooling,
        "query_prefix": options.query_prefix,
    }
    if options.cache_mb is not None:
        given["embedding_cache_mb"] = options.cache_mb
    return LocalRanker(options.name, **given)
