"""
What happens on the wire during one attempt: how long it may take, and how far it got.

httpx's read timeout starts again with every byte, so a server that sends one byte now and then can
hold a call for hours. Here each read and write of a sync call gets only the time that is left until
the deadline. Async calls are cancelled then by `limit_time`, and use only the records.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from functools import cache
from typing import Any, TypeAlias, TypeVar

import anyio
import httpcore

# RFC 9110, section 9.3.6.
TUNNEL_REQUEST = b"CONNECT "
# A connection that was dead before the request says so at once: it takes a round trip. On one that
# breaks later than this after the last bytes were written, the server may have been at work.
STALE_SECONDS = 0.1
# What a request's extension "trace" holds: told of each event on the connection (httpcore's docs,
# "Request Extensions").
Trace: TypeAlias = Callable[[str, Mapping[str, Any]], object]
T = TypeVar("T")


class Attempt:
    """
    One attempt to send a request.

    Attributes:
        ends_at: The deadline, in seconds of the monotonic clock; None for none.
        now: Tells the time of that clock, in seconds.
        needs_new_connection: Whether it is not to use a connection that was opened before.
        is_opened: Whether it opened a new connection.
        is_sent: Whether a byte of the request was written.
        is_unwritten: Whether the connection broke before all of the request was written.
        is_answered: Whether a byte of the reply was read.
        written_at: When the last piece of the request began to be written; None if it did not.
        proxy_name: The proxy that it went through, without its password; None for none.
        broken_at: When the connection ended or broke as a reply was awaited; None if it did not.
    """

    __slots__ = (
        "broken_at",
        "ends_at",
        "is_answered",
        "is_opened",
        "is_sent",
        "is_unwritten",
        "needs_new_connection",
        "now",
        "proxy_name",
        "written_at",
    )

    def __init__(
        self,
        ends_at: float | None,
        now: Callable[[], float] = time.monotonic,
        *,
        needs_new_connection: bool = False,
    ) -> None:
        """Start an attempt."""
        self.ends_at = ends_at
        self.now = now
        self.needs_new_connection = needs_new_connection
        self.is_opened = self.is_sent = self.is_unwritten = self.is_answered = False
        self.written_at: float | None = None
        self.broken_at: float | None = None
        self.proxy_name: str | None = None

    @property
    def failed_before_sending(self) -> bool:
        """Whether it opened a connection but wrote nothing of the request."""
        return self.is_opened and not self.is_sent

    @property
    def met_stale_connection(self) -> bool:
        """Whether it used an old connection that was dead, so that nothing can have come of it."""
        if self.is_opened or self.is_answered or not self.is_sent:
            return False
        if self.is_unwritten:
            return True
        if self.written_at is None or self.broken_at is None:
            return False
        return self.broken_at - self.written_at <= STALE_SECONDS

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Record a trace event of httpcore, for a transport that is not our own."""
        if event.startswith("connection.connect_"):
            self.is_opened = True
        elif event.endswith(".send_request_headers.started"):
            self.is_sent = info["request"].method != b"CONNECT"
        elif event.endswith(".send_request_body.started"):
            self.written_at = self.now()
        elif event.endswith((".send_request_headers.failed", ".send_request_body.failed")):
            self.is_unwritten = True
        elif event.endswith(".receive_response_headers.failed"):
            self.broken_at = self.now()
        elif event.endswith(".receive_response_headers.complete"):
            self.is_answered = True

    async def trace_async(self, event: str, info: Mapping[str, Any]) -> None:
        """Async `trace`."""
        self.trace(event, info)

    def add_trace(self, own: Trace | None) -> Trace:
        """Return `trace`, followed by the caller's own function for the same events, if any."""
        return self.trace if own is None else self._follow(own)

    def add_trace_async(self, own: Trace | None) -> Trace:
        """Async `add_trace`."""
        return self.trace_async if own is None else self._follow(own)

    def _follow(self, own: Trace) -> Trace:
        def trace(event: str, info: Mapping[str, Any]) -> object:
            self.trace(event, info)
            # On async, httpcore awaits what this returns.
            return own(event, info)

        return trace


current_attempt: ContextVar[Attempt | None] = ContextVar("current_attempt", default=None)


async def limit_time(work: Awaitable[T], seconds: float | None) -> T | None:
    """
    Await something, on asyncio or trio, for no longer than some seconds; None sets no limit.

    Returns:
        What it gave; None if it took longer and was cancelled.
    """
    # Sync calls do without it, which is 13 milliseconds of a first reply.
    import asyncio

    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    if task is None:
        # It is one of trio, even on asyncio's loop.
        with anyio.move_on_after(seconds):
            return await work
        return None
    load_anyio()
    if seconds is None:
        return await work
    # What follows is what `asyncio.timeout` does, in half the time.
    others, is_late = task.cancelling(), False

    def cancel() -> None:
        nonlocal is_late
        is_late = task.cancel()

    timer = task.get_loop().call_later(seconds, cancel)
    try:
        return await work
    except asyncio.CancelledError:
        if not is_late or task.cancelling() > others + 1:
            raise
        return None
    finally:
        timer.cancel()
        if is_late:
            task.uncancel()


@cache
def load_anyio() -> None:
    """Load what waits and closes after a failure: with no files left it could not be imported."""
    anyio.CancelScope()


def limit_timeout(timeout: float | None, error: type[httpcore.TimeoutException]) -> float | None:
    """Cut a timeout to the time left until the deadline; raise the error if none is left."""
    attempt = current_attempt.get()
    if attempt is None or attempt.ends_at is None:
        return timeout
    remaining = attempt.ends_at - attempt.now()
    if remaining <= 0:
        raise error("the deadline has passed")
    return remaining if timeout is None else min(timeout, remaining)


def record_proxy(name: str | None) -> None:
    """Record the proxy that the current attempt goes through, None for none."""
    if attempt := current_attempt.get():
        attempt.proxy_name = name


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


def record_writing() -> None:
    """Record that the current attempt begins to write a piece of its request, maybe the last."""
    if attempt := current_attempt.get():
        attempt.written_at = attempt.now()


def record_unwritten() -> None:
    """Record that the connection broke before all of the current attempt's request was written."""
    if attempt := current_attempt.get():
        attempt.is_unwritten = True


def record_read(data: bytes) -> bytes:
    """Record what the current attempt read, nothing being the end of the connection; return it."""
    if attempt := current_attempt.get():
        if data:
            attempt.is_answered = True
        else:
            attempt.broken_at = attempt.now()
    return data
