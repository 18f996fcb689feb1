"""The pools of one client, by origin and by event loop."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

import httpx

from .auth import Origin, read_origin
from .connection import Route, Verify
from .pool import AsyncPool, Pool

if TYPE_CHECKING:
    from anyio.lowlevel import RunVar


class LoopPools:
    """
    The async pools of one event loop, which are closed with it at the latest.

    When an event loop ends, it closes the async generators that have started (`asyncio.run` and
    `trio.run` do). A library can learn of the end in no other way, so this keeps a generator open.
    """

    def __init__(self) -> None:
        """Start to wait for the end of the running event loop."""
        self.pools: dict[Origin, AsyncPool] = {}
        self._shutdown_watcher: AsyncGenerator[None] | None = self._close_at_shutdown()
        # One step takes the generator to its yield, since it awaits nothing before.
        with suppress(StopIteration):
            self._shutdown_watcher.__anext__().__await__().__next__()

    async def aclose(self) -> None:
        """Close the connections now; the end of the event loop then closes nothing."""
        if self._shutdown_watcher is not None:
            await self._shutdown_watcher.aclose()

    async def _close_at_shutdown(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            # The loop is a weak key to this object, and the generator keeps the loop alive: let go.
            self._shutdown_watcher = None
            pools, self.pools = self.pools, {}
            for pool in pools.values():
                await pool.aclose()


class PoolRegistry:
    """
    The pools of one client: a sync pool for each origin, an async pool for each origin and loop.

    A pool is made when a request first needs it. Connections are used only in the event loop and
    the process that opened them. Async pools are closed with their event loop. A forked process
    closes its copies of the connections, which leaves those of its parent open.
    """

    _numbers = itertools.count()

    def __init__(self, *, verify: Verify = True, proxy: httpx.Proxy | None = None) -> None:
        """
        Start without pools.

        Args:
            verify: The TLS context; True for the default certificates and those that
                `SSL_CERT_FILE` and `SSL_CERT_DIR` name, False to check none.
            proxy: The proxy to connect through; None for the one that the environment names.
        """
        self._verify = verify
        self._proxy = proxy
        self._lock = threading.Lock()
        self._process_id = os.getpid()
        self._sync_pools: dict[Origin, Pool] = {}
        self._variable_name = f"{__name__}:{next(self._numbers)}"

    def sync_pool(self, url: httpx.URL) -> Pool:
        """Return the sync pool for the URL's origin."""
        self._reset_after_fork()
        with self._lock:
            origin = read_origin(url)
            if origin not in self._sync_pools:
                self._sync_pools[origin] = Pool(Route(url, self._verify, self._proxy))
            return self._sync_pools[origin]

    def async_pool(self, url: httpx.URL) -> AsyncPool:
        """Return the running event loop's pool for the URL's origin."""
        loop = self._loop_pools.get(None)
        if loop is None:
            loop = LoopPools()
            self._loop_pools.set(loop)
        origin = read_origin(url)
        if origin not in loop.pools:
            loop.pools[origin] = AsyncPool(Route(url, self._verify, self._proxy))
        return loop.pools[origin]

    @cached_property
    def _loop_pools(self) -> RunVar[LoopPools | None]:
        """The pools of each event loop."""
        # Imported here, since sync calls do not need it.
        from anyio.lowlevel import RunVar

        # anyio keeps these variables by name, so two threads that make it at once get the same one.
        return RunVar(self._variable_name)

    def close(self) -> None:
        """Close the sync connections."""
        self._reset_after_fork()
        with self._lock:
            pools, self._sync_pools = list(self._sync_pools.values()), {}
        for pool in pools:
            pool.close()

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        loop = self._loop_pools.get(None)
        if loop is not None:
            self._loop_pools.set(None)
            await loop.aclose()

    def _reset_after_fork(self) -> None:
        """Start again in a forked process, where no thread may be left to release the lock."""
        if self._process_id == os.getpid():
            return
        inherited, self._sync_pools = self._sync_pools, {}
        self._lock = threading.Lock()
        self._process_id = os.getpid()
        for pool in inherited.values():
            pool.close_inherited()
