"""`Passages` as a setting of an adapter, which can be written down as plain JSON."""

from collections.abc import Mapping
from typing import Any

from openrouter_rerank._codec.passages import Passages, require_passages


def read_passages(value: Passages | Mapping[str, Any] | None) -> Passages | None:
    """
    Return how documents are split, given as such or as `write_passages` wrote it.

    Raises:
        ModuleNotFoundError: The extra `passages` is not installed.
        TypeError: It is something else, or a size has the wrong type.
        ValueError: A size cannot work, or a name is unknown.
    """
    if not isinstance(value, Mapping):
        return require_passages(value)
    unknown = value.keys() - {"max_tokens", "overlap"}
    if unknown:
        raise ValueError(f"passages: unknown key {min(unknown)!r}")
    return Passages(**value)


def write_passages(passages: Passages | None) -> dict[str, int] | None:
    """
    Return the sizes, as plain JSON.

    Raises:
        ValueError: There is a tokenizer or a function that counts.
    """
    if passages is None:
        return None
    if passages.count is not None:
        raise ValueError("passages: what counts tokens cannot be serialised")
    return {"max_tokens": passages.max_tokens, "overlap": passages.overlap}
