"""The client that the commands use: of the API, or of the model on this machine."""

import os
from contextlib import AbstractContextManager
from typing import Any

import httpx

from openrouter_rerank import OpenRouter, RetryConfig
from openrouter_rerank._call.defaults import DEFAULT_DEADLINE_MS
from openrouter_rerank._call.target import BASE_URL_VARIABLE
from openrouter_rerank._network.auth import API_KEY_VARIABLE

from ._errors import CommandError


def require_key() -> None:
    """
    Refuse to ask OpenRouter without a key; another server may need none.

    Raises:
        CommandError: There is neither a key nor another server.
    """
    if not (os.environ.get(API_KEY_VARIABLE) or os.environ.get(BASE_URL_VARIABLE)):
        raise CommandError(
            f"there is no key. Set {API_KEY_VARIABLE} to yours from openrouter.ai/keys, or rank on "
            "this machine, without a key, with --local."
        )


def open_client(
    *,
    local: bool,
    retry_config: RetryConfig | None = None,
    deadline_ms: float = DEFAULT_DEADLINE_MS,
    concurrency: int | None = None,
    **options: Any,
) -> AbstractContextManager[OpenRouter]:
    """
    Open a client of the API that the environment names, or of the model on this machine.

    Args:
        local: Whether to rank on this machine.
        retry_config: When to try again; None is the client's own policy.
        deadline_ms: Limit for a whole call, in milliseconds; ignored on this machine.
        concurrency: How many requests may be under way at once; None for the client's own limit.
        options: Further arguments of `OpenRouter`.

    Raises:
        CommandError: OpenRouter is to be asked without a key.
        MissingExtraError: A package of the extra `local` is not installed.
        ModelFileError: The model's file is not the expected one.
    """
    if not local:
        require_key()
        limits = None if concurrency is None else httpx.Limits(max_connections=concurrency)
        return OpenRouter(
            retry_config=retry_config, deadline_ms=deadline_ms, limits=limits, **options
        )
    from openrouter_rerank.local import LOCAL, client

    # If the first request loaded it, a damaged model would only show as an internal server error.
    LOCAL.load()
    # Ten thousand documents take minutes, and a user who does not want to wait has Ctrl-C.
    return client(ranker=LOCAL, timeout=httpx.Timeout(None), deadline_ms=None, **options)
