"""
A single connection as an httpx transport, so that tools that patch transports see all calls.

httpx has no argument for the network layer. So we set the only attribute of its transports here,
and skip their `__init__`. With our own copy of `handle_request`, tools that patch httpx's method
would miss our calls.
"""

import functools
import os
import ssl
import urllib.request
from contextlib import nullcontext
from typing import Any, cast

import httpcore
import httpx

from .http11 import AsyncHttp11, Endpoint, Http11
from .streams import AsyncBackend, Backend

KEEPALIVE_SECONDS = 5.0
SINGLE_CONNECTION = httpx.Limits(
    max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEPALIVE_SECONDS
)
TLS_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")

Verify = ssl.SSLContext | bool


def make_tls_context(verify: Verify) -> ssl.SSLContext:
    """Return the context for `verify`; it is cached, since reading the certificates takes 20 ms."""
    if isinstance(verify, ssl.SSLContext):
        return verify
    return _make_tls_context(verify, tuple(os.environ.get(name) for name in TLS_VARIABLES))


@functools.cache
def _make_tls_context(verify: bool, environment: tuple[str | None, ...]) -> ssl.SSLContext:  # noqa: ARG001 - the environment is part of the cache key
    return httpx.create_ssl_context(verify=verify)


class Route:
    """
    How to reach an origin.

    Attributes:
        origin: Scheme, host and port.
        context: The TLS context; None without TLS, since even a bare one takes 3 ms to make.
        proxy: The proxy to connect through; None connects directly.
    """

    def __init__(self, url: httpx.URL, verify: Verify, proxy: httpx.Proxy | None) -> None:
        """Find the proxy and the TLS context for a URL; without `proxy`, ask the environment."""
        self.proxy = find_proxy(url) if proxy is None else proxy
        self.origin = httpcore.URL(str(url)).origin
        is_secure = url.scheme == "https" or (
            self.proxy is not None and self.proxy.url.scheme == "https"
        )
        self.context = make_tls_context(verify) if is_secure else None


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


class DirectConnection(httpcore.HTTPConnection):
    """A connection without a proxy: httpcore's class, which tools patch, with our HTTP/1.1."""

    def __init__(self, route: Route) -> None:
        """Prepare the connection; its first request opens it."""
        super().__init__(route.origin)
        # Without this, httpcore opens a socket and puts its own HTTP/1.1 on it.
        self._connection = Http11(Endpoint(route.origin, route.context), Backend())


class AsyncDirectConnection(httpcore.AsyncHTTPConnection):
    """Async `DirectConnection`."""

    def __init__(self, route: Route) -> None:
        """Prepare the connection; its first request opens it."""
        super().__init__(route.origin)
        # A lock costs a turn of the event loop; a pool never lends a connection twice at once.
        self._request_lock = cast("Any", nullcontext())
        self._connection = AsyncHttp11(Endpoint(route.origin, route.context), AsyncBackend())


class Connection(httpx.HTTPTransport):
    """
    One sync connection, which keeps to the deadline of the current attempt.

    Through a SOCKS proxy, the deadline is checked only between reads.

    Attributes:
        idle_since: When its last reply ended, in seconds of the monotonic clock.
    """

    idle_since = 0.0

    def __init__(self, route: Route) -> None:
        """Prepare the connection; its first request opens it."""
        self._direct: DirectConnection | None = None
        proxy = route.proxy
        if proxy is None:
            self._direct = DirectConnection(route)
            # A single connection has all that a transport uses of its pool.
            self._pool = cast("httpcore.ConnectionPool", self._direct)
        elif is_socks(proxy):
            super().__init__(verify=route.context or False, proxy=proxy, limits=SINGLE_CONNECTION)
        else:
            self._pool = httpcore.HTTPProxy(
                proxy_url=str(proxy.url),
                proxy_auth=proxy.raw_auth,
                proxy_headers=proxy.headers.raw,
                ssl_context=route.context,
                proxy_ssl_context=proxy.ssl_context,
                max_connections=1,
                keepalive_expiry=KEEPALIVE_SECONDS,
                network_backend=Backend(),
            )

    @property
    def is_idle(self) -> bool:
        """Whether it is open and has no request."""
        if self._direct is not None:
            return self._direct.is_idle()
        return any(connection.is_idle() for connection in self._pool.connections)

    @property
    def is_reusable(self) -> bool:
        """Whether it is open, has no request, and was not closed by the server."""
        if self._direct is not None:
            return self._direct.is_idle() and not self._direct.has_expired()
        return any(
            connection.is_idle() and not connection.has_expired()
            for connection in self._pool.connections
        )


class AsyncConnection(httpx.AsyncHTTPTransport):
    """
    One async connection, which records what the current attempt sends and reads.

    Attributes:
        idle_since: When its last reply ended, in seconds of the monotonic clock.
    """

    idle_since = 0.0

    def __init__(self, route: Route) -> None:
        """Prepare the connection; its first request opens it."""
        self._direct: AsyncDirectConnection | None = None
        proxy = route.proxy
        if proxy is None:
            self._direct = AsyncDirectConnection(route)
            self._pool = cast("httpcore.AsyncConnectionPool", self._direct)
        elif is_socks(proxy):
            super().__init__(verify=route.context or False, proxy=proxy, limits=SINGLE_CONNECTION)
        else:
            self._pool = httpcore.AsyncHTTPProxy(
                proxy_url=str(proxy.url),
                proxy_auth=proxy.raw_auth,
                proxy_headers=proxy.headers.raw,
                ssl_context=route.context,
                proxy_ssl_context=proxy.ssl_context,
                max_connections=1,
                keepalive_expiry=KEEPALIVE_SECONDS,
                network_backend=AsyncBackend(),
            )

    @property
    def is_idle(self) -> bool:
        """Whether it is open and has no request."""
        if self._direct is not None:
            return self._direct.is_idle()
        return any(connection.is_idle() for connection in self._pool.connections)

    @property
    def is_reusable(self) -> bool:
        """Whether it is open, has no request, and was not closed by the server."""
        if self._direct is not None:
            return self._direct.is_idle() and not self._direct.has_expired()
        return any(
            connection.is_idle() and not connection.has_expired()
            for connection in self._pool.connections
        )
