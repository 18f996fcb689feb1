"""A lock that no fork leaves locked in the new process."""

import os
import threading
import weakref
from collections.abc import Generator
from contextlib import contextmanager

_locks: "weakref.WeakSet[ForkLock]" = weakref.WeakSet()
# Held around the whole of a fork, so that no lock is made meanwhile, and no other thread forks.
_forking = threading.RLock()


class ForkLock:
    """
    A lock around state that a forked process goes on with.

    While the process forks, nobody else holds it: the copy in the new process is free, and what it
    guards is whole.
    """

    def __init__(self) -> None:
        """Make a free lock."""
        self._lock = threading.Lock()
        with _forking:
            _locks.add(self)

    @contextmanager
    def hold(self, timeout: float | None = None) -> Generator[None]:
        """
        Hold the lock.

        Raises:
            TimeoutError: It was not free within so many seconds; None for no limit.
        """
        if not self._lock.acquire(timeout=-1 if timeout is None else max(0.0, timeout)):
            raise TimeoutError("the cache is in use by another thread")
        try:
            yield
        finally:
            self._lock.release()

    def acquire(self) -> None:
        """Hold the lock until `release`."""
        self._lock.acquire()

    def release(self) -> None:
        """Free the lock."""
        self._lock.release()


_held: list[ForkLock] = []


def hold_all() -> None:
    """Hold every lock, before a fork."""
    _forking.acquire()
    for lock in list(_locks):
        lock.acquire()
        _held.append(lock)


def release_all() -> None:
    """Free every lock, in both processes after a fork."""
    while _held:
        _held.pop().release()
    _forking.release()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no forks
    os.register_at_fork(before=hold_all, after_in_parent=release_all, after_in_child=release_all)
