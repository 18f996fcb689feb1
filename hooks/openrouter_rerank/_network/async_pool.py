"""A pool of async connections to one origin: `pool` for the tasks of one event loop."""

from __future__ import annotations

import math
import time
import weakref
from collections.abc import AsyncIterator, Iterable
from functools import partial
from typing import TYPE_CHECKING, cast

import anyio
import httpx

from .async_connection import AsyncConnection
from .connection import Route
from .deadline import current_attempt, record_proxy
from .httpx2_types import Limits
from .pool import (
    DEFAULT_LIMITS,
    call_weakly,
    has_expired,
    idle_seconds_left,
    may_use,
    read_keepalive,
    read_limits,
)
from .pool_state import PoolState, Slot, Waiter

if TYPE_CHECKING:
    from .event_loop import EventLoop

CLOSE_SECONDS = 1.0


class AsyncPool:
    """The async connections to one origin, for the tasks of one event loop."""

    def __init__(self, route: Route, loop: EventLoop, limits: Limits = DEFAULT_LIMITS) -> None:
        """Async `Pool`, in this event loop."""
        self._route = route
        self._loop = loop
        self._state: PoolState[AsyncConnection] = PoolState(*read_limits(limits))
        self._keepalive = read_keepalive(limits)
        self._has_timer = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Async `Pool.handle_request`."""
        record_proxy(self._route.proxy_name)
        slot, connection = await self._acquire(request.extensions.get("timeout", {}).get("pool"))
        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            await self.release(slot)
            raise
        stream = cast("httpx.AsyncByteStream", response.stream)
        response.stream = AsyncLeasedStream(stream, self, slot)
        return response

    async def _acquire(
        self, seconds: float | None
    ) -> tuple[Slot[AsyncConnection], AsyncConnection]:
        slot = self._state.acquire()
        if slot is None:
            slot = await self._wait(seconds)
        connection = slot.connection
        if connection is not None and may_use(connection, self._keepalive):
            return slot, connection
        try:
            if connection is not None:
                await self._close(connection)
            slot.connection = connection = AsyncConnection(self._route)
        except BaseException:
            await self._release_slot(slot, None)
            raise
        return slot, connection

    async def _wait(self, seconds: float | None) -> Slot[AsyncConnection]:
        event = anyio.Event()
        waiter: Waiter[AsyncConnection] = Waiter(event)
        self._state.enqueue(waiter)
        try:
            if needs_no_timeout(seconds):
                await event.wait()
            else:
                with anyio.move_on_after(seconds):
                    await event.wait()
        except BaseException:
            slot = self._state.dequeue(waiter)
            if slot is not None:
                await self._release_slot(slot, slot.connection)
            raise
        if waiter.slot is None:
            self._state.dequeue(waiter)
            raise httpx.PoolTimeout(f"no connection became free within {seconds} s")
        return waiter.slot

    async def release(self, slot: Slot[AsyncConnection]) -> None:
        """Keep a connection for the next request, or close it."""
        connection = slot.connection
        if connection is None or connection.is_idle:
            await self._release_slot(slot, connection)
        else:
            await self._release_slot(slot, None, connection)

    async def _release_slot(
        self,
        slot: Slot[AsyncConnection],
        connection: AsyncConnection | None,
        *closing: AsyncConnection,
    ) -> None:
        to_close = list(closing)
        if connection is not None:
            connection.idle_since = time.monotonic()
        surplus = self._state.release(slot, connection)
        to_close += self._state.pop_expired(self._has_expired, connection)
        if surplus is not None:
            to_close.append(surplus)
        if not self._has_timer and connection is not None:
            self._start_timer(connection)
        for closed in to_close:
            await self._close(closed)

    def _has_expired(self, connection: AsyncConnection) -> bool:
        return has_expired(connection, self._keepalive)

    def _start_timer(self, oldest: AsyncConnection) -> None:
        if self._keepalive == math.inf:
            return
        on_timer = weakref.WeakMethod(self._on_timer)
        seconds = idle_seconds_left(oldest, self._keepalive)
        self._loop.call_later(seconds, lambda: call_weakly(on_timer))
        self._has_timer = True

    def _on_timer(self) -> None:
        self._has_timer = False
        expired = self._state.pop_expired(self._has_expired)
        if expired:
            self._loop.spawn(partial(self._close_all, expired))
        oldest = self._state.find_oldest()
        if oldest is not None:
            self._start_timer(oldest)

    async def _close_all(self, connections: Iterable[AsyncConnection]) -> None:
        for connection in connections:
            await self._close(connection)

    async def _close(self, connection: AsyncConnection) -> None:
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            await connection.aclose()

    async def aclose(self) -> None:
        """Close the idle connections; those in use are closed when they are returned."""
        await self._close_all(self._state.close())


def needs_no_timeout(seconds: float | None) -> bool:
    """Return whether a wait has no limit, or the call's deadline ends it first."""
    attempt = current_attempt.get()
    ends_at = None if attempt is None else attempt.ends_at
    return seconds is None or (ends_at is not None and time.monotonic() + seconds >= ends_at)


class AsyncLeasedStream(httpx.AsyncByteStream):
    """A reply's body; closing it returns the connection to the pool."""

    def __init__(
        self, stream: httpx.AsyncByteStream, pool: AsyncPool, slot: Slot[AsyncConnection]
    ) -> None:
        """Wrap the body."""
        self._stream = stream
        self._pool = pool
        self._slot: Slot[AsyncConnection] | None = slot

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Read the body as it is sent."""
        return aiter(self._stream)

    async def aclose(self) -> None:
        """End the reply; closing again does nothing."""
        slot, self._slot = self._slot, None
        if slot is not None:
            try:
                await self._stream.aclose()
            finally:
                await self._pool.release(slot)
