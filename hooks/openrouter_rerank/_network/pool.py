"""
A pool of connections to one origin, sync and async.

httpcore's pools do too much for that: the async one walks all its connections at every request, and
loses a connection when a request that waits for it is cancelled. These pools lend the connection
that was returned last, and serve waiting requests in the order in which they came.
"""

import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import cast

import anyio
import httpx

from .connection import AsyncConnection, Connection, Route
from .deadline import current_attempt
from .pool_state import PoolState, Waiter

CLOSE_SECONDS = 1.0
KEEPALIVE_SECONDS = 5.0


class Pool:
    """The sync connections to one origin, for any number of threads."""

    def __init__(self, route: Route, state: PoolState[Connection] | None = None) -> None:
        """
        Start without connections.

        Args:
            route: How to reach the origin.
            state: Holds the limits for connections; None for the defaults.
        """
        self._route = route
        self._lock = threading.Lock()
        self._state: PoolState[Connection] = state or PoolState()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """
        Send a request; it has a connection to itself until its reply is closed.

        Raises:
            httpx.PoolTimeout: No connection became free within the request's pool timeout.
            httpx.TransportError: The request could not be sent, or got no reply.
        """
        connection = self._acquire(request.extensions.get("timeout", {}).get("pool"))
        try:
            response = connection.handle_request(request)
        except BaseException:
            self.release(connection)
            raise
        stream = cast("httpx.SyncByteStream", response.stream)
        response.stream = LeasedStream(stream, self, connection)
        return response

    def _acquire(self, seconds: float | None) -> Connection:
        with self._lock:
            has_slot, connection = self._state.acquire()
            queued = None if has_slot else self._enqueue()
        if queued is not None:
            connection = self._wait(*queued, seconds)
        if connection is not None and not (has_expired(connection) or connection.has_been_closed):
            return connection
        try:
            if connection is not None:
                connection.close()
            return Connection(self._route)
        except BaseException:
            # Without a connection, the slot would stay taken for ever.
            self._release_slot(None)
            raise

    def _enqueue(self) -> tuple[Waiter[Connection], threading.Event]:
        event = threading.Event()
        waiter: Waiter[Connection] = Waiter(event)
        self._state.enqueue(waiter)
        return waiter, event

    def _wait(
        self, waiter: Waiter[Connection], event: threading.Event, seconds: float | None
    ) -> Connection | None:
        try:
            event.wait(seconds)
        except BaseException:
            self._dequeue(waiter)
            raise
        if not waiter.has_slot:
            self._dequeue(waiter)
            raise httpx.PoolTimeout(f"no connection became free within {seconds} s")
        return waiter.connection

    def _dequeue(self, waiter: Waiter[Connection]) -> None:
        """Leave the queue, and release the slot if it came in the meantime."""
        with self._lock:
            has_slot = self._state.dequeue(waiter)
        if has_slot:
            self._release_slot(waiter.connection)

    def release(self, connection: Connection) -> None:
        """Keep a connection for the next request, or close it."""
        if connection.is_idle:
            connection.idle_since = time.monotonic()
            self._release_slot(connection)
        else:
            self._release_slot(None, connection)

    def _release_slot(self, connection: Connection | None, *closing: Connection) -> None:
        to_close = list(closing)
        with self._lock:
            surplus = self._state.release(connection)
            while (oldest := self._state.find_oldest(connection)) and has_expired(oldest):
                self._state.drop_oldest()
                to_close.append(oldest)
        if surplus is not None:
            to_close.append(surplus)
        for closed in to_close:
            closed.close()

    def close(self) -> None:
        """Close the idle connections; those in use are closed when they are returned."""
        with self._lock:
            idle = self._state.close()
        for connection in idle:
            connection.close()

    def close_inherited(self) -> None:
        """Close the connections inherited from a parent process, without the parent's lock."""
        for connection in self._state.close():
            connection.close()


def needs_no_timeout(seconds: float | None) -> bool:
    """Return whether a wait has no limit, or the call's deadline ends it first."""
    attempt = current_attempt.get()
    ends_at = None if attempt is None else attempt.ends_at
    return seconds is None or (ends_at is not None and time.monotonic() + seconds >= ends_at)


def has_expired(connection: Connection | AsyncConnection) -> bool:
    """Return whether a connection was idle for too long, without a system call."""
    return time.monotonic() - connection.idle_since > KEEPALIVE_SECONDS


class LeasedStream(httpx.SyncByteStream):
    """A reply's body; closing it returns the connection to the pool."""

    def __init__(self, stream: httpx.SyncByteStream, pool: Pool, connection: Connection) -> None:
        """Wrap the body."""
        self._stream = stream
        self._pool = pool
        self._connection: Connection | None = connection

    def __iter__(self) -> Iterator[bytes]:
        """Read the body as it is sent."""
        return iter(self._stream)

    def close(self) -> None:
        """End the reply; closing again does nothing."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                self._stream.close()
            finally:
                self._pool.release(connection)


class AsyncPool:
    """The async connections to one origin, for the tasks of one event loop."""

    def __init__(self, route: Route, state: PoolState[AsyncConnection] | None = None) -> None:
        """Async `Pool`."""
        self._route = route
        self._state: PoolState[AsyncConnection] = state or PoolState()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Async `Pool.handle_request`."""
        connection = await self._acquire(request.extensions.get("timeout", {}).get("pool"))
        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            await self.release(connection)
            raise
        stream = cast("httpx.AsyncByteStream", response.stream)
        response.stream = AsyncLeasedStream(stream, self, connection)
        return response

    async def _acquire(self, seconds: float | None) -> AsyncConnection:
        has_slot, connection = self._state.acquire()
        if not has_slot:
            connection = await self._wait(seconds)
        if connection is not None and not (has_expired(connection) or connection.has_been_closed):
            return connection
        try:
            if connection is not None:
                await self._close(connection)
            return AsyncConnection(self._route)
        except BaseException:
            await self._release_slot(None)
            raise

    async def _wait(self, seconds: float | None) -> AsyncConnection | None:
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
            if self._state.dequeue(waiter):
                await self._release_slot(waiter.connection)
            raise
        if not waiter.has_slot:
            self._state.dequeue(waiter)
            raise httpx.PoolTimeout(f"no connection became free within {seconds} s")
        return waiter.connection

    async def release(self, connection: AsyncConnection) -> None:
        """Keep a connection for the next request, or close it."""
        if connection.is_idle:
            connection.idle_since = time.monotonic()
            await self._release_slot(connection)
        else:
            await self._release_slot(None, connection)

    async def _release_slot(
        self, connection: AsyncConnection | None, *closing: AsyncConnection
    ) -> None:
        surplus = self._state.release(connection)
        to_close = [each for each in (*closing, surplus) if each is not None]
        while (oldest := self._state.find_oldest(connection)) and has_expired(oldest):
            self._state.drop_oldest()
            to_close.append(oldest)
        for closed in to_close:
            await self._close(closed)

    async def _close(self, connection: AsyncConnection) -> None:
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            await connection.aclose()

    async def aclose(self) -> None:
        """Close the idle connections; those in use are closed when they are returned."""
        for connection in self._state.close():
            await self._close(connection)


class AsyncLeasedStream(httpx.AsyncByteStream):
    """A reply's body; closing it returns the connection to the pool."""

    def __init__(
        self, stream: httpx.AsyncByteStream, pool: AsyncPool, connection: AsyncConnection
    ) -> None:
        """Wrap the body."""
        self._stream = stream
        self._pool = pool
        self._connection: AsyncConnection | None = connection

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Read the body as it is sent."""
        return aiter(self._stream)

    async def aclose(self) -> None:
        """End the reply; closing again does nothing."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await self._stream.aclose()
            finally:
                await self._pool.release(connection)
