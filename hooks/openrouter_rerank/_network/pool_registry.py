"""
The pools of one client, by origin and by event loop.

They are made when a request needs them: what is never used costs nothing, and connections are used
only in the event loop and the process that opened them.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress
from functools import cache, cached_property
from typing import TYPE_CHECKING

import httpx

from .auth import Origin, read_origin
from .connection import Route, Verify
from .pool import AsyncPool, Pool

if TYPE_CHECKING:
    from anyio.lowlevel import RunVar

LARGE_BLOCK_BYTES = 16 * 1024 * 1024


class LoopPools:
    """
    The async pools of one event loop, which end with it at the latest.

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


class PoolRegistry:
    """
    The pools of one client: a sync one for each origin, an async one for each loop besides.

    They are made when a request needs them: what is never used costs nothing, and connections are
    used only in the event loop and the process that opened them. An event loop's are closed with
    it; a forked process closes what it inherited, which leaves the other's connections open.
    """

    _names = itertools.count()

    def __init__(self, *, verify: Verify = True, proxy: httpx.Proxy | None = None) -> None:
        """
        Make none yet.

        Args:
            verify: The TLS context; True for the usual certificates and those that `SSL_CERT_FILE`
                and `SSL_CERT_DIR` name, False to check none.
            proxy: What to connect through; None is what the environment names.
        """
        keep_freed_memory()
        self._verify = verify
        self._proxy = proxy
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._sync: dict[Origin, Pool] = {}
        self._name = f"{__name__}:{next(self._names)}"

    def sync_pool(self, url: httpx.URL) -> Pool:
        """Return the sync pool for the URL's origin."""
        self._reset_after_fork()
        with self._lock:
            origin = read_origin(url)
            if origin not in self._sync:
                self._sync[origin] = Pool(Route(url, self._verify, self._proxy))
            return self._sync[origin]

    def async_pool(self, url: httpx.URL) -> AsyncPool:
        """Return the running event loop's pool for the URL's origin."""
        loop = self._async.get(None)
        if loop is None:
            loop = LoopPools()
            self._async.set(loop)
        origin = read_origin(url)
        if origin not in loop.pools:
            loop.pools[origin] = AsyncPool(Route(url, self._verify, self._proxy))
        return loop.pools[origin]

    @cached_property
    def _async(self) -> RunVar[LoopPools | None]:
        """Holds the pools of each event loop."""
        # Imported here: sync calls do without.
        from anyio.lowlevel import RunVar

        # anyio keeps these variables by name: if two threads make one at once, they are the same.
        return RunVar(self._name)

    def close(self) -> None:
        """Close the sync connections."""
        self._reset_after_fork()
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

    def _reset_after_fork(self) -> None:
        """Start anew in a forked process, where a lock may be held by a thread that is not here."""
        if self._process == os.getpid():
            return
        inherited, self._sync = self._sync, {}
        self._lock = threading.Lock()
        self._process = os.getpid()
        for pool in inherited.values():
            pool.close_inherited()


@cache
def keep_freed_memory() -> None:
    """
    Have glibc keep the memory of one reply for the next, where it is the C library.

    It gives the top of its heap back to the system when more is free there than twice the largest
    block that it ever mapped (mallopt(3), M_MMAP_THRESHOLD). A reply of some hundred kB is more at
    first: its pages then come and go with every call, each at the price of a fault, which took up
    to a quarter of a call's time. One larger block, never touched, settles it.
    """
    bytes(LARGE_BLOCK_BYTES)
