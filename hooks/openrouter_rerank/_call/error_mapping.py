"""From the exceptions of httpx to those of the client. Pure: no I/O."""

import ssl
from collections.abc import Iterator

import httpx

from openrouter_rerank.errors import (
    ConnectionFailedError,
    DisconnectedError,
    NoResponseError,
    ReadTimeoutError,
)

# The most specific first.
_NO_RESPONSE: tuple[tuple[type[Exception], type[NoResponseError]], ...] = (
    (httpx.ConnectTimeout, ConnectionFailedError),
    (httpx.PoolTimeout, ConnectionFailedError),
    (httpx.TimeoutException, ReadTimeoutError),
    (httpx.ConnectError, ConnectionFailedError),
    (httpx.ProxyError, ConnectionFailedError),
    (httpx.UnsupportedProtocol, ConnectionFailedError),
    (httpx.LocalProtocolError, ConnectionFailedError),
    (httpx.InvalidURL, ConnectionFailedError),
    (UnicodeError, ConnectionFailedError),
    (httpx.TransportError, DisconnectedError),
)
_SUMMARIES: dict[type[NoResponseError], str] = {
    ConnectionFailedError: "could not connect",
    DisconnectedError: "the connection broke",
    ReadTimeoutError: "timed out waiting for the server",
}
_PERMANENT = (
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.InvalidURL,
    UnicodeError,
    ssl.SSLCertVerificationError,
)
HTTPX_ERRORS = (
    httpx.DecodingError,
    httpx.InvalidURL,
    httpx.TooManyRedirects,
    httpx.TransportError,
    UnicodeError,
)


def walk_causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
