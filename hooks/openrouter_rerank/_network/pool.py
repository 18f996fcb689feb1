"""
A pool of sync connections to one origin; `async_pool` has its twin.

httpcore's pools do too much for that: the async one walks all its connections at every request, and
loses a connection when a request that waits for it is cancelled. These pools lend the connection
that was returned last, and serve waiting requests in the order in which they came.
"""

import math
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import cast

import httpx

from .connection import Connection, ConnectionBase, Route
from .deadline import current_attempt, record_proxy
from .httpx2_types import Limits
from .pool_state import PoolState, Slot, Waiter

# As httpx has them.
DEFAULT_LIMITS = httpx.Limits(
    max_connections=100, max_keepalive_connections=20, keepalive_expiry=5.0
)


class Pool:
    """The sync connections to one origin, for any number of threads."""

    def __init__(self, route: Route, limits: Limits = DEFAULT_LIMITS) -> None:
        """
        Start without connections.

        Args:
            route: How to reach the origin.
            limits: How many connections there may be, and how long they may be idle.
        """
        self._route = route
        self._lock = threading.Lock()
        self._state: PoolState[Connection] = PoolState(*read_limits(limits))
        self._keepalive = read_keepalive(limits)
        self._has_timer = False
        self._is_closing = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """
        Send a request; it has a connection to itself until its reply is closed.

        Raises:
            httpx.PoolTimeout: No connection became free within the request's pool timeout.
            httpx.TransportError: The request could not be sent, or got no reply.
        """
        record_proxy(self._route.proxy_name)
        slot, connection = self._acquire(request.extensions.get("timeout", {}).get("pool"))
        try:
            response = connection.handle_request(request)
        except BaseException:
            self.release(slot)
            raise
        stream = cast("httpx.SyncByteStream", response.stream)
        response.stream = LeasedStream(stream, self, slot)
        return response

    def _acquire(self, seconds: float | None) -> tuple[Slot[Connection], Connection]:
        with self._lock:
            slot = self._state.acquire()
            queued = self._enqueue() if slot is None else None
        self._close_if_asked()
        if queued is not None:
            slot = self._wait(*queued, seconds)
        slot = cast("Slot[Connection]", slot)
        connection = slot.connection
        if connection is not None and may_use(connection, self._keepalive):
            return slot, connection
        try:
            if connection is not None:
                connection.close()
            slot.connection = connection = Connection(self._route)
        except BaseException:
            # An error would hold the slot as long as somebody holds the error.
            self._release_slot(slot, None)
            raise
        return slot, connection

    def _enqueue(self) -> tuple[Waiter[Connection], threading.Event]:
        event = threading.Event()
        waiter: Waiter[Connection] = Waiter(event)
        self._state.enqueue(waiter)
        return waiter, event

    def _wait(
        self, waiter: Waiter[Connection], event: threading.Event, seconds: float | None
    ) -> Slot[Connection]:
        try:
            event.wait(seconds)
        except BaseException:
            self._dequeue(waiter)
            raise
        if waiter.slot is None:
            self._dequeue(waiter)
            raise httpx.PoolTimeout(f"no connection became free within {seconds} s")
        return waiter.slot

    def _dequeue(self, waiter: Waiter[Connection]) -> None:
        """Leave the queue, and release the slot if it came in the meantime."""
        with self._lock:
            slot = self._state.dequeue(waiter)
        if slot is not None:
            self._release_slot(slot, slot.connection)

    def release(self, slot: Slot[Connection]) -> None:
        """Keep a connection for the next request, or close it."""
        connection = slot.connection
        if connection is None or connection.is_idle:
            self._release_slot(slot, connection)
        else:
            self._release_slot(slot, None, connection)

    def _release_slot(
        self, slot: Slot[Connection], connection: Connection | None, *closing: Connection
    ) -> None:
        to_close = list(closing)
        if connection is not None:
            connection.idle_since = time.monotonic()
        with self._lock:
            surplus = self._state.release(slot, connection)
            to_close += self._state.pop_expired(self._has_expired, connection)
        if surplus is not None:
            to_close.append(surplus)
        for closed in to_close:
            closed.close()
        self._close_if_asked()
        if not self._has_timer and connection is not None:
            self._start_timer(connection)

    def _has_expired(self, connection: Connection) -> bool:
        return has_expired(connection, self._keepalive)

    def _start_timer(self, oldest: Connection) -> None:
        """Close idle connections in time, though no call may come any more."""
        if self._keepalive == math.inf:
            return
        seconds = idle_seconds_left(oldest, self._keepalive)
        timer = threading.Timer(seconds, call_weakly, [weakref.WeakMethod(self._on_timer)])
        timer.daemon = True
        # Before the start, after which the timer may have ended already.
        self._has_timer = True
        try:
            timer.start()
        except RuntimeError:
            # There is no thread to be had; the next call closes them.
            self._has_timer = False

    def _on_timer(self) -> None:
        with self._lock:
            expired = self._state.pop_expired(self._has_expired)
            oldest = self._state.find_oldest()
            self._has_timer = False
        for connection in expired:
            connection.close()
        self._close_if_asked()
        if oldest is not None:
            self._start_timer(oldest)

    def close(self) -> None:
        """
        Close the idle connections; those in use are closed when they are returned.

        It never waits: a signal handler may call it in a thread that holds the lock.
        """
        self._is_closing = True
        self._close_if_asked()

    def _close_if_asked(self) -> None:
        """Close the idle connections; who holds the lock now does it afterwards."""
        if not (self._is_closing and self._lock.acquire(blocking=False)):
            return
        try:
            self._is_closing = False
            idle = self._state.close()
        finally:
            self._lock.release()
        for connection in idle:
            connection.close()

    def close_inherited(self) -> None:
        """Close the connections inherited from a parent process, without the parent's lock."""
        for connection in self._state.close():
            connection.close()


def read_limits(limits: Limits) -> tuple[float, float]:
    """Return how many connections there may be, and how many idle ones; None is any number."""
    most, most_idle = limits.max_connections, limits.max_keepalive_connections
    return math.inf if most is None else most, math.inf if most_idle is None else most_idle


def read_keepalive(limits: Limits) -> float:
    """Return for how many seconds a connection may be idle; None is for ever."""
    return math.inf if limits.keepalive_expiry is None else limits.keepalive_expiry


def idle_seconds_left(connection: ConnectionBase, keepalive: float) -> float:
    """Return for how many seconds a connection may still be idle."""
    return max(0.0, connection.idle_since + keepalive - time.monotonic())


def call_weakly(method: "weakref.WeakMethod[Callable[[], None]]") -> None:
    """Call a method, unless its object is gone."""
    function = method()
    if function is not None:
        function()


def may_use(connection: ConnectionBase, keepalive: float) -> bool:
    """Return whether the current attempt may use an idle connection."""
    attempt = current_attempt.get()
    if attempt is not None and attempt.needs_new_connection:
        return False
    return not (has_expired(connection, keepalive) or connection.has_been_closed)


def has_expired(connection: ConnectionBase, keepalive: float) -> bool:
    """Return whether a connection was idle for too long, without a system call."""
    return time.monotonic() - connection.idle_since >= keepalive


class LeasedStream(httpx.SyncByteStream):
    """A reply's body; closing it returns the connection to the pool."""

    def __init__(self, stream: httpx.SyncByteStream, pool: Pool, slot: Slot[Connection]) -> None:
        """Wrap the body."""
        self._stream = stream
        self._pool = pool
        self._slot: Slot[Connection] | None = slot

    def __iter__(self) -> Iterator[bytes]:
        """Read the body as it is sent."""
        return iter(self._stream)

    def close(self) -> None:
        """End the reply; closing again does nothing."""
        slot, self._slot = self._slot, None
        if slot is not None:
            try:
                self._stream.close()
            finally:
                self._pool.release(slot)
