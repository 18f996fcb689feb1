"""
The retry policy: after an attempt failed, wait and retry, or give up. No I/O, no clock.

Internal numbers are in seconds; the public configuration is in milliseconds, as in the official
SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from openrouter_rerank.errors import (
    ConnectionFailedError,
    DisconnectedError,
    NoResponseError,
    OpenRouterError,
    ReadTimeoutError,
    ResponseValidationError,
)

if TYPE_CHECKING:
    from .retry_config import BackoffStrategy, RetryConfig

MILLISECONDS = 1000.0
NEVER_RETRIED = frozenset({401, 402})
RETRIED = frozenset({408, 409, 429})
SERVER_ERRORS = range(500, 600)


def plan_delay(
    config: RetryConfig, error: OpenRouterError, *, attempt: int, elapsed: float, chance: float
) -> float | None:
    """
    Decide what follows a failed attempt.

    Args:
        config: The policy.
        error: The attempt's error.
        attempt: The attempt's number, from 1.
        elapsed: Seconds since the call began.
        chance: A random number from 0 to 1, which places the wait within its bounds.

    Returns:
        The seconds to wait before the next attempt, or None to give up.
    """
    if attempt >= config.max_attempts or not is_retryable(config, error):
        return None
    # 0, and a date that has passed, would have the server asked again without a pause.
    if not error.retry_after:
        delay = draw_backoff(config.backoff, retry=attempt - 1, chance=chance)
    elif error.retry_after * MILLISECONDS > config.max_retry_after_ms:
        return None
    else:
        delay = error.retry_after
    if elapsed + delay > config.backoff.max_elapsed_time / MILLISECONDS:
        return None
    return delay


def is_retryable(config: RetryConfig, error: OpenRouterError) -> bool:
    """Return whether the policy allows the same request to be sent again."""
    if config.strategy == "none":
        return False
    if isinstance(error, ResponseValidationError):
        return config.retry_invalid_replies
    if isinstance(error, NoResponseError):
        return is_retryable_without_reply(config, error)
    status = error.status_code
    if status is None or status in NEVER_RETRIED:
        return False
    if error.availability is not None and isinstance(error.availability.retryable, bool):
        return error.availability.retryable
    if config.status_codes_override:
        return any(matches(code, status) for code in config.status_codes_override)
    return status in RETRIED or status in SERVER_ERRORS


def is_retryable_without_reply(config: RetryConfig, error: NoResponseError) -> bool:
    """Return whether a request that got no reply may be sent again."""
    if isinstance(error, ConnectionFailedError):
        return config.retry_connection_errors and not error.is_permanent
    if isinstance(error, DisconnectedError):
        return config.retry_disconnects
    return isinstance(error, ReadTimeoutError) and config.retry_read_timeouts


def matches(code: str, status: int) -> bool:
    """Return whether a code covers a status; "5XX" covers 500 to 599."""
    return code == str(status) or (code[1:].upper() == "XX" and code[0] == str(status)[0])


def draw_backoff(backoff: BackoffStrategy, *, retry: int, chance: float) -> float:
    """Return the wait before a retry, in seconds: full jitter below an exponential bound."""
    try:
        bound = min(backoff.max_interval, backoff.initial_interval * backoff.exponent**retry)
    except OverflowError:
        bound = backoff.max_interval
    return chance * (bound + (backoff.jitter_ms or 0.0)) / MILLISECONDS
