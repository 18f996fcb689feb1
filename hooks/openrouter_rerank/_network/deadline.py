"""
What happens on the wire during one attempt: how long it may take, and how far it got.

httpx's read timeout starts again with every byte, so a server that sends one byte now and then can
hold a call for hours. Here each read and write of a sync call gets only the time that is left until
the deadline. Async calls have a cancel scope for that, and use only the records.
"""

import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import httpcore

# RFC 9110, section 9.3.6.
TUNNEL_REQUEST = b"CONNECT "


class Attempt:
    """
    One attempt to send a request.

    Attributes:
        ends_at: The deadline, in seconds of the monotonic clock; None for none.
        is_opened: Whether it opened a new connection.
        is_sent: Whether a byte of the request was written.
        is_answered: Whether a byte of the reply was read.
    """

    __slots__ = ("ends_at", "is_answered", "is_opened", "is_sent")

    def __init__(self, ends_at: float | None) -> None:
        """Start an attempt."""
        self.ends_at = ends_at
        self.is_opened = self.is_sent = self.is_answered = False

    @property
    def failed_before_sending(self) -> bool:
        """Whether it opened a connection but wrote nothing of the request."""
        return self.is_opened and not self.is_sent

    @property
    def met_stale_connection(self) -> bool:
        """Whether it used an old connection and got no byte of a reply."""
        return self.is_sent and not self.is_opened and not self.is_answered

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Record a trace event of httpcore, for a transport that is not our own."""
        if event.startswith("connection.connect_"):
            self.is_opened = True
        elif event.endswith(".send_request_headers.started"):
            self.is_sent = info["request"].method != b"CONNECT"
        elif event.endswith(".receive_response_headers.complete"):
            self.is_answered = True

    async def trace_async(self, event: str, info: Mapping[str, Any]) -> None:
        """Async `trace`."""
        self.trace(event, info)


current_attempt: ContextVar[Attempt | None] = ContextVar("current_attempt", default=None)


def limit_timeout(timeout: float | None, error: type[httpcore.TimeoutException]) -> float | None:
    """Cut a timeout to the time left until the deadline; raise the error if none is left."""
    attempt = current_attempt.get()
    if attempt is None or attempt.ends_at is None:
        return timeout
    remaining = attempt.ends_at - time.monotonic()
    if remaining <= 0:
        raise error("the deadline has passed")
    return remaining if timeout is None else min(timeout, remaining)


def record_opened() -> None:
    """Record that the current attempt opened a new connection."""
    if attempt := current_attempt.get():
        attempt.is_opened = True


def record_sent(data: bytes) -> None:
    """Record that the current attempt sent data, unless it only spoke to a proxy."""
    attempt = current_attempt.get()
    # What is said to a SOCKS proxy begins with a number (RFC 1928, section 3; RFC 1929, section 2).
    if attempt is not None and data[:1].isalpha() and not data.startswith(TUNNEL_REQUEST):
        attempt.is_sent = True


def record_read(data: bytes) -> bytes:
    """Record that the current attempt read data, if there is any; return the data."""
    if data and (attempt := current_attempt.get()):
        attempt.is_answered = True
    return data
