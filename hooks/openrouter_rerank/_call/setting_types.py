"""
The types of the client's settings, each imported when something asks for it.

The client's annotations name them as attributes of this module, so that `typing.get_type_hints`
finds them, and importing the client does not wait for them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openrouter_rerank._cache.store import Cache
    from openrouter_rerank._codec.passages import Passages
    from openrouter_rerank._events.logging import DebugLogger
    from openrouter_rerank._network.auth import ApiKey
    from openrouter_rerank._network.httpx2_types import (
        AsyncClient,
        AsyncTransport,
        Client,
        Limits,
        Proxy,
        Timeout,
        Transport,
    )
    from openrouter_rerank._network.setup import Verify
    from openrouter_rerank._policy.failures import OnFailure
    from openrouter_rerank._policy.retry_config import RetryConfig

    from .arguments import CallOptions
    from .config import FallbackModel

__all__ = [
    "ApiKey",
    "AsyncClient",
    "AsyncTransport",
    "Cache",
    "CallOptions",
    "Client",
    "DebugLogger",
    "FallbackModel",
    "Limits",
    "OnFailure",
    "Passages",
    "Proxy",
    "RetryConfig",
    "Timeout",
    "Transport",
    "Verify",
]

_MODULE_BY_NAME = {
    "ApiKey": "openrouter_rerank._network.auth",
    "AsyncClient": "openrouter_rerank._network.httpx2_types",
    "AsyncTransport": "openrouter_rerank._network.httpx2_types",
    "Cache": "openrouter_rerank._cache.store",
    "CallOptions": "openrouter_rerank._call.arguments",
    "Client": "openrouter_rerank._network.httpx2_types",
    "DebugLogger": "openrouter_rerank._events.logging",
    "FallbackModel": "openrouter_rerank._call.config",
    "Limits": "openrouter_rerank._network.httpx2_types",
    "OnFailure": "openrouter_rerank._policy.failures",
    "Passages": "openrouter_rerank._codec.passages",
    "Proxy": "openrouter_rerank._network.httpx2_types",
    "RetryConfig": "openrouter_rerank._policy.retry_config",
    "Timeout": "openrouter_rerank._network.httpx2_types",
    "Transport": "openrouter_rerank._network.httpx2_types",
    "Verify": "openrouter_rerank._network.setup",
}


def __getattr__(name: str) -> object:
    if name not in _MODULE_BY_NAME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULE_BY_NAME[name]), name)
