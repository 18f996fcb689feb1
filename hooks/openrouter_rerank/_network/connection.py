"""
A single connection as an httpx transport, so that tools that patch transports see all calls.

httpx has no argument for the network layer. So we set the only attribute of its transports here,
and skip their `__init__`. With our own copy of `handle_request`, tools that patch httpx's method
would miss our calls. Through a proxy, and for tools that patch httpcore, its own class speaks
HTTP/1.1 over the connection that we open.
"""

from types import FunctionType
from typing import Any, NamedTuple, TypeAlias

import httpcore
import httpx

from .deadline import current_attempt
from .http11 import AsyncHttp11, Http11
from .proxies import check_proxy, find_proxy, is_socks, name_proxy
from .setup import Verify, make_tls_context
from .streams import Backend, wrap_context

LentConnection: TypeAlias = (
    Http11 | AsyncHttp11 | httpcore.ConnectionInterface | httpcore.AsyncConnectionInterface
)


class Route:
    """
    How to reach an origin.

    Attributes:
        origin: Scheme, host and port.
        context: The TLS context; None without TLS, since making one takes time.
        proxy: The proxy to connect through; None connects directly.
        proxy_name: Its scheme, host and port; None without a proxy.
    """

    def __init__(self, url: httpx.URL, verify: Verify, proxy: httpx.Proxy | None) -> None:
        """
        Find the proxy and the TLS context for a URL; without `proxy`, ask the environment.

        Raises:
            SetupError: A file or a package is missing, or a setting cannot be used.
        """
        self.proxy = find_proxy(url) if proxy is None else proxy
        if self.proxy is not None:
            check_proxy(self.proxy)
        self.proxy_name = None if self.proxy is None else name_proxy(self.proxy)
        self.origin = httpcore.URL(str(url)).origin
        is_secure = url.scheme == "https"
        self.context = make_tls_context(verify) if is_secure else None

    def proxy_arguments(self, proxy: httpx.Proxy) -> dict[str, Any]:
        """Return what httpcore's class for a proxy takes."""
        arguments: dict[str, Any] = {
            "proxy_url": str(proxy.url),
            "proxy_auth": proxy.raw_auth,
            "ssl_context": wrap_context(self.context),
        }
        if is_socks(proxy):
            return arguments
        context = wrap_context(proxy.ssl_context)
        return {**arguments, "proxy_headers": proxy.headers.raw, "proxy_ssl_context": context}


class ConnectionBase:
    """
    What sync and async connections have in common.

    Attributes:
        idle_since: When its last reply ended, in seconds of the monotonic clock.
    """

    idle_since = 0.0

    def __init__(self, connection: LentConnection) -> None:
        """Take a connection, which has all that a transport of httpx uses of its pool."""
        self._pool: Any = connection
        self._connection = connection

    @property
    def is_idle(self) -> bool:
        """Whether it is open, has no request, and nothing came after the last reply."""
        attempt = current_attempt.get()
        if attempt is not None and attempt.is_unwritten:
            # The server waits for the rest of the request.
            return False
        if isinstance(self._connection, Http11 | AsyncHttp11):
            return self._connection.is_free
        return self._connection.is_available() and not has_trailing_data(self._connection)

    @property
    def has_been_closed(self) -> bool:
        """Whether an idle connection is of no use: closed, not empty, or not to be watched."""
        if isinstance(self._connection, Http11 | AsyncHttp11) and is_httpcore_patched():
            return True
        return self._connection.has_expired()


class Classes(NamedTuple):
    """
    The classes that connections can be of, sync or async.

    Attributes:
        own: Ours.
        direct: httpcore's, for tools that patch it.
        proxy: httpcore's pool of connections through a proxy that speaks HTTP.
        socks: The same for SOCKS.
    """

    own: type[Http11 | AsyncHttp11]
    direct: Any
    proxy: Any
    socks: Any


def prepare_connection(route: Route, classes: Classes, backend: Any) -> LentConnection:
    """Return a connection of the class that the route needs; its first request opens it."""
    if route.proxy is not None:
        make_proxy = classes.socks if is_socks(route.proxy) else classes.proxy
        proxy = make_proxy(**route.proxy_arguments(route.proxy), network_backend=backend)
        connection: LentConnection = proxy.create_connection(route.origin)
    elif is_httpcore_patched():
        context = wrap_context(route.context)
        connection = classes.direct(route.origin, context, network_backend=backend)
    else:
        connection = classes.own(route.origin, route.context, backend)
    return connection


CLASSES = Classes(Http11, httpcore.HTTPConnection, httpcore.HTTPProxy, httpcore.SOCKSProxy)


class Connection(ConnectionBase, httpx.HTTPTransport):
    """One sync connection, which keeps to the deadline of the current attempt."""

    def __init__(self, route: Route) -> None:
        """Prepare the connection; its first request opens it."""
        self._backend = Backend()
        super().__init__(prepare_connection(route, CLASSES, self._backend))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        try:
            return super().handle_request(request)
        except Exception as error:
            refuse_socks_error(error)
            raise

    def close(self) -> None:
        """Close the connection, also one that a proxy has refused, which httpcore leaves open."""
        super().close()
        self._backend.close()


def is_httpcore_patched() -> bool:
    """
    Return whether something watches httpcore's connections; it would miss ours.

    respx does so in tests, and some monitoring in production: they replace httpcore's function by
    one of their own.
    """
    sync_and_async: tuple[object, ...] = (
        httpcore.HTTPConnection.handle_request,
        httpcore.AsyncHTTPConnection.handle_async_request,
    )
    return not all(
        type(method) is FunctionType and method.__globals__["__name__"].startswith("httpcore.")
        for method in sync_and_async
    )


def refuse_socks_error(error: Exception) -> None:
    """
    Replace what the package for SOCKS raises of a malformed answer, which httpcore lets through.

    Raises:
        httpx.ProxyError: The proxy does not speak SOCKS.
    """
    # The package is optional, so its classes cannot be named.
    if type(error).__module__.startswith("socksio."):
        raise httpx.ProxyError(f"the proxy does not speak SOCKS 5: {error}") from error


def has_trailing_data(connection: object) -> bool:
    """
    Return whether data came after the last reply over httpcore's connection, with it in one read.

    It would be taken for the next reply (RFC 9112, section 6.3). Only h11 knows, and httpcore keeps
    it to itself: where it cannot be asked, no connection is used twice.
    """
    while (inner := getattr(connection, "_connection", None)) is not None:
        connection = inner
    protocol = getattr(connection, "_h11_state", None)
    return protocol is None or bool(protocol.trailing_data[0])
