"""Sharing the processor fairly between threads."""

import threading
import time
from collections import deque

TURN_SECONDS = 0.01
"""How long work may go on while other work waits; a block of texts takes about as long."""


class Turns:
    """
    Lets few of many threads work at a time, each for a moment, in turn.

    Args:
        count: How many work at a time.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    def take(self) -> float:
        """Wait for a turn, behind those that wait already; return when it began."""
        with self._lock:
            if self._free:
                self._free -= 1
                return time.monotonic()
            turn = threading.Event()
            self._waiting.append(turn)
        turn.wait()
        return time.monotonic()

    def give(self) -> None:
        """End a turn, and begin that of the thread that has waited longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1

    def pass_on(self, began: float) -> float:
        """
        Let those that wait work first, if the turn has lasted.

        Args:
            began: When the turn began, as `take` or this said.

        Returns:
            When the turn that goes on began.
        """
        if not self._waiting or time.monotonic() - began < TURN_SECONDS:
            return began
        self.give()
        return self.take()
