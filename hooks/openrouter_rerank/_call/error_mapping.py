"""Mapping the exceptions of httpx to those of the client. Pure: no I/O."""

import re
import ssl
import traceback
from collections.abc import Iterator
from contextlib import suppress

import httpx

from openrouter_rerank._network.auth import read_key, read_origin, redact_text, strip_key
from openrouter_rerank._network.setup import SetupError
from openrouter_rerank.errors import (
    ConnectionFailedError,
    DisconnectedError,
    NoResponseError,
    OpenRouterDefaultError,
    OpenRouterError,
    ReadTimeoutError,
    ResponseValidationError,
)

# Most specific first.
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
    (ssl.SSLError, DisconnectedError),
)
_SUMMARIES: dict[type[NoResponseError], str] = {
    ConnectionFailedError: "could not connect",
    DisconnectedError: "the connection broke",
    ReadTimeoutError: "timed out waiting for the server",
}
# By these alerts a peer refuses who asks or how (RFC 8446, section 6.2), before it reads a request;
# with TLS 1.3 they may come when the reply is awaited. Asked again, it would say the same.
_REFUSALS = (
    "_ALERT_(?:HANDSHAKE_FAILURE|.*CERTIFICATE.*|UNKNOWN_CA|ACCESS_DENIED|PROTOCOL_VERSION"
    "|INSUFFICIENT_SECURITY|INAPPROPRIATE_FALLBACK|UNRECOGNIZED_NAME|NO_APPLICATION_PROTOCOL)$"
)
# What h11 says of a body that is cut short; all else that it refuses is malformed.
_CUT_SHORT = "peer closed connection"
_PERMANENT = (
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.InvalidURL,
    UnicodeError,
    ssl.SSLCertVerificationError,
    SetupError,
)
HTTPX_ERRORS = (
    httpx.DecodingError,
    httpx.InvalidURL,
    httpx.TooManyRedirects,
    httpx.TransportError,
    # httpx lets it through when an async read meets it.
    ssl.SSLError,
    UnicodeError,
)


def map_error(error: Exception, *, failed_before_sending: bool, peer: str = "") -> OpenRouterError:
    """
    Return our error for one of `HTTPX_ERRORS`.

    Args:
        error: What httpx raised.
        failed_before_sending: Whether a connection was opened but nothing of the request was sent.
        peer: Where to, for the message; "" leaves it out.
    """
    if isinstance(error, httpx.TooManyRedirects):
        return OpenRouterDefaultError(f"redirect not followed: {error}")
    if isinstance(error, httpx.DecodingError):
        return ResponseValidationError(f"unexpected reply: {error}")
    text = " ".join(str(error).split()) or type(error).__name__
    if is_malformed_reply(error):
        return ResponseValidationError(f"unexpected reply: it is not HTTP: {text}")
    kind = next(kind for httpx_kind, kind in _NO_RESPONSE if isinstance(error, httpx_kind))
    is_refused = any(is_refusal(cause) for cause in walk_causes(error))
    if failed_before_sending or is_refused:
        kind = ConnectionFailedError
    to_peer = f" to {peer}" if peer and kind is ConnectionFailedError else ""
    mapped = kind(f"{_SUMMARIES[kind]}{to_peer}: {text}")
    if isinstance(mapped, ConnectionFailedError):
        mapped.is_permanent = is_refused or any(
            isinstance(cause, _PERMANENT) for cause in walk_causes(error)
        )
    return mapped


def is_refusal(error: BaseException) -> bool:
    """Return whether an error is an alert of TLS by which the peer refuses the connection."""
    # One that Python code has made has no reason.
    reason = getattr(error, "reason", None) or ""
    return isinstance(error, ssl.SSLError) and bool(re.search(_REFUSALS, reason))


def name_peer(url: httpx.URL, proxy_name: str | None) -> str:
    """Return the host and port of a URL, and the proxy on the way there."""
    _, host, port = read_origin(url)
    through = "" if proxy_name is None else f" through the proxy {proxy_name}"
    return f"[{host}]:{port}{through}" if ":" in host else f"{host}:{port}{through}"


def is_malformed_reply(error: Exception) -> bool:
    """
    Return whether a reply arrived that is not HTTP (RFC 9112, sections 2.2, 4, 5.1, 6.3 and 7.1).

    Sent again, the request would be billed again and get the same reply.
    """
    if not isinstance(error, httpx.RemoteProtocolError) or str(error).startswith(_CUT_SHORT):
        return False
    # h11 reads HTTP/1.1 for us and for httpcore, and what it raised is kept as the cause.
    return any(type(cause).__module__.startswith("h11.") for cause in walk_causes(error))


def clear_locals(error: BaseException) -> None:
    """
    Clear the variables of the frames that an exception and its causes keep.

    Those of the HTTP code hold the head of the request, and the key with it, or the password of a
    proxy; tools such as Sentry and rich show the variables of every frame of a traceback.
    """
    for cause in walk_causes(error):
        traceback.clear_frames(cause.__traceback__)


def clear_key(error: BaseException, request: httpx.Request) -> None:
    """Take the key of a request out of what an httpx error and its causes say and keep."""
    key = read_key(request)
    for cause in walk_causes(error):
        # What a server sent may be quoted.
        cause.args = tuple(
            redact_text(each, key) if isinstance(each, str) else each for each in cause.args
        )
        if isinstance(cause, httpx.RequestError):
            # httpx raises this for an error without a request.
            with suppress(RuntimeError):
                cause.request = strip_key(cause.request)


def walk_causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
