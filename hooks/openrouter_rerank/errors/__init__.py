"""
The exceptions of the client.

    OpenRouterError                          everything below
    ├── NoResponseError                      no reply arrived
    │   ├── ConnectionFailedError            nothing was sent: DNS, connect, TLS, proxy, pool
    │   ├── DisconnectedError                the connection broke after the request was sent
    │   ├── ReadTimeoutError                 the server was silent for too long
    │   ├── DeadlineExceededError            the whole call took too long
    │   └── RequestCancelledError            a task of a run or a batched call was cancelled
    ├── ResponseValidationError              a success that is not the contract's shape
    ├── ClientClosedError                    the client was closed before the call (a ValueError)
    ├── BatchError                           a batch of `rerank_batched` failed
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

Only the status decides the class; the body adds detail. Apart from these, `DataFileError` tells of
a file that is missing from the package itself.
"""

from ._base import Moderation, OpenRouterError
from ._bulk import BatchError, RunStoppedError
from ._call import (
    ClientClosedError,
    ConnectionFailedError,
    DeadlineExceededError,
    DisconnectedError,
    NoResponseError,
    ReadTimeoutError,
    RequestCancelledError,
    ResponseValidationError,
)
from ._data import DataFileError
from ._statuses import (
    STATUS_ERRORS,
    BadGatewayResponseError,
    BadRequestResponseError,
    EdgeNetworkTimeoutResponseError,
    ForbiddenResponseError,
    GatewayTimeoutResponseError,
    InternalServerResponseError,
    NotFoundResponseError,
    OpenRouterDefaultError,
    PayloadTooLargeResponseError,
    PaymentRequiredResponseError,
    ProviderOverloadedResponseError,
    RequestTimeoutResponseError,
    ServiceUnavailableResponseError,
    TooManyRequestsResponseError,
    UnauthorizedResponseError,
    UnprocessableEntityResponseError,
)

__all__ = [
    "STATUS_ERRORS",
    "BadGatewayResponseError",
    "BadRequestResponseError",
    "BatchError",
    "ClientClosedError",
    "ConnectionFailedError",
    "DataFileError",
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
    "RequestCancelledError",
    "RequestTimeoutResponseError",
    "ResponseValidationError",
    "RunStoppedError",
    "ServiceUnavailableResponseError",
    "TooManyRequestsResponseError",
    "UnauthorizedResponseError",
    "UnprocessableEntityResponseError",
]


def _name_publicly(names: list[str]) -> None:
    """Set `__module__`, so that tracebacks and pickles name this package."""
    for name in names:
        value = globals()[name]
        if isinstance(value, type):
            value.__module__ = __name__


_name_publicly(__all__)
