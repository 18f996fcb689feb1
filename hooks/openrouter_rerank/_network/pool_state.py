"""The places of a pool: who has a connection, who rests, who waits. Pure: no I/O, no lock."""

from collections import deque
from typing import Generic, Protocol, TypeVar

C = TypeVar("C")

MAX_CONNECTIONS = 100
MAX_IDLE_CONNECTIONS = 20


class Event(Protocol):
    """What somebody who waits is woken by."""

    def set(self) -> object:
        """Wake who waits."""
        ...


class Waiter(Generic[C]):
    """
    Somebody who waits for a place.

    Attributes:
        event: Set when the place is there.
        has_slot: Whether it is.
        connection: The connection that came with the place; None if one is to be made.
    """

    def __init__(self, event: Event) -> None:
        """Begin to wait."""
        self.event = event
        self.has_slot = False
        self.connection: C | None = None


class PoolState(Generic[C]):
    """
    Counts connections, and hands them on.

    The connection that came back last is given out first, so that those which are not needed grow
    old and are closed. Who waits is served in the order of coming.
    """

    def __init__(
        self, max_connections: int = MAX_CONNECTIONS, max_idle: int = MAX_IDLE_CONNECTIONS
    ) -> None:
        """
        Begin without connections.

        Args:
            max_connections: How many there may be.
            max_idle: How many of them may rest.
        """
        self._max_connections = max_connections
        self._max_idle = max_idle
        self._taken = 0
        self._idle: list[C] = []
        self._waiting: deque[Waiter[C]] = deque()
        self._is_closed = False

    def acquire(self) -> tuple[bool, C | None]:
        """
        Return whether there is a place, and a connection that rests, if any.

        With a place and no connection, the caller makes one.
        """
        if self._idle:
            return True, self._idle.pop()
        if self._taken < self._max_connections:
            self._taken += 1
            return True, None
        return False, None

    def enqueue(self, waiter: Waiter[C]) -> None:
        """Put somebody at the end of the queue."""
        self._waiting.append(waiter)

    def dequeue(self, waiter: Waiter[C]) -> bool:
        """Take somebody out of the queue; tell whether a place had come already."""
        if not waiter.has_slot:
            self._waiting.remove(waiter)
        return waiter.has_slot

    def release(self, connection: C | None) -> C | None:
        """
        Give a place back, with its connection if that can be used again.

        Returns:
            The connection if it is to be closed, since nobody has a use for it.
        """
        if self._waiting:
            waiter = self._waiting.popleft()
            waiter.connection, waiter.has_slot = connection, True
            waiter.event.set()
            return None
        if connection is None or self._is_closed or len(self._idle) >= self._max_idle:
            self._taken -= 1
            return connection
        self._idle.append(connection)
        return None

    def find_oldest(self, latest: C | None = None) -> C | None:
        """Return the connection that has rested longest; None if none rests but the latest."""
        return self._idle[0] if self._idle and self._idle[0] is not latest else None

    def drop_oldest(self) -> None:
        """Give up the place of the connection that has rested longest."""
        self._idle.pop(0)
        self._taken -= 1

    def close(self) -> list[C]:
        """Return the connections that rest, to be closed; those in use follow as they come back."""
        self._is_closed = True
        idle, self._idle = self._idle, []
        self._taken -= len(idle)
        return idle
