"""
What happens on the wire during one attempt: how long it may take, and how far it came.

httpx's read timeout starts anew with every byte, so that a server which sends one byte now and then
can hold a call for hours. Here every read and write of a sync call is cut to the time that is left
until the deadline; async calls have a cancel scope for that, and only the counting.
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
    One try of a request.

    Attributes:
        ends_at: When the call has to be over, by the monotonic clock; None for never.
        is_opened: Whether a new connection was opened for it.
        is_sent: Whether a byte of the request was written.
        is_answered: Whether a byte of the reply was read.
    """

    __slots__ = ("ends_at", "is_answered", "is_opened", "is_sent")

    def __init__(self, ends_at: float | None) -> None:
        """Begin an attempt."""
        self.ends_at = ends_at
        self.is_opened = self.is_sent = self.is_answered = False

    @property
    def failed_before_sending(self) -> bool:
        """Whether a connection was opened, but nothing of the request was written."""
        return self.is_opened and not self.is_sent

    @property
    def met_stale_connection(self) -> bool:
        """Whether an old connection was used that gave no byte of a reply."""
        return self.is_sent and not self.is_opened and not self.is_answered

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Take a trace event of httpcore, for a transport that is not of our making."""
        if event.startswith("connection.connect_"):
            self.is_opened = True
        elif event.endswith(".send_request_headers.started"):
            self.is_sent = info["request"].method != b"CONNECT"
        elif event.endswith(".receive_response_headers.complete"):
            self.is_answered = True

    async def trace_async(self, event: str, info: Mapping[str, Any]) -> None:
        """Take a trace event of httpcore's async half."""
        self.trace(event, info)


current_attempt: ContextVar[Attempt | None] = ContextVar("current_attempt", default=None)


def limit_timeout(timeout: float | None, error: type[httpcore.TimeoutException]) -> float | None:
    """Shorten a timeout to the time left; raise the error if there is none left."""
    attempt = current_attempt.get()
    if attempt is None or attempt.ends_at is None:
        return timeout
    left = attempt.ends_at - time.monotonic()
    if left <= 0:
        raise error("the deadline has passed")
    return left if timeout is None else min(timeout, left)


def record_opened() -> None:
    """Note that a new connection was opened for the current attempt."""
    if attempt := current_attempt.get():
        attempt.is_opened = True


def record_sent(data: bytes) -> None:
    """Note that the current attempt began to send; asking a proxy for a tunnel is not yet that."""
    attempt = current_attempt.get()
    if attempt is not None and not data.startswith(TUNNEL_REQUEST):
        attempt.is_sent = True


def record_read(data: bytes) -> bytes:
    """Note that the current attempt got an answer, if it did."""
    if data and (attempt := current_attempt.get()):
        attempt.is_answered = True
    return data
