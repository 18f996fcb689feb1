"""The retry configuration under the official SDK's names; they only stand here for import."""

from ._policy.retries import BackoffStrategy, RetryConfig

__all__ = ["BackoffStrategy", "RetryConfig"]
