"""
What happens on the wire during one attempt: how long it may take, and how far it came.

httpx's read timeout starts anew with every byte, so that a server which sends one byte now and then
can hold a call for hours. Here every read and write of a sync call is cut to the time that is left
until the deadline; async calls have a cancel scope for that, and only the counting.
"""

import select
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextvars import ContextVar
from typing import Any, cast

import anyio
import httpcore
import httpx

# Few enough to fit into a socket's buffer in a step or two whenever that has room at all.
WRITE_BYTES = 64 * 1024
# What is read at once when as much as was asked for has come: a large reply is under way.
READ_BYTES = 256 * 1024
# RFC 9110, section 9.3.6.
TUNNEL_REQUEST = b"CONNECT "
SocketOptions = Iterable[httpcore.SOCKET_OPTION] | None


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


def cut(timeout: float | None, error: type[httpcore.TimeoutException]) -> float | None:
    """Shorten a timeout to the time left; raise the error if there is none left."""
    attempt = current_attempt.get()
    if attempt is None or attempt.ends_at is None:
        return timeout
    left = attempt.ends_at - time.monotonic()
    if left <= 0:
        raise error("the deadline has passed")
    return left if timeout is None else min(timeout, left)


def note_opened() -> None:
    """Note that a new connection was opened for the current attempt."""
    if attempt := current_attempt.get():
        attempt.is_opened = True


def note_sent(data: bytes) -> None:
    """Note that the current attempt began to send; asking a proxy for a tunnel is not yet that."""
    attempt = current_attempt.get()
    if attempt is not None and not data.startswith(TUNNEL_REQUEST):
        attempt.is_sent = True


def note_read(data: bytes) -> bytes:
    """Note that the current attempt got an answer, if it did."""
    if data and (attempt := current_attempt.get()):
        attempt.is_answered = True
    return data


def is_readable(connection: socket.socket) -> bool:
    """Tell whether something can be read at once, be it the end."""
    # Windows has no poll, and select takes no numbers from 1024 where there is one.
    if not hasattr(select, "poll"):
        return bool(select.select([connection], [], [], 0)[0])
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


class Stream(httpcore.NetworkStream):
    """A connection whose reads and writes end at the current attempt's deadline."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        """Wrap a connection."""
        self._stream = stream
        self._is_flowing = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read once."""
        # HTTP/1.1 needs no limit here, and each piece costs a way through httpcore and h11.
        size = READ_BYTES if self._is_flowing else max_bytes
        data = note_read(self._stream.read(size, cut(timeout, httpcore.ReadTimeout)))
        self._is_flowing = len(data) >= max_bytes
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write in parts, since a server that reads slowly gets the timeout for each."""
        note_sent(buffer)
        # A view: slices of bytes would be copies.
        parts = memoryview(buffer)
        for start in range(0, len(parts), WRITE_BYTES):
            part = cast("bytes", parts[start : start + WRITE_BYTES])
            self._stream.write(part, cut(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Go on with TLS."""
        left = cut(timeout, httpcore.ConnectTimeout)
        return Stream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        """Return what the connection knows of itself."""
        return self._stream.get_extra_info(info)


class Backend(httpcore.NetworkBackend):
    """Opens connections that end at the current attempt's deadline."""

    def __init__(self) -> None:
        """Open sockets as httpcore does."""
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions = None,
    ) -> httpcore.NetworkStream:
        """Open a connection; each address of the host gets the whole time that is left."""
        note_opened()
        left = cut(timeout, httpcore.ConnectTimeout)
        return Stream(self._backend.connect_tcp(host, port, left, local_address, socket_options))


class Upload(httpx.AsyncByteStream):
    """
    A request's body, for async calls.

    httpx's own is read by a generator. Trio warns of a generator that is left in the middle, which
    is where a cancelled call leaves it.
    """

    def __init__(self, content: bytes) -> None:
        """Take the whole body."""
        self._content = content

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Begin to read."""
        return UploadReader(self._content)


class UploadReader:
    """Gives a body once."""

    def __init__(self, content: bytes) -> None:
        """Take the whole body."""
        self._parts = iter((content,))

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Return itself."""
        return self

    async def __anext__(self) -> bytes:
        """Return the body, then end."""
        for part in self._parts:
            return part
        raise StopAsyncIteration


class AsyncStream(httpcore.AsyncNetworkStream):
    """A connection that notes what the current attempt sends and reads."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        """Wrap a connection."""
        self._stream = stream
        self._socket: socket.socket | None = None
        self._is_flowing = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read once."""
        size = READ_BYTES if self._is_flowing else max_bytes
        data = note_read(await self._stream.read(size, timeout))
        self._is_flowing = len(data) >= max_bytes
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write a part of a request."""
        note_sent(buffer)
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Go on with TLS; httpcore alone would leave a cancelled connection open."""
        try:
            return AsyncStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._stream.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        """Return what the connection knows of itself."""
        if info != "is_readable":
            return self._stream.get_extra_info(info)
        # Asked before each request, of anyio, which finds out who the peer is each time.
        if self._socket is None:
            self._socket = self._stream.get_extra_info("socket")
        return self._socket is None or self._socket.fileno() < 0 or is_readable(self._socket)


class AsyncBackend(httpcore.AsyncNetworkBackend):
    """Opens connections that note what attempts send and read, on asyncio and on trio."""

    def __init__(self) -> None:
        """Open sockets as httpcore does."""
        # A type checker sees httpcore's stand-in for when anyio is missing.
        self._backend = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions = None,
    ) -> httpcore.AsyncNetworkStream:
        """Open a connection."""
        note_opened()
        return AsyncStream(
            await self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        )
