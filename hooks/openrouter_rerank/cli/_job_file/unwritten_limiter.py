"""A limit for the replies that a kill can lose."""

import threading

from openrouter_rerank import Hooks


class LimiterClosedError(RuntimeError):
    """The run has ended; nothing is sent any more."""


class UnwrittenLimiter:
    """
    Holds back requests while too many replies are under way or not yet written.

    A run's threads go on while its outcomes are written. Without a limit, a kill could lose replies
    that came long before, and their jobs would be paid for again.

    Args:
        count: How many replies may be under way or unwritten.
    """

    def __init__(self, count: int) -> None:
        self._slots = threading.Semaphore(count)
        self._is_closed = False

    def attach(self, hooks: Hooks) -> None:
        """Limit a client's requests; an attempt that fails costs nothing and frees its slot."""
        hooks.before_request(lambda _: self.acquire())
        hooks.on_retry(lambda _: self.release())
        hooks.on_error(lambda _: self.release())

    def acquire(self) -> None:
        """
        Wait for a slot.

        Raises:
            LimiterClosedError: The limiter was closed.
        """
        self._slots.acquire()
        if self._is_closed:
            # Wakes the next thread that waits.
            self._slots.release()
            raise LimiterClosedError

    def release(self) -> None:
        """Free a slot."""
        self._slots.release()

    def close(self) -> None:
        """Refuse all threads that wait or will ask."""
        self._is_closed = True
        self._slots.release()
