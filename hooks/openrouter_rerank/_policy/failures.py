"""What a call's failure means for the search around it: whether to go on without it. No I/O."""

from typing import Literal, TypeAlias

from openrouter_rerank.errors import (
    BatchError,
    ClientClosedError,
    ConnectionFailedError,
    OpenRouterError,
    RequestCancelledError,
)

UNAUTHORIZED = 401
PAYMENT_REQUIRED = 402
FORBIDDEN = 403
# What `rank` does when a call has failed: raise its error, or keep the caller's order.
OnFailure: TypeAlias = Literal["raise", "keep_order"]


def is_recoverable(error: OpenRouterError) -> bool:
    """
    Return whether another model, or the caller's own order, may stand in for a call that failed.

    Not for what somebody has to put right first: a key that is wrong (401) or may not do this (403,
    unless moderation refused the content), a setting, a closed client. Nor for a cancellation, or
    an error that no call ended in, such as one that a hook raised.
    """
    if isinstance(error, BatchError):
        return isinstance(error.cause, OpenRouterError) and is_recoverable(error.cause)
    if not error.ended_call or isinstance(error, ClientClosedError | RequestCancelledError):
        return False
    if error.status_code == FORBIDDEN:
        return error.moderation is not None and bool(error.moderation.reasons)
    is_permanent = isinstance(error, ConnectionFailedError) and error.is_permanent
    return error.status_code != UNAUTHORIZED and not is_permanent
