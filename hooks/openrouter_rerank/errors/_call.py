"""The exceptions of calls that got no reply, or an unusable one."""

from __future__ import annotations

from ._base import OpenRouterError


class NoResponseError(OpenRouterError):
    """No reply arrived."""


class ConnectionFailedError(NoResponseError):
    """
    The request could not be sent: name resolution, connecting, TLS, a proxy or a full pool.

    Attributes:
        is_permanent: Whether another try cannot help, as with a bad certificate.
    """

    is_permanent = False


class DisconnectedError(NoResponseError):
    """The connection broke after the request was sent; the server may have worked on it."""


class ReadTimeoutError(NoResponseError):
    """The server was silent for longer than the read or write timeout."""


class DeadlineExceededError(NoResponseError):
    """The call took longer than its deadline, all attempts and waits together."""


class RequestCancelledError(NoResponseError):
    """
    Somebody else cancelled the task in which a run or a batched call made a request.

    Such a task is not the caller's: the caller's own cancellation raises what asyncio and trio
    raise. The request may have been billed.
    """


class ResponseValidationError(OpenRouterError):
    """
    A success whose body is not the contract's shape, or a reply that is not HTTP.

    It was billed, so it is retried only with `RetryConfig(retry_invalid_replies=True)`.

    Attributes:
        is_empty: Whether the reply says nothing at all: no body, null, or an object of nulls, as
            some providers answer when they are overloaded.
    """

    is_empty = False


class ClientClosedError(OpenRouterError, ValueError):
    """The client was used after it had been closed; nothing was sent."""
