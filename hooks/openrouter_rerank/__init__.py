"""
Rerank documents through OpenRouter.

`OpenRouter` is the client. `errors` holds the exceptions that a call can raise. `HooksTransport`
gives the generated functions of `openrouter_rerank_api` the same behaviour. Each name is imported
when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ._version import __version__

if TYPE_CHECKING:
    from . import components, errors, operations, types, utils
    from ._bulk.jobs import RerankJob, RerankOutcome, RunProgress
    from ._cache.disk import DiskCache
    from ._cache.memory import MemoryCache
    from ._cache.store import Cache
    from ._call.hooks_transport import HooksTransport
    from ._call.ranker import Ranker
    from ._client import OpenRouter
    from ._codec.passages import Passages
    from ._events.hooks import Hooks, RetryEvent
    from ._frames import FrameRanking
    from ._ranking import Ranked, Ranking
    from ._raw_response import RateLimit, RawReply
    from .types import UNSET
    from .utils import BackoffStrategy, RetryConfig

__all__ = [
    "UNSET",
    "BackoffStrategy",
    "Cache",
    "DiskCache",
    "FrameRanking",
    "Hooks",
    "HooksTransport",
    "MemoryCache",
    "OpenRouter",
    "Passages",
    "Ranked",
    "Ranker",
    "Ranking",
    "RateLimit",
    "RawReply",
    "RerankJob",
    "RerankOutcome",
    "RetryConfig",
    "RetryEvent",
    "RunProgress",
    "__version__",
    "components",
    "errors",
    "operations",
    "types",
    "utils",
]

_MODULES = frozenset({"components", "errors", "operations", "types", "utils"})
_MODULE_BY_NAME = {
    "UNSET": ".types",
    "BackoffStrategy": "._policy.retry_config",
    "Cache": "._cache.store",
    "DiskCache": "._cache.disk",
    "FrameRanking": "._frames",
    "Hooks": "._events.hooks",
    "HooksTransport": "._call.hooks_transport",
    "MemoryCache": "._cache.memory",
    "OpenRouter": "._client",
    "Passages": "._codec.passages",
    "Ranked": "._ranking",
    "Ranker": "._call.ranker",
    "Ranking": "._ranking",
    "RateLimit": "._raw_response",
    "RawReply": "._raw_response",
    "RerankJob": "._bulk.jobs",
    "RerankOutcome": "._bulk.jobs",
    "RetryConfig": "._policy.retry_config",
    "RetryEvent": "._events.hooks",
    "RunProgress": "._bulk.jobs",
}


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    if name not in _MODULE_BY_NAME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULE_BY_NAME[name], __name__), name)
    # Stored, so that the next use does not come here.
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
