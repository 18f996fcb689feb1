"""The embedded models, which run in this process and need no key."""

import httpx

from openrouter_rerank import OpenRouter
from openrouter_rerank._call.defaults import LOCAL_PREFIX


def is_embedded(model: str) -> bool:
    """Tell whether a model runs in this process, such as "local/minilm" or "local/FOLDER"."""
    return model.startswith(LOCAL_PREFIX)


def check_embedded(model: str) -> None:
    """
    Refuse an embedded model that there is not; none is loaded.

    Raises:
        MissingExtraError: A package that it needs is not installed.
        ModelFileError: Its folder lacks a file, or one is not what it should be.
        ValueError: It is unknown.
    """
    from openrouter_rerank import local

    try:
        local.LocalRanker(model.removeprefix(LOCAL_PREFIX))
    except ValueError as error:
        raise ValueError(f"models: {model!r}: {error}") from error


def open_embedded(model: str) -> OpenRouter:
    """
    Open a client of an embedded model, and load it.

    Raises:
        MissingExtraError: A package that it needs is not installed.
        ModelFileError: It cannot be loaded, or its file is not the expected one.
    """
    from openrouter_rerank import local

    name = model.removeprefix(LOCAL_PREFIX)
    return local.client(model=name, timeout=httpx.Timeout(None), deadline_ms=None)
