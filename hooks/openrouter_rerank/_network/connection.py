"""
A single connection as an httpx transport, so that tools which watch or mock those see all calls.

httpx has no argument for the network layer. Its transports' only attribute is set here instead of
in their `__init__`; a copy of their `handle_request` would go past the tools that patch that one.
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
ONE = httpx.Limits(
    max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEPALIVE_SECONDS
)
TLS_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")

Verify = ssl.SSLContext | bool


def make_tls_context(verify: Verify) -> ssl.SSLContext:
    """Return the context for `verify`; reading the certificates takes 20 ms, so it is kept."""
    if isinstance(verify, ssl.SSLContext):
        return verify
    return _make_tls_context(verify, tuple(os.environ.get(name) for name in TLS_VARIABLES))


@functools.cache
def _make_tls_context(verify: bool, environment: tuple[str | None, ...]) -> ssl.SSLContext:  # noqa: ARG001 - the environment is part of the key
    return httpx.create_ssl_context(verify=verify)


class Route:
    """
    How to reach an origin.

    Attributes:
        origin: Scheme, host and port.
        context: For TLS; None where none is spoken, since even a bare one takes 3 ms to make.
        proxy: What to connect through; None for nothing.
    """

    def __init__(self, url: httpx.URL, verify: Verify, proxy: httpx.Proxy | None) -> None:
        """Read what the environment says of a URL."""
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
    """Tell whether a proxy speaks SOCKS, for which httpx needs the package socksio."""
    return proxy.url.scheme not in {"http", "https"}


class Direct(httpcore.HTTPConnection):
    """A connection without a proxy, for tools that patch httpcore's class, with our HTTP/1.1."""

    def __init__(self, route: Route) -> None:
        """Prepare a connection, to be opened by its first request."""
        super().__init__(route.origin)
        # httpcore makes its own when there is none, after opening a connection for it.
        self._connection = Http11(Endpoint(route.origin, route.context), Backend())


class AsyncDirect(httpcore.AsyncHTTPConnection):
    """The same for async."""

    def __init__(self, route: Route) -> None:
        """Prepare a connection, to be opened by its first request."""
        super().__init__(route.origin)
        # A lock costs a turn of the event loop; a pool never lends a connection twice.
        self._request_lock = cast("Any", nullcontext())
        self._connection = AsyncHttp11(Endpoint(route.origin, route.context), AsyncBackend())


class Connection(httpx.HTTPTransport):
    """
    One sync connection, which obeys the deadline of the current attempt.

    Through a SOCKS proxy the deadline holds between reads.

    Attributes:
        idle_since: When its last reply ended, by the monotonic clock.
    """

    idle_since = 0.0

    def __init__(self, route: Route) -> None:
        """Prepare a connection, to be opened by its first request."""
        self._direct: Direct | None = None
        proxy = route.proxy
        if proxy is None:
            self._direct = Direct(route)
            # A transport asks no more of its pool than a single connection can do.
            self._pool = cast("httpcore.ConnectionPool", self._direct)
        elif is_socks(proxy):
            super().__init__(verify=route.context or False, proxy=proxy, limits=ONE)
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
        """Whether it is open and at rest."""
        if self._direct is not None:
            return self._direct.is_idle()
        return any(one.is_idle() for one in self._pool.connections)

    @property
    def is_reusable(self) -> bool:
        """Whether it is open, at rest, and not closed by the server."""
        if self._direct is not None:
            return self._direct.is_idle() and not self._direct.has_expired()
        return any(one.is_idle() and not one.has_expired() for one in self._pool.connections)


class AsyncConnection(httpx.AsyncHTTPTransport):
    """
    One async connection, which notes what the current attempt does.

    Attributes:
        idle_since: When its last reply ended, by the monotonic clock.
    """

    idle_since = 0.0

    def __init__(self, route: Route) -> None:
        """Prepare a connection, to be opened by its first request."""
        self._direct: AsyncDirect | None = None
        proxy = route.proxy
        if proxy is None:
            self._direct = AsyncDirect(route)
            self._pool = cast("httpcore.AsyncConnectionPool", self._direct)
        elif is_socks(proxy):
            super().__init__(verify=route.context or False, proxy=proxy, limits=ONE)
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
        """Whether it is open and at rest."""
        if self._direct is not None:
            return self._direct.is_idle()
        return any(one.is_idle() for one in self._pool.connections)

    @property
    def is_reusable(self) -> bool:
        """Whether it is open, at rest, and not closed by the server."""
        if self._direct is not None:
            return self._direct.is_idle() and not self._direct.has_expired()
        return any(one.is_idle() and not one.has_expired() for one in self._pool.connections)
