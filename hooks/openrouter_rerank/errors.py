"""
The exceptions of the client.

    OpenRouterError                          everything below
    ├── NoResponseError                      no reply arrived
    │   ├── ConnectionFailedError            nothing was sent: DNS, connect, TLS, proxy, pool
    │   ├── DisconnectedError                the connection broke after the request was sent
    │   ├── ReadTimeoutError                 the server was silent for too long
    │   └── DeadlineExceededError            the whole call took too long
    ├── ResponseValidationError              a success that is not the contract's shape
    ├── ClientClosedError                    the client was closed before the call (a ValueError)
    ├── BatchError                           a part of `rerank_batched` failed
    ├── RunStoppedError                      `rerank_many` ended before its jobs did
    ├── BadRequestResponseError              400
    ├── UnauthorizedResponseError            401
    ├── PaymentRequiredResponseError         402
    ├── ForbiddenResponseError               403
    ├── NotFoundResponseError                404
    ├── RequestTimeoutResponseError          408
    ├── PayloadTooLargeResponseError         413
    ├── UnprocessableEntityResponseError     422
    ├── TooManyRequestsResponseError         429
    ├── InternalServerResponseError          500
    ├── BadGatewayResponseError              502
    ├── ServiceUnavailableResponseError      503
    ├── GatewayTimeoutResponseError          504
    ├── EdgeNetworkTimeoutResponseError      524
    ├── ProviderOverloadedResponseError      529
    └── OpenRouterDefaultError               any other status that is not a success

The status alone decides the class; the body only adds detail.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

from ._body import read_text

if TYPE_CHECKING:
    from openrouter_rerank_api.models.availability import Availability
    from openrouter_rerank_api.models.create_rerank_response_body import CreateRerankResponseBody
    from openrouter_rerank_api.models.error_response import ErrorResponse
    from openrouter_rerank_api.models.previous_error import PreviousError

    from ._jobs import RerankJob

__all__ = [
    "STATUS_ERRORS",
    "BadGatewayResponseError",
    "BadRequestResponseError",
    "BatchError",
    "ClientClosedError",
    "ConnectionFailedError",
    "DeadlineExceededError",
    "DisconnectedError",
    "EdgeNetworkTimeoutResponseError",
    "ForbiddenResponseError",
    "GatewayTimeoutResponseError",
    "InternalServerResponseError",
    "Moderation",
    "NoResponseError",
    "NotFoundResponseError",
    "OpenRouterDefaultError",
    "OpenRouterError",
    "PayloadTooLargeResponseError",
    "PaymentRequiredResponseError",
    "ProviderOverloadedResponseError",
    "ReadTimeoutError",
    "RequestTimeoutResponseError",
    "ResponseValidationError",
    "RunStoppedError",
    "ServiceUnavailableResponseError",
    "TooManyRequestsResponseError",
    "UnauthorizedResponseError",
    "UnprocessableEntityResponseError",
]


class Moderation(NamedTuple):
    """
    Why moderation refused an input (`#/components/schemas/ErrorMetadata` in openapi.yaml).

    Attributes:
        reasons: The reasons, empty if none were given.
        flagged_input: The part of the input that was refused; None if it is not said.
        provider_name: The provider that the request was meant for; None if it is not said.
        model_slug: The model that the request was meant for; None if it is not said.
    """

    reasons: list[str]
    flagged_input: str | None
    provider_name: str | None
    model_slug: str | None


class OpenRouterError(Exception):
    """
    The root of every error that a call can end in, wrong arguments aside.

    Attributes:
        message: What went wrong, in a sentence; never empty, and what `str()` gives.
        status_code: The HTTP status of the error. An error inside a 200 has the status that it
            would have had. None if no reply arrived.
        body: The reply's body as text, "" if none arrived.
        headers: The reply's headers, empty if none arrived.
        raw_response: The reply, fully read. None if none arrived. A copy that came through pickle
            holds no more of its request than the method and the URL.
        data: The body as the contract's error envelope, None if it is not one.
        error_type: The kind of error, from a vocabulary that does not change its meaning.
        provider_code: The provider's own code for the error.
        metadata: `error.metadata` as it came, empty if there was none.
        previous_errors: What other providers answered before, the first one first.
        availability: Why no provider could serve the model, with `retryable`, `retry_after`
            (seconds), `fallback_models` and more (`#/components/schemas/Availability` in
            openapi.yaml); None if the error is of another kind.
        moderation: Why the input was refused; None if the error is of another kind.
        generation_id: Names the request in OpenRouter's logs (`X-Generation-Id`), if known.
        retry_after: How long the server asks to wait, in seconds; None if it does not say.
        attempts: How many times the request was tried, 0 if not once.
    """

    def __init__(
        self,
        message: str,
        raw_response: httpx.Response | None = None,
        body: str | None = None,
        *,
        status_code: int | None = None,
        data: ErrorResponse | None = None,
    ) -> None:
        """
        Create an error.

        Args:
            message: What went wrong.
            raw_response: The reply, fully read.
            body: The reply's body; None takes it from the reply.
            status_code: The status of the error; None takes it from the reply.
            data: The body as the contract's error envelope.
        """
        super().__init__(message)
        self.message = message
        self.raw_response = raw_response
        if raw_response is None:
            self.status_code, self.body, self.headers = status_code, body or "", httpx.Headers()
        else:
            self.status_code = raw_response.status_code if status_code is None else status_code
            self.body = read_text(raw_response) if body is None else body
            self.headers = raw_response.headers
        self.data = data
        self.error_type: str | None = None
        self.provider_code: str | int | None = None
        self.metadata: Mapping[str, Any] = {}
        self.previous_errors: list[PreviousError] = []
        self.availability: Availability | None = None
        self.moderation: Moderation | None = None
        self.generation_id: str | None = self.headers.get("X-Generation-Id")
        self.retry_after: float | None = None
        self.attempts = 0

    def __str__(self) -> str:
        """Return the message."""
        return self.message

    def __reduce__(self) -> tuple[type[OpenRouterError], tuple[Any, ...], dict[str, Any]]:
        """Pickle and copy all but the request's headers, which hold the key, and its body."""
        state = dict(self.__dict__)
        if self.raw_response is not None:
            state["raw_response"] = strip_request(self.raw_response)
        return type(self), self.args, state


def strip_request(response: httpx.Response) -> httpx.Response:
    """Return a copy of a reply that knows only the method and the URL of its request."""
    copied = copy.copy(response)
    # httpx raises this for a reply that was made without a request.
    with suppress(RuntimeError):
        copied.request = httpx.Request(response.request.method, response.request.url)
    return copied


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


class ResponseValidationError(OpenRouterError):
    """A success whose body is not the contract's shape. It was billed, so it is never retried."""


class ClientClosedError(OpenRouterError, ValueError):
    """The client was used after it had been closed; nothing was sent."""


class BatchError(OpenRouterError):
    """
    A part of `rerank_batched` failed, and with it the whole; what is paid for is kept here.

    The attributes of `OpenRouterError` are those of `cause`, if it is one.

    Attributes:
        cause: What the part ended in; `__cause__` as well. It is an `OpenRouterError`, the
            `TypeError` or `ValueError` of a wrong document, or what the documents' iterable or a
            hook raised.
        part: The number of the part, from 0. If several failed, it is the first of them.
        positions: The positions of its documents among the caller's, from 0; those that were read
            if the iterable broke off.
        responses: The replies of the parts that succeeded, by number. `results[i].index` is the
            caller's position; with `top_n`, only what is among the best `top_n` of them all is
            left in their results.
    """

    def __init__(
        self,
        message: str,
        raw_response: httpx.Response | None = None,
        body: str | None = None,
        *,
        status_code: int | None = None,
        data: ErrorResponse | None = None,
        cause: Exception | None = None,
        part: int = 0,
        positions: range = range(0),
        responses: Mapping[int, CreateRerankResponseBody] | None = None,
    ) -> None:
        """
        Create an error.

        Args:
            message: What went wrong.
            raw_response: See `OpenRouterError`, as for the arguments up to `data`.
            body: See `OpenRouterError`.
            status_code: See `OpenRouterError`.
            data: See `OpenRouterError`.
            cause: What the part ended in; the arguments above give way to what it says.
            part: The number of the part.
            positions: The positions of its documents.
            responses: The replies of the parts that succeeded; None for none.
        """
        super().__init__(message, raw_response, body, status_code=status_code, data=data)
        if isinstance(cause, OpenRouterError):
            vars(self).update(vars(cause), message=message)
        self.cause = self.__cause__ = cause
        self.part = part
        self.positions = positions
        self.responses = dict(responses or {})

    def __reduce__(self) -> tuple[type[OpenRouterError], tuple[Any, ...], dict[str, Any]]:
        """Keep the cause where a traceback looks for it, too."""
        kind, arguments, state = super().__reduce__()
        return kind, arguments, {**state, "__cause__": self.cause}


class RunStoppedError(OpenRouterError):
    """
    A run of `rerank_many` ended before its jobs did; all its outcomes were given out before.

    The attributes of `OpenRouterError` are those of `cause`, if there is one.

    Attributes:
        reason: "refused" after a 401 or 402, "max_cost" when the costs had reached the limit and
            there was more to send, "unknown_cost" when a reply told no cost although there is a
            limit.
        cause: The error that stopped the run; `__cause__` as well. None if the limit did.
        done: How many outcomes were given out.
        cost: Sum of the costs that replies have told, in credits.
        unsent: The jobs that were taken from the caller's iterable and not sent, hardly ever more
            than one. One that the iterable gives only after the run has stopped is added then.
    """

    def __init__(
        self,
        message: str,
        raw_response: httpx.Response | None = None,
        body: str | None = None,
        *,
        status_code: int | None = None,
        data: ErrorResponse | None = None,
        reason: str = "refused",
        cause: OpenRouterError | None = None,
        done: int = 0,
        cost: float = 0.0,
        unsent: list[RerankJob] | None = None,
    ) -> None:
        """
        Create an error.

        Args:
            message: What went wrong.
            raw_response: See `OpenRouterError`, as for the arguments up to `data`.
            body: See `OpenRouterError`.
            status_code: See `OpenRouterError`.
            data: See `OpenRouterError`.
            reason: Why the run stopped.
            cause: The error that stopped it; the arguments above give way to what it says.
            done: How many outcomes were given out.
            cost: Sum of the costs, in credits.
            unsent: The jobs that were taken and not sent; None for none.
        """
        super().__init__(message, raw_response, body, status_code=status_code, data=data)
        if cause is not None:
            vars(self).update(vars(cause), message=message)
        self.reason = reason
        self.cause = self.__cause__ = cause
        self.done = done
        self.cost = cost
        self.unsent = [] if unsent is None else unsent

    def __reduce__(self) -> tuple[type[OpenRouterError], tuple[Any, ...], dict[str, Any]]:
        """Keep the cause where a traceback looks for it, too."""
        kind, arguments, state = super().__reduce__()
        return kind, arguments, {**state, "__cause__": self.cause}


class BadRequestResponseError(OpenRouterError):
    """400: the request is malformed or a field has a value that is not allowed."""


class UnauthorizedResponseError(OpenRouterError):
    """401: the API key is missing, unknown or revoked."""


class PaymentRequiredResponseError(OpenRouterError):
    """402: the account or the key has no credits left."""


class ForbiddenResponseError(OpenRouterError):
    """403: the key may not do this, or moderation refused the content (see `moderation`)."""


class NotFoundResponseError(OpenRouterError):
    """404: the model, or the path, does not exist."""


class RequestTimeoutResponseError(OpenRouterError):
    """408: the request took too long to arrive or to be worked off."""


class PayloadTooLargeResponseError(OpenRouterError):
    """413: the request body is too large."""


class UnprocessableEntityResponseError(OpenRouterError):
    """422: the request is well formed, but the model cannot work on it."""


class TooManyRequestsResponseError(OpenRouterError):
    """429: too many requests in a short time."""


class InternalServerResponseError(OpenRouterError):
    """500: OpenRouter failed."""


class BadGatewayResponseError(OpenRouterError):
    """502: the model's provider failed."""


class ServiceUnavailableResponseError(OpenRouterError):
    """503: no provider is available at the moment."""


class GatewayTimeoutResponseError(OpenRouterError):
    """504: a gateway between OpenRouter and the provider timed out."""


class EdgeNetworkTimeoutResponseError(OpenRouterError):
    """524: the edge network gave up waiting."""


class ProviderOverloadedResponseError(OpenRouterError):
    """529: the model's provider is overloaded."""


class OpenRouterDefaultError(OpenRouterError):
    """Any other status that is not a success, redirects that are not followed among them."""


STATUS_ERRORS: Mapping[int, type[OpenRouterError]] = MappingProxyType(
    {
        400: BadRequestResponseError,
        401: UnauthorizedResponseError,
        402: PaymentRequiredResponseError,
        403: ForbiddenResponseError,
        404: NotFoundResponseError,
        408: RequestTimeoutResponseError,
        412: OpenRouterDefaultError,
        413: PayloadTooLargeResponseError,
        422: UnprocessableEntityResponseError,
        429: TooManyRequestsResponseError,
        500: InternalServerResponseError,
        502: BadGatewayResponseError,
        503: ServiceUnavailableResponseError,
        504: GatewayTimeoutResponseError,
        524: EdgeNetworkTimeoutResponseError,
        529: ProviderOverloadedResponseError,
    }
)
"""The class of each declared status; a status that is not here is an `OpenRouterDefaultError`."""
