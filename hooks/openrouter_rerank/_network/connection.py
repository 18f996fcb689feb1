"""
A single connection as an httpx transport, so that tools that patch transports see all calls.

httpx has no argument for the network layer. So we set the only attribute of its transports here,
and skip their `__init__`. With our own copy of `handle_request`, tools that patch httpx's method
would miss our calls. httpcore speaks HTTP/1.1 over the connection that we open.
"""

import functools
import os
import ssl
import urllib.request
from typing import Any, Generic, TypeVar

import httpcore
import httpx

from .streams import AsyncBackend, Backend, wrap_context

TLS_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")

HTTP_1_1 = "http/1.1"

Verify = ssl.SSLContext | bool
C = TypeVar("C", httpcore.ConnectionInterface, httpcore.AsyncConnectionInterface)


def make_tls_context(verify: Verify) -> ssl.SSLContext:
    """Return the context for `verify`; it is cached, since reading the certificates takes 20 ms."""
    if isinstance(verify, ssl.SSLContext):
        return verify
    return _make_tls_context(verify, tuple(os.environ.get(name) for name in TLS_VARIABLES))


@functools.cache
def _make_tls_context(verify: bool, environment: tuple[str | None, ...]) -> ssl.SSLContext:  # noqa: ARG001 - the environment is part of the cache key
    context = httpx.create_ssl_context(verify=verify)
    context.set_alpn_protocols([HTTP_1_1])
    return context


class Route:
    """
    How to reach an origin.

    Attributes:
        origin: Scheme, host and port.
        context: The TLS context for httpcore; None without TLS, since making one takes time.
        proxy: The proxy to connect through; None connects directly.
    """

    def __init__(self, url: httpx.URL, verify: Verify, proxy: httpx.Proxy | None) -> None:
        """Find the proxy and the TLS context for a URL; without `proxy`, ask the environment."""
        self.proxy = find_proxy(url) if proxy is None else proxy
        self.origin = httpcore.URL(str(url)).origin
        is_secure = url.scheme == "https"
        self.context = wrap_context(make_tls_context(verify)) if is_secure else None

    def proxy_arguments(self, proxy: httpx.Proxy) -> dict[str, Any]:
        """Return what httpcore's class for a proxy takes."""
        arguments: dict[str, Any] = {
            "proxy_url": str(proxy.url),
            "proxy_auth": proxy.raw_auth,
            "ssl_context": self.context,
        }
        if is_socks(proxy):
            return arguments
        context = None if proxy.ssl_context is None else wrap_context(proxy.ssl_context)
        return {**arguments, "proxy_headers": proxy.headers.raw, "proxy_ssl_context": context}


def find_proxy(url: httpx.URL) -> httpx.Proxy | None:
    """Return the proxy that the environment names for a URL, as `NO_PROXY` allows."""
    proxies = urllib.request.getproxies()
    found = proxies.get(url.scheme) or proxies.get("all")
    if not found or urllib.request.proxy_bypass(url.netloc.decode("ascii")):
        return None
    return httpx.Proxy(found if "://" in found else f"http://{found}")


def is_socks(proxy: httpx.Proxy) -> bool:
    """Return whether a proxy speaks SOCKS; httpx needs the package socksio for that."""
    return proxy.url.scheme not in {"http", "https"}


class ConnectionBase(Generic[C]):
    """
    What sync and async connections have in common.

    Attributes:
        idle_since: When its last reply ended, in seconds of the monotonic clock.
    """

    idle_since = 0.0

    def __init__(self, connection: C) -> None:
        """Take httpcore's connection, which has all that a transport of httpx uses of its pool."""
        self._pool: Any = connection
        self._connection: C = connection

    @property
    def is_idle(self) -> bool:
        """Whether it is open, has no request, and nothing came after the last reply."""
        is_available = self._connection.is_available() and not has_trailing_data(self._connection)
        # What was written in part is waited for by the server, and is not to be used again.
        return is_available and not self.has_been_closed

    @property
    def has_been_closed(self) -> bool:
        """Whether the server has closed the idle connection, or sent data on it."""
        return self._connection.has_expired()


class Connection(ConnectionBase[httpcore.ConnectionInterface], httpx.HTTPTransport):
    """One sync connection, which keeps to the deadline of the current attempt."""

    def __init__(self, route: Route) -> None:
        """Prepare the connection; its first request opens it."""
        backend = Backend()
        if route.proxy is None:
            connection = httpcore.HTTPConnection(
                route.origin, route.context, network_backend=backend
            )
            super().__init__(connection)
        else:
            make_proxy = httpcore.SOCKSProxy if is_socks(route.proxy) else httpcore.HTTPProxy
            proxy = make_proxy(**route.proxy_arguments(route.proxy), network_backend=backend)
            super().__init__(proxy.create_connection(route.origin))


class AsyncConnection(ConnectionBase[httpcore.AsyncConnectionInterface], httpx.AsyncHTTPTransport):
    """One async connection, which records what the current attempt sends and reads."""

    def __init__(self, route: Route) -> None:
        """Prepare the connection; its first request opens it."""
        backend = AsyncBackend()
        if route.proxy is None:
            connection = httpcore.AsyncHTTPConnection(
                route.origin, route.context, network_backend=backend
            )
            super().__init__(connection)
        else:
            make_proxy = (
                httpcore.AsyncSOCKSProxy if is_socks(route.proxy) else httpcore.AsyncHTTPProxy
            )
            proxy = make_proxy(**route.proxy_arguments(route.proxy), network_backend=backend)
            super().__init__(proxy.create_connection(route.origin))


def has_trailing_data(connection: object) -> bool:
    """
    Return whether data came after the last reply, with it in one read.

    It would be taken for the next reply (RFC 9112, section 6.3). Only h11 knows, and httpcore keeps
    it to itself: where it cannot be asked, no connection is used twice.
    """
    while (inner := getattr(connection, "_connection", None)) is not None:
        connection = inner
    protocol = getattr(connection, "_h11_state", None)
    return protocol is None or bool(protocol.trailing_data[0])
