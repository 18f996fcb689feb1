"""Rerank documents through OpenRouter.

`OpenRouter` is the client, `errors` holds what a call can end in, `HooksTransport` gives the same
behaviour to the generated functions of `openrouter_rerank_api`.
"""

from . import components, errors, operations, types, utils
from ._client import OpenRouter
from ._transport import HooksTransport
from ._version import __version__
from .types import UNSET
from .utils import BackoffStrategy, RetryConfig

__all__ = [
    "UNSET",
    "BackoffStrategy",
    "HooksTransport",
    "OpenRouter",
    "RetryConfig",
    "__version__",
    "components",
    "errors",
    "operations",
    "types",
    "utils",
]
