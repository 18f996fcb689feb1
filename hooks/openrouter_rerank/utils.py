"""The retry configuration, importable from where the official SDK has it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._policy.retry_config import BackoffStrategy, RetryConfig

__all__ = ["BackoffStrategy", "RetryConfig"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ._policy import retry_config

    return getattr(retry_config, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
