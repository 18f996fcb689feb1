"""Connection pools of our own making: TLS, proxies from the environment, and the network layer.

They are httpx's transports, so that tools which watch or mock those see every call.
"""

import functools
import itertools
import os
import ssl
import threading
import urllib.request

import httpcore
import httpx
from anyio.lowlevel import RunVar

from ._auth import Origin, read_origin
from ._network import AsyncBackend, Backend

LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=5.0)
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


class SyncPool(httpx.HTTPTransport):
    """An `httpx.HTTPTransport` whose connections obey the deadline of the current attempt."""

    def __init__(self, context: ssl.SSLContext, proxy: httpx.Proxy | None) -> None:
        """Make an empty pool.

        Args:
            context: For https.
            proxy: What to connect through. Through a SOCKS proxy the deadline holds between reads.
        """
        if is_socks(proxy):
            super().__init__(verify=context, proxy=proxy, limits=LIMITS)
        # httpx has no argument for the network layer. Its only attribute is set here instead of in
        # its __init__; a copy of its handle_request would go past the tools that patch that one.
        elif proxy is None:
            self._pool = httpcore.ConnectionPool(
                ssl_context=context,
                max_connections=LIMITS.max_connections,
                max_keepalive_connections=LIMITS.max_keepalive_connections,
                keepalive_expiry=LIMITS.keepalive_expiry,
                network_backend=Backend(),
            )
        else:
            self._pool = httpcore.HTTPProxy(
                proxy_url=str(proxy.url),
                proxy_auth=proxy.raw_auth,
                proxy_headers=proxy.headers.raw,
                ssl_context=context,
                proxy_ssl_context=proxy.ssl_context,
                max_connections=LIMITS.max_connections,
                max_keepalive_connections=LIMITS.max_keepalive_connections,
                keepalive_expiry=LIMITS.keepalive_expiry,
                network_backend=Backend(),
            )


class AsyncPool(httpx.AsyncHTTPTransport):
    """An `httpx.AsyncHTTPTransport` whose connections note what the current attempt does."""

    def __init__(self, context: ssl.SSLContext, proxy: httpx.Proxy | None) -> None:
        """Make an empty pool; see `SyncPool`."""
        if is_socks(proxy):
            super().__init__(verify=context, proxy=proxy, limits=LIMITS)
        elif proxy is None:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=context,
                max_connections=LIMITS.max_connections,
                max_keepalive_connections=LIMITS.max_keepalive_connections,
                keepalive_expiry=LIMITS.keepalive_expiry,
                network_backend=AsyncBackend(),
            )
        else:
            self._pool = httpcore.AsyncHTTPProxy(
                proxy_url=str(proxy.url),
                proxy_auth=proxy.raw_auth,
                proxy_headers=proxy.headers.raw,
                ssl_context=context,
                proxy_ssl_context=proxy.ssl_context,
                max_connections=LIMITS.max_connections,
                max_keepalive_connections=LIMITS.max_keepalive_connections,
                keepalive_expiry=LIMITS.keepalive_expiry,
                network_backend=AsyncBackend(),
            )


def is_socks(proxy: httpx.Proxy | None) -> bool:
    """Tell whether a proxy speaks SOCKS, for which httpx needs the package socksio."""
    return proxy is not None and proxy.url.scheme not in {"http", "https"}


def find_proxy(url: httpx.URL) -> httpx.Proxy | None:
    """Return the proxy that the environment names for a URL, as `NO_PROXY` allows."""
    proxies = urllib.request.getproxies()
    found = proxies.get(url.scheme) or proxies.get("all")
    if not found or urllib.request.proxy_bypass(url.netloc.decode("ascii")):
        return None
    return httpx.Proxy(found if "://" in found else f"http://{found}")


def _no_pools() -> dict[Origin, AsyncPool]:
    return {}


class Pools:
    """The pools of one client: a sync one for each origin, an async one for each loop besides.

    They are made when a request needs them: what is never used costs nothing, and connections are
    used only in the event loop and the process that opened them.
    """

    _names = itertools.count()

    def __init__(self, *, verify: Verify = True, proxy: httpx.Proxy | None = None) -> None:
        """Make none yet.

        Args:
            verify: The TLS context; True for the usual certificates and those that `SSL_CERT_FILE`
                and `SSL_CERT_DIR` name, False to check none.
            proxy: What to connect through; None is what the environment names.
        """
        self._verify = verify
        self._proxy = proxy
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._sync: dict[Origin, SyncPool] = {}
        # A name of its own, since anyio keeps these variables by name.
        self._async: RunVar[dict[Origin, AsyncPool]] = RunVar(f"{__name__}:{next(self._names)}")

    def sync_pool(self, url: httpx.URL) -> SyncPool:
        """Return the sync pool for the URL's origin."""
        with self._lock:
            if self._process != os.getpid():
                self._process, self._sync = os.getpid(), {}
            origin = read_origin(url)
            if origin not in self._sync:
                self._sync[origin] = SyncPool(*self._read_settings(url))
            return self._sync[origin]

    def async_pool(self, url: httpx.URL) -> AsyncPool:
        """Return the running event loop's pool for the URL's origin."""
        pools = self._async.get(_no_pools())
        origin = read_origin(url)
        if origin not in pools:
            pools[origin] = AsyncPool(*self._read_settings(url))
            self._async.set(pools)
        return pools[origin]

    def close(self) -> None:
        """Close the sync connections."""
        with self._lock:
            pools, self._sync = list(self._sync.values()), {}
        for pool in pools:
            pool.close()

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        pools = self._async.get(_no_pools())
        self._async.set({})
        for pool in pools.values():
            await pool.aclose()

    def _read_settings(self, url: httpx.URL) -> tuple[ssl.SSLContext, httpx.Proxy | None]:
        proxy = find_proxy(url) if self._proxy is None else self._proxy
        secure = url.scheme == "https" or (proxy is not None and proxy.url.scheme == "https")
        return make_tls_context(self._verify if secure else False), proxy
