"""Connection pools of our own making: TLS, proxies from the environment, and the network layer.

They are httpx's transports, so that tools which watch or mock those see every call.
"""

import functools
import itertools
import os
import ssl
import threading
import urllib.request
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import suppress
from typing import Protocol, TypeVar

import httpcore
import httpx
from anyio.lowlevel import RunVar

from ._auth import Origin, read_origin
from ._network import AsyncBackend, Backend

LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=5.0)
TLS_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")

Verify = ssl.SSLContext | bool
Connection = TypeVar("Connection", httpcore.ConnectionInterface, httpcore.AsyncConnectionInterface)


class PoolRequest(Protocol[Connection]):
    """A request in a pool, with its connection once it has one."""

    connection: Connection | None


def make_tls_context(verify: Verify) -> ssl.SSLContext:
    """Return the context for `verify`; reading the certificates takes 20 ms, so it is kept."""
    if isinstance(verify, ssl.SSLContext):
        return verify
    return _make_tls_context(verify, tuple(os.environ.get(name) for name in TLS_VARIABLES))


@functools.cache
def _make_tls_context(verify: bool, environment: tuple[str | None, ...]) -> ssl.SSLContext:  # noqa: ARG001 - the environment is part of the key
    return httpx.create_ssl_context(verify=verify)


# httpcore makes a connection for a request that waits. If that request is cancelled or times out
# before it has begun, the connection belongs to nobody and keeps its place in the pool for ever.
# There is no public place to find them; httpcore calls the method that the pools below replace
# whenever a request comes or goes.
def find_orphans(
    connections: Sequence[Connection], requests: Iterable[PoolRequest[Connection]]
) -> list[Connection]:
    """Return the connections that are neither at rest nor in the hands of a request."""
    held = {id(request.connection) for request in requests}
    return [
        connection
        for connection in connections
        if id(connection) not in held and not (connection.is_idle() or connection.is_closed())
    ]


class _TidyPool(httpcore.ConnectionPool):
    def _assign_requests_to_connections(self) -> list[httpcore.ConnectionInterface]:
        orphans = find_orphans(self._connections, self._requests)
        for orphan in orphans:
            self._connections.remove(orphan)
        return [*orphans, *super()._assign_requests_to_connections()]


class _TidyProxyPool(_TidyPool, httpcore.HTTPProxy):
    pass


class _TidyAsyncPool(httpcore.AsyncConnectionPool):
    def _assign_requests_to_connections(self) -> list[httpcore.AsyncConnectionInterface]:
        orphans = find_orphans(self._connections, self._requests)
        for orphan in orphans:
            self._connections.remove(orphan)
        return [*orphans, *super()._assign_requests_to_connections()]


class _TidyAsyncProxyPool(_TidyAsyncPool, httpcore.AsyncHTTPProxy):
    pass


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
            self._pool = _TidyPool(
                ssl_context=context,
                max_connections=LIMITS.max_connections,
                max_keepalive_connections=LIMITS.max_keepalive_connections,
                keepalive_expiry=LIMITS.keepalive_expiry,
                network_backend=Backend(),
            )
        else:
            self._pool = _TidyProxyPool(
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

    def disinherit(self) -> None:
        """Close this process's copies of another's connections, without the pool's lock."""
        for connection in self._pool.connections:
            connection.close()


class AsyncPool(httpx.AsyncHTTPTransport):
    """An `httpx.AsyncHTTPTransport` whose connections note what the current attempt does."""

    def __init__(self, context: ssl.SSLContext, proxy: httpx.Proxy | None) -> None:
        """Make an empty pool; see `SyncPool`."""
        if is_socks(proxy):
            super().__init__(verify=context, proxy=proxy, limits=LIMITS)
        elif proxy is None:
            self._pool = _TidyAsyncPool(
                ssl_context=context,
                max_connections=LIMITS.max_connections,
                max_keepalive_connections=LIMITS.max_keepalive_connections,
                keepalive_expiry=LIMITS.keepalive_expiry,
                network_backend=AsyncBackend(),
            )
        else:
            self._pool = _TidyAsyncProxyPool(
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


class LoopPools:
    """The async pools of one event loop, which end with it at the latest.

    An event loop closes the async generators that are under way when it ends (`asyncio.run` and
    `trio.run` do): one that waits for that is the only word a library gets of it.
    """

    def __init__(self) -> None:
        """Begin to wait for the end of the running event loop."""
        self.pools: dict[Origin, AsyncPool] = {}
        self._end: AsyncGenerator[None] | None = self._wait()
        # It comes to its yield without awaiting anything.
        with suppress(StopIteration):
            self._end.__anext__().__await__().__next__()

    async def aclose(self) -> None:
        """Close the connections; not again when the event loop ends."""
        if self._end is not None:
            await self._end.aclose()

    async def _wait(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            # The generator holds the event loop, and is held by what the event loop is a key to.
            self._end = None
            pools, self.pools = self.pools, {}
            for pool in pools.values():
                await pool.aclose()


class Pools:
    """The pools of one client: a sync one for each origin, an async one for each loop besides.

    They are made when a request needs them: what is never used costs nothing, and connections are
    used only in the event loop and the process that opened them. An event loop's are closed with
    it; a forked process closes what it inherited, which leaves the other's connections open.
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
        self._async: RunVar[LoopPools | None] = RunVar(f"{__name__}:{next(self._names)}")

    def sync_pool(self, url: httpx.URL) -> SyncPool:
        """Return the sync pool for the URL's origin."""
        self._leave_parent()
        with self._lock:
            origin = read_origin(url)
            if origin not in self._sync:
                self._sync[origin] = SyncPool(*self._read_settings(url))
            return self._sync[origin]

    def async_pool(self, url: httpx.URL) -> AsyncPool:
        """Return the running event loop's pool for the URL's origin."""
        loop = self._async.get(None)
        if loop is None:
            loop = LoopPools()
            self._async.set(loop)
        origin = read_origin(url)
        if origin not in loop.pools:
            loop.pools[origin] = AsyncPool(*self._read_settings(url))
        return loop.pools[origin]

    def close(self) -> None:
        """Close the sync connections."""
        self._leave_parent()
        with self._lock:
            pools, self._sync = list(self._sync.values()), {}
        for pool in pools:
            pool.close()

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        loop = self._async.get(None)
        if loop is not None:
            self._async.set(None)
            await loop.aclose()

    def _leave_parent(self) -> None:
        """Start anew in a forked process, where a lock may be held by a thread that is not here."""
        if self._process == os.getpid():
            return
        inherited, self._sync = self._sync, {}
        self._lock = threading.Lock()
        self._process = os.getpid()
        for pool in inherited.values():
            pool.disinherit()

    def _read_settings(self, url: httpx.URL) -> tuple[ssl.SSLContext, httpx.Proxy | None]:
        proxy = find_proxy(url) if self._proxy is None else self._proxy
        secure = url.scheme == "https" or (proxy is not None and proxy.url.scheme == "https")
        return make_tls_context(self._verify if secure else False), proxy
