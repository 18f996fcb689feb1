"""Servers that limit requests per second, each in its own way; the caller gives the time."""

from collections import deque
from typing import Protocol

WINDOW_SECONDS = 1.0


class Limit(Protocol):
    """Lets requests pass, or does not."""

    def ask(self, now: float) -> float:
        """Return 0 if a request may pass, else the seconds until one may."""
        ...


class FixedWindow:
    """Starts counting again with each second."""

    def __init__(self, rate: float, phase: float = 0.0) -> None:
        """Take the rate, and where the seconds begin."""
        self._rate, self._phase = rate, phase
        self._window, self._count = -1, 0

    def ask(self, now: float) -> float:
        """Return 0 if a request may pass, else the seconds until one may."""
        window, passed = divmod(now + self._phase, WINDOW_SECONDS)
        if window != self._window:
            self._window, self._count = int(window), 0
        if self._count >= self._rate:
            return WINDOW_SECONDS - passed
        self._count += 1
        return 0.0


class SlidingWindow:
    """Counts what came within the last second."""

    def __init__(self, rate: float) -> None:
        """Take the rate."""
        self._rate = rate
        self._passed: deque[float] = deque()

    def ask(self, now: float) -> float:
        """Return 0 if a request may pass, else the seconds until one may."""
        while self._passed and self._passed[0] <= now - WINDOW_SECONDS:
            self._passed.popleft()
        if len(self._passed) >= self._rate:
            return self._passed[0] + WINDOW_SECONDS - now
        self._passed.append(now)
        return 0.0


class TokenBucket:
    """Gives out tokens that come back at a rate, up to a second's worth at once."""

    def __init__(self, rate: float, size: float | None = None) -> None:
        """Take the rate, and the size of the bucket; None for a second's worth."""
        self._rate = rate
        self._size = self._tokens = rate if size is None else size
        self._filled_at = 0.0

    def ask(self, now: float) -> float:
        """Return 0 if a request may pass, else the seconds until one may."""
        came = (now - self._filled_at) * self._rate
        self._tokens = min(self._size, self._tokens + max(0.0, came))
        self._filled_at = now
        if self._tokens < 1:
            return (1 - self._tokens) / self._rate
        self._tokens -= 1
        return 0.0


class NoLimit:
    """Lets everything pass."""

    def ask(self, now: float) -> float:
        """Return 0."""
        return 0.0 * now
