"""
Rerank documents through OpenRouter.

`OpenRouter` is the client, `errors` holds what a call can end in, `HooksTransport` gives the same
behaviour to the generated functions of `openrouter_rerank_api`.
"""

from . import components, errors, operations, types, utils
from ._client import OpenRouter
from ._hooks import Hooks, RetryEvent
from ._raw import RateLimit, RawReply
from ._rerank import Ranked
from ._transport import HooksTransport
from ._version import __version__
from .types import UNSET
from .utils import BackoffStrategy, RetryConfig

__all__ = [
    "UNSET",
    "BackoffStrategy",
    "Hooks",
    "HooksTransport",
    "OpenRouter",
    "Ranked",
    "RateLimit",
    "RawReply",
    "RetryConfig",
    "RetryEvent",
    "__version__",
    "components",
    "errors",
    "operations",
    "types",
    "utils",
]
