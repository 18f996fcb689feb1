"""A limit for what a kill can lose."""

import threading

from openrouter_rerank import Hooks


class GateClosedError(RuntimeError):
    """The run has ended; nothing is sent any more."""


class Gate:
    """
    Lets requests out only while few replies are under way or not yet written down.

    A run's threads go on while its outcomes are written: without a gate, a kill would lose replies
    that had long come, and their jobs would be paid for again.

    Args:
        count: How many replies there may be that are not written down.
    """

    def __init__(self, count: int) -> None:
        self._places = threading.Semaphore(count)
        self._is_closed = False

    def guard(self, hooks: Hooks) -> None:
        """Hold back the requests of a client; what fails costs nothing, and leaves at once."""
        hooks.before_request(lambda _: self.enter())
        hooks.on_retry(lambda _: self.leave())
        hooks.on_error(lambda _: self.leave())

    def enter(self) -> None:
        """
        Wait for a place.

        Raises:
            GateClosedError: There will be none.
        """
        self._places.acquire()
        if self._is_closed:
            # For the next one that waits.
            self._places.release()
            raise GateClosedError

    def leave(self) -> None:
        """Give a place back."""
        self._places.release()

    def close(self) -> None:
        """Turn away whoever waits, and whoever comes."""
        self._is_closed = True
        self._places.release()
