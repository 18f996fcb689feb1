"""The slots of a pool: connections in use, idle connections, the queue. Pure: no I/O, no lock."""

from collections import deque
from typing import Generic, Protocol, TypeVar

C = TypeVar("C")

MAX_CONNECTIONS = 100
MAX_IDLE_CONNECTIONS = 20


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
        has_slot: Whether it has its slot.
        connection: The connection that came with the slot; None if one is to be made.
    """

    def __init__(self, event: Event) -> None:
        """Start without a slot."""
        self.event = event
        self.has_slot = False
        self.connection: C | None = None


class PoolState(Generic[C]):
    """
    Counts the slots, keeps the idle connections, and queues the waiters.

    The connection that was released last is lent first, so that those that are not needed expire
    and are closed. Waiters are served in the order in which they came.
    """

    def __init__(
        self, max_connections: int = MAX_CONNECTIONS, max_idle: int = MAX_IDLE_CONNECTIONS
    ) -> None:
        """
        Start without connections.

        Args:
            max_connections: How many connections there may be.
            max_idle: How many of them may be idle.
        """
        self._max_connections = max_connections
        self._max_idle = max_idle
        self._slot_count = 0
        self._idle: list[C] = []
        self._waiters: deque[Waiter[C]] = deque()
        self._is_closed = False

    def acquire(self) -> tuple[bool, C | None]:
        """
        Return whether there is a slot, and an idle connection if there is one.

        With a slot and no connection, the caller makes a connection.
        """
        if self._idle:
            return True, self._idle.pop()
        if self._slot_count < self._max_connections:
            self._slot_count += 1
            return True, None
        return False, None

    def enqueue(self, waiter: Waiter[C]) -> None:
        """Put a waiter at the end of the queue."""
        self._waiters.append(waiter)

    def dequeue(self, waiter: Waiter[C]) -> bool:
        """Take a waiter out of the queue; return whether it has a slot already."""
        if not waiter.has_slot:
            self._waiters.remove(waiter)
        return waiter.has_slot

    def release(self, connection: C | None) -> C | None:
        """
        Release a slot, with its connection if that can be used again.

        Returns:
            The connection if the caller is to close it, since it is not needed.
        """
        if self._waiters:
            waiter = self._waiters.popleft()
            waiter.connection, waiter.has_slot = connection, True
            waiter.event.set()
            return None
        if connection is None or self._is_closed or len(self._idle) >= self._max_idle:
            self._slot_count -= 1
            return connection
        self._idle.append(connection)
        return None

    def find_oldest(self, latest: C | None = None) -> C | None:
        """Return the connection that was idle longest; None if it is `latest`, or none is idle."""
        return self._idle[0] if self._idle and self._idle[0] is not latest else None

    def drop_oldest(self) -> None:
        """Remove the connection that was idle longest, and its slot."""
        self._idle.pop(0)
        self._slot_count -= 1

    def close(self) -> list[C]:
        """Return the idle connections, to be closed; `release` returns those in use later."""
        self._is_closed = True
        idle, self._idle = self._idle, []
        self._slot_count -= len(idle)
        return idle
