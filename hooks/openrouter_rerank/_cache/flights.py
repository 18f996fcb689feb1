"""Single flight: of equal calls at the same time one is sent, and the others wait for it."""

import os
from concurrent.futures import Future

# What the calls that wait get: an answer in its kept form, or None if each must see for itself.
Flight = Future[bytes | None]


class Flights:
    """
    The calls that are being sent, each by the digest of its request.

    Attributes:
        ended: Changes whenever one has ended, and may have left an answer in the cache.
    """

    def __init__(self) -> None:
        """Start without any."""
        self.ended = 0
        self._flights: dict[tuple[int, bytes], Flight] = {}

    def join(self, key: bytes) -> tuple[Flight, bool]:
        """
        Return the flight of a request, and whether the caller leads it.

        Who leads calls `end`, whatever happens. Nobody waits for a flight that another process has
        begun before it was forked.
        """
        own: Flight = Future()
        # One step for the interpreter, so of several threads only one leads.
        flight = self._flights.setdefault((os.getpid(), key), own)
        return flight, flight is own

    def end(self, key: bytes, answer: bytes | None) -> None:
        """End a flight that the caller leads, with its answer; None if there is none."""
        # Before it is gone: who leads the next one then sees that there was one.
        self.ended += 1
        flight = self._flights.pop((os.getpid(), key))
        flight.set_result(answer)
