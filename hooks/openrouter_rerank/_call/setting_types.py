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
    from openrouter_rerank._network.setup import Verify
    from openrouter_rerank._policy.failures import OnFailure
    from openrouter_rerank._policy.retries import RetryConfig

    from .arguments import CallOptions
    from .config import FallbackModel

__all__ = [
    "ApiKey",
    "Cache",
    "CallOptions",
    "DebugLogger",
    "FallbackModel",
    "OnFailure",
    "Passages",
    "RetryConfig",
    "Verify",
]

_MODULE_BY_NAME = {
    "ApiKey": "openrouter_rerank._network.auth",
    "Cache": "openrouter_rerank._cache.store",
    "CallOptions": "openrouter_rerank._call.arguments",
    "DebugLogger": "openrouter_rerank._events.logging",
    "FallbackModel": "openrouter_rerank._call.config",
    "OnFailure": "openrouter_rerank._policy.failures",
    "Passages": "openrouter_rerank._codec.passages",
    "RetryConfig": "openrouter_rerank._policy.retries",
    "Verify": "openrouter_rerank._network.setup",
}


def __getattr__(name: str) -> object:
    if name not in _MODULE_BY_NAME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULE_BY_NAME[name]), name)
