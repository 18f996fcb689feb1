"""The slots of a pool: connections in use, idle connections, the queue. Pure: no I/O, no lock."""

import math
import weakref
from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

C = TypeVar("C")


class Slot(Generic[C]):
    """
    A place in a pool. It is free again when it is released, or when nobody holds it any more.

    The latter happens when a signal handler raises, which it can do between any two steps.

    Attributes:
        connection: The connection in this place; None if one is to be made.
    """

    __slots__ = ("__weakref__", "connection")

    def __init__(self) -> None:
        """Start without a connection."""
        self.connection: C | None = None


class Event(Protocol):
    """What a waiter waits on: an event of threading or of anyio."""

    def set(self) -> object:
        """Wake the waiter."""
        ...


class Waiter(Generic[C]):
    """
    A request in the queue for a slot.

    Attributes:
        event: Set when the request gets its slot.
        slot: The slot; None while it waits.
    """

    def __init__(self, event: Event) -> None:
        """Start without a slot."""
        self.event = event
        self.slot: Slot[C] | None = None


class PoolState(Generic[C]):
    """
    Counts the slots, keeps the idle connections, and queues the waiters.

    The connection that was released last is lent first, so that those that are not needed expire
    and are closed. Waiters are served in the order in which they came.
    """

    def __init__(self, max_connections: float = math.inf, max_idle: float = math.inf) -> None:
        """
        Start without connections.

        Args:
            max_connections: How many connections there may be.
            max_idle: How many of them may be idle.
        """
        self._max_connections = max_connections
        self._max_idle = max_idle
        self._slots: weakref.WeakSet[Slot[C]] = weakref.WeakSet()
        self._idle: list[Slot[C]] = []
        self._waiters: deque[Waiter[C]] = deque()
        self._is_closed = False

    def acquire(self) -> Slot[C] | None:
        """
        Return a slot, with an idle connection if there is one; None if none is free.

        If the slot has no connection, the caller makes one.
        """
        if self._idle:
            return self._idle.pop()
        if len(self._slots) < self._max_connections:
            slot: Slot[C] = Slot()
            self._slots.add(slot)
            return slot
        return None

    def enqueue(self, waiter: Waiter[C]) -> None:
        """Put a waiter at the end of the queue."""
        self._waiters.append(waiter)

    def dequeue(self, waiter: Waiter[C]) -> Slot[C] | None:
        """Take a waiter out of the queue; return its slot if it has one already."""
        if waiter.slot is None:
            self._waiters.remove(waiter)
        return waiter.slot

    def release(self, slot: Slot[C], connection: C | None) -> C | None:
        """
        Release a slot, with its connection if that can be used again.

        Returns:
            The connection if the caller is to close it, since it is not needed.
        """
        slot.connection = connection
        if self._waiters:
            waiter = self._waiters.popleft()
            waiter.slot = slot
            waiter.event.set()
            return None
        if connection is None or self._is_closed or len(self._idle) >= self._max_idle:
            self._slots.discard(slot)
            return connection
        self._idle.append(slot)
        return None

    def find_oldest(self, latest: C | None = None) -> C | None:
        """Return the connection that was idle longest; None if it is `latest`, or none is idle."""
        oldest = self._idle[0].connection if self._idle else None
        return None if oldest is latest else oldest

    def pop_expired(self, has_expired: Callable[[C], bool], latest: C | None = None) -> list[C]:
        """Remove those that were idle for too long, except for `latest`; the caller closes them."""
        expired: list[C] = []
        while (oldest := self.find_oldest(latest)) is not None and has_expired(oldest):
            self._slots.discard(self._idle.pop(0))
            expired.append(oldest)
        return expired

    def close(self) -> list[C]:
        """Return the idle connections, to be closed; `release` returns those in use later."""
        self._is_closed = True
        idle, self._idle = self._idle, []
        for slot in idle:
            self._slots.discard(slot)
        return [slot.connection for slot in idle if slot.connection is not None]
