"""The exceptions by HTTP status, and the table that maps a status to its class."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ._base import OpenRouterError


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
    """408: the request took too long to arrive or to process."""


class PayloadTooLargeResponseError(OpenRouterError):
    """413: the request body is too large."""


class UnprocessableEntityResponseError(OpenRouterError):
    """422: the request is well formed, but the model cannot process it."""


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
    """Any other status that is not a success, such as a redirect that is not followed."""


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
"""The class of each declared status; any other status is an `OpenRouterDefaultError`."""
