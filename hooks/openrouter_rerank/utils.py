"""The retry configuration, importable from where the official SDK has it."""

from ._policy.retries import BackoffStrategy, RetryConfig

__all__ = ["BackoffStrategy", "RetryConfig"]
