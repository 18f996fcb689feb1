"""
Resolving a host's name off the caller's thread, so that a call waits no longer than it may.

`socket.getaddrinfo` has no time limit of its own and cannot be interrupted: a name server that
does not answer holds it for many seconds.
"""

import ipaddress
import os
import socket
import threading
import time
from contextlib import suppress
from typing import Any, TypeAlias

import httpcore

# Lookups that nobody waits for any more go on; so many of them there may be.
MAX_LOOKUPS = 32
Found: TypeAlias = list[tuple[Any, ...]]


class Resolver:
    """Looks names up in threads, at most `MAX_LOOKUPS` at a time."""

    def __init__(self) -> None:
        """Start without lookups."""
        self.reset()

    def reset(self) -> None:
        """Forget the lookups under way: a forked process has none of their threads."""
        self._slots = threading.BoundedSemaphore(MAX_LOOKUPS)

    def look_up(self, host: str, port: int, timeout: float | None) -> Found:
        """
        Return what `socket.getaddrinfo` says of a host, for streams.

        Args:
            host: A name or an address.
            port: The port.
            timeout: Seconds to wait; None waits in this thread.

        Raises:
            OSError: The name is unknown.
            httpcore.ConnectTimeout: It was not resolved in time, or too many lookups hang.
        """
        if timeout is None or is_address(host):
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        ends_at = time.monotonic() + timeout
        slots = self._slots
        if not slots.acquire(timeout=max(0.0, timeout)):
            raise httpcore.ConnectTimeout(f"{MAX_LOOKUPS} lookups of names hang already")
        answers: list[Found | BaseException] = []

        def look_up() -> None:
            try:
                answers.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
            except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
                answers.append(error)
            finally:
                slots.release()

        try:
            # A daemon, since the interpreter must not wait for it at its exit.
            thread = threading.Thread(target=look_up, name="openrouter-rerank-dns", daemon=True)
            thread.start()
        except RuntimeError:
            # The system has no thread to give.
            look_up()
        else:
            thread.join(max(0.0, ends_at - time.monotonic()))
        if not answers:
            raise httpcore.ConnectTimeout(f"the name {host} was not resolved in time")
        (answer,) = answers
        if isinstance(answer, BaseException):
            raise answer
        return answer


def is_address(host: str) -> bool:
    """Return whether a host is an address already, which needs no lookup."""
    with suppress(ValueError):
        ipaddress.ip_address(host.partition("%")[0])
        return True
    return False


RESOLVER = Resolver()
if hasattr(os, "register_at_fork"):  # pragma: no branch - there is none on Windows
    os.register_at_fork(after_in_child=RESOLVER.reset)
