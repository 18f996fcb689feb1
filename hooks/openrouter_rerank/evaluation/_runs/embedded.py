"""The embedded models, which run in this process and need no key."""

import httpx

from openrouter_rerank import OpenRouter

EMBEDDED_PREFIX = "local/"
EMBEDDED_MODELS = ("minilm",)


def is_embedded(model: str) -> bool:
    """Tell whether a model runs in this process, such as "local/minilm"."""
    return model.startswith(EMBEDDED_PREFIX)


def check_embedded(model: str) -> None:
    """
    Refuse an embedded model that there is not.

    Raises:
        ValueError: It is unknown.
    """
    if model.removeprefix(EMBEDDED_PREFIX) not in EMBEDDED_MODELS:
        known = ", ".join(f"{EMBEDDED_PREFIX}{name}" for name in EMBEDDED_MODELS)
        raise ValueError(f"models: {model!r} is unknown; there is {known}")


def open_embedded(model: str) -> OpenRouter:
    """
    Open a client of an embedded model.

    Raises:
        MissingExtraError: A package of the extra `local` is not installed.
    """
    from openrouter_rerank import local

    check_embedded(model)
    return local.client(timeout=httpx.Timeout(None), deadline_ms=None)
