"""The pools of one client, by origin and by event loop."""

from __future__ import annotations

import os
import weakref
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx

from .auth import Origin, read_origin
from .connection import Route
from .httpx2_types import Limits, Proxy, is_httpx2
from .pool import DEFAULT_LIMITS, Pool
from .proxies import check_proxy, find_proxy, read_proxy
from .setup import Verify, check_certificates, check_libraries, check_verify

if TYPE_CHECKING:
    from .async_pool import AsyncPool
    from .event_loop import EventLoop


class LoopPools:
    """
    The async pools of one event loop, which are closed with it at the latest.

    When an event loop ends, it closes the async generators that have started (`asyncio.run` and
    `trio.run` do). A library can learn of the end in no other way, so this keeps a generator open.
    """

    def __init__(self, loop: EventLoop, forget: Callable[[], object]) -> None:
        """
        Start to wait for the end of the running event loop.

        Args:
            loop: The running event loop.
            forget: Called when the connections are closed.
        """
        self.loop = loop
        self.pools: dict[Origin, AsyncPool] = {}
        self._forget = forget
        self._is_closing = False
        self._shutdown_watcher = self._close_at_shutdown()
        # One step takes the generator to its yield, since it awaits nothing before.
        with suppress(StopIteration):
            self._shutdown_watcher.__anext__().__await__().__next__()

    async def aclose(self) -> None:
        """Close the connections now; the end of the event loop then closes nothing."""
        if not self._is_closing:
            self._is_closing = True
            await self._shutdown_watcher.aclose()

    def close_soon(self) -> None:
        """Have the event loop close the connections, from any thread, unless it has ended."""
        with suppress(RuntimeError):
            self.loop.call_soon(self._spawn_closing)

    def _spawn_closing(self) -> None:
        self.loop.spawn(self.aclose)

    async def _close_at_shutdown(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            self._is_closing = True
            self._forget()
            pools, self.pools = self.pools, {}
            for pool in pools.values():
                await pool.aclose()


class PoolRegistry:
    """
    The pools of one client: a sync pool for each origin, an async pool for each origin and loop.

    A pool is made when a request first needs it. Connections are used only in the event loop and
    the process that opened them. Async pools are closed with their event loop, and with the client,
    be it closed or merely dropped. A forked process closes its copies of the connections, which
    leaves those of its parent open.
    """

    def __init__(
        self,
        *,
        verify: Verify = True,
        proxy: str | Proxy | None = None,
        limits: Limits | None = None,
    ) -> None:
        """
        Start without pools.

        Args:
            verify: The TLS context; True for the default certificates and those that
                `SSL_CERT_FILE` and `SSL_CERT_DIR` name, False to check none.
            proxy: The proxy to connect through; None for the one that the environment names.
            limits: How many connections each pool may have, and how long they may be idle; None
                for the defaults.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: The proxy's URL cannot be used.
            RuntimeError: httpx2 stands for httpx only by half.
        """
        given: object = limits
        if not isinstance(given, httpx.Limits | None) and not is_httpx2(given, "Limits"):
            raise TypeError(f"limits: expected httpx.Limits, got {type(limits).__name__}")
        check_libraries()
        check_verify(verify)
        self.limits = limits or DEFAULT_LIMITS
        self._verify = verify
        self._proxy = None if proxy is None else read_proxy(proxy, "proxy")
        self._process_id = os.getpid()
        self._sync_pools: dict[Origin, Pool] = {}
        # By what tells an event loop from others.
        self._loops: dict[Any, LoopPools] = {}
        # When the interpreter exits, the event loops are gone already.
        weakref.finalize(self, close_loops_soon, self._loops).atexit = False

    def check(self, url: httpx.URL) -> None:
        """
        Check that there is what connections to a server need; open none.

        Raises:
            SetupError: A file or a package is missing, or a setting cannot be used.
        """
        proxy = find_proxy(url) if self._proxy is None else self._proxy
        if proxy is not None:
            check_proxy(proxy)
        if url.scheme == "https":
            check_certificates(self._verify)

    def sync_pool(self, url: httpx.URL) -> Pool:
        """Return the sync pool for the URL's origin."""
        self._reset_after_fork()
        origin = read_origin(url)
        pool = self._sync_pools.get(origin)
        if pool is None:
            # Without a lock, since a signal handler that closes the client would wait for it. Of
            # two threads that make a pool at once, both get the same.
            made = Pool(Route(url, self._verify, self._proxy), self.limits)
            pool = self._sync_pools.setdefault(origin, made)
        return pool

    def async_pool(self, url: httpx.URL) -> AsyncPool:
        """Return the running event loop's pool for the URL's origin."""
        # Imported here, since sync calls do not need them.
        from .async_pool import AsyncPool
        from .event_loop import find_event_loop

        self._reset_after_fork()
        loop = find_event_loop()
        loop_pools = self._loops.get(loop.handle)
        if loop_pools is None:
            self._forget_closed_loops()
            loops, handle = self._loops, loop.handle
            loop_pools = loops[handle] = LoopPools(loop, lambda: loops.pop(handle, None))
        origin = read_origin(url)
        if origin not in loop_pools.pools:
            route = Route(url, self._verify, self._proxy)
            loop_pools.pools[origin] = AsyncPool(route, loop, self.limits)
        return loop_pools.pools[origin]

    def close(self) -> None:
        """Close the sync connections, and have each event loop close its own."""
        self._reset_after_fork()
        while self._sync_pools:
            _, pool = self._sync_pools.popitem()
            pool.close()
        close_loops_soon(self._loops)

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        if not self._loops:
            # A process that may open no more files could not import what follows.
            return
        from .event_loop import find_event_loop

        loop_pools = self._loops.get(find_event_loop().handle)
        if loop_pools is not None:
            await loop_pools.aclose()

    def _forget_closed_loops(self) -> None:
        """Drop the connections of event loops that were closed without ending their generators."""
        for handle, loop_pools in list(self._loops.items()):
            if loop_pools.loop.is_closed:
                self._loops.pop(handle, None)

    def _reset_after_fork(self) -> None:
        """Start again in a forked process."""
        if self._process_id == os.getpid():
            return
        inherited, self._sync_pools = self._sync_pools, {}
        self._process_id = os.getpid()
        self._loops.clear()
        for pool in inherited.values():
            pool.close_inherited()


def close_loops_soon(loops: dict[Any, LoopPools]) -> None:
    """Have each event loop close its connections."""
    for loop_pools in list(loops.values()):
        loop_pools.close_soon()
