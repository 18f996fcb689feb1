"""Connections whose reads and writes keep to the current attempt's deadline."""

import socket
import ssl
from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar, cast

import httpcore

from .addresses import connect_in_time
from .deadline import (
    limit_timeout,
    record_opened,
    record_read,
    record_sent,
    record_unwritten,
    record_writing,
)
from .early_reply import EarlyReply
from .readiness import has_decrypted, is_readable, wait_until_ready

# So small that a socket with any room in its buffer takes it in a step or two.
WRITE_BYTES = 64 * 1024
HTTP2_REFUSAL = (
    "the server speaks HTTP/2, which the TLS context offers and this client does not speak"
)
SocketOptions = Iterable[httpcore.SOCKET_OPTION] | None
S = TypeVar("S", httpcore.NetworkStream, httpcore.AsyncNetworkStream)


class OwnContext(ssl.SSLContext):
    """
    What httpcore gets instead of a TLS context, since it sets the protocols of ALPN on it.

    Attributes:
        used: The context that is used, and left as it is.
    """

    used: ssl.SSLContext


def wrap_context(context: ssl.SSLContext | None) -> ssl.SSLContext | None:
    """Return a context that httpcore may change, for our streams to use the given one, if any."""
    if context is None:
        return None
    own = OwnContext(ssl.PROTOCOL_TLS_CLIENT)
    own.used = context
    return own


def unwrap_context(context: ssl.SSLContext) -> ssl.SSLContext:
    """Return the context that is to be used."""
    return context.used if isinstance(context, OwnContext) else context


class StreamBase(Generic[S]):
    """
    What sync and async connections have in common.

    A request's head and its body are written separately. They are held back until the reply is
    read, and go out together: a packet less, and no cancelled call leaves a frame of the HTTP code
    in which the head stands, and the key with it.
    """

    def __init__(self, stream: S) -> None:
        """Wrap a stream of httpcore."""
        self._stream: S = stream
        # Asked once, since anyio looks up the peer each time.
        self._socket: socket.socket | None = stream.get_extra_info("socket")
        self._tls: Any = stream.get_extra_info("ssl_object")
        self._held: list[bytes] = []
        self._write_timeout: float | None = None
        self._is_broken = False
        self._early = EarlyReply()
        self._early_error: httpcore.ReadError | None = None

    def _hold(self, data: bytes, timeout: float | None) -> None:
        self._held.append(data)
        self._write_timeout = timeout

    def _take_held(self) -> list[bytes]:
        """Return what is held back in one piece, unless a large body would be copied for that."""
        record_sent(self._held[0])
        is_small = sum(map(len, self._held)) <= WRITE_BYTES
        pieces, self._held = [b"".join(self._held)] if is_small else self._held, []
        return pieces

    def _give_up_writing(self) -> None:
        """Note that the server does not take all of the request: see what it says about that."""
        self._is_broken = True
        record_unwritten()

    def _feed_early(self, data: bytes, error: httpcore.ReadError | None = None) -> bool:
        """Keep what came while writing, or why nothing can; return whether to stop writing."""
        self._early_error = error
        return self._early.feed(data)

    def _take_early(self) -> bytes:
        """
        Return what came while writing, if anything did.

        Raises:
            httpcore.ReadError: The connection broke, or TLS refused it, which is said once only.
        """
        if self._early_error is not None and not self._early.data:
            record_read(b"")
            raise self._early_error
        return record_read(self._early.take()) if self._early.data else b""

    def refuse_http2(self) -> None:
        """
        Refuse a server that chose HTTP/2, which only a caller's context can have offered.

        Raises:
            httpcore.ConnectError: It did.
        """
        if self._tls is not None and self._tls.selected_alpn_protocol() == "h2":
            raise httpcore.ConnectError(HTTP2_REFUSAL)

    def _has_unread(self) -> bool:
        """Return whether the peer has closed the idle connection, or sent data on it."""
        if self._is_broken or self._socket is None or self._socket.fileno() < 0:
            return True
        return has_decrypted(self._tls) or is_readable(self._socket)

    def get_extra_info(self, info: str) -> Any:
        """Return a property of the connection, such as its socket."""
        return self._has_unread() if info == "is_readable" else self._stream.get_extra_info(info)


class Stream(StreamBase[httpcore.NetworkStream], httpcore.NetworkStream):
    """A connection whose reads and writes end at the current attempt's deadline."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Write what is held back, then read once."""
        if self._held:
            try:
                self._write_held()
            except httpcore.WriteError:
                self._give_up_writing()
            if early := self._take_early():
                return early
        timeout = limit_timeout(timeout, httpcore.ReadTimeout)
        try:
            data = self._stream.read(max_bytes, timeout)
        except httpcore.ReadError:
            record_read(b"")
            raise
        return record_read(data)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Hold data back until the next read."""
        self._hold(buffer, timeout)

    def _write_held(self) -> None:
        pieces = self._take_held()
        # Without a socket of its own, as with TLS inside TLS, nothing can be read meanwhile.
        watched = None if isinstance(self._tls, ssl.SSLObject) else self._socket
        if watched is None or len(pieces) == 1:
            # In chunks, so that a server that reads slowly has the timeout for each of them.
            for chunk in cut(pieces):
                timeout = limit_timeout(self._write_timeout, httpcore.WriteTimeout)
                record_writing()
                self._stream.write(cast("bytes", chunk), timeout)
        elif not all(self._write_watching(memoryview(piece), watched) for piece in pieces):
            self._give_up_writing()

    def _write_watching(self, data: memoryview, watched: socket.socket) -> bool:
        """Write, and read what comes meanwhile; return False once there is no use in writing."""
        while data:
            timeout = limit_timeout(self._write_timeout, httpcore.WriteTimeout)
            can_read, can_write = wait_until_ready(
                watched, timeout, may_read=not self._early.is_full
            )
            if can_read and self._read_early():
                return False
            if can_write:
                record_writing()
                data = data[send_some(watched, data) :]
            elif not can_read:
                raise httpcore.WriteTimeout("timed out")
        return True

    def _read_early(self) -> bool:
        """Read what has come; return whether there is no use in writing."""
        try:
            data = self._stream.read(WRITE_BYTES, 0)
        except httpcore.ReadError as error:
            # What came may have been for the TLS layer alone, such as a session ticket.
            if isinstance(error.__cause__, BlockingIOError | ssl.SSLWantReadError):
                return False
            return self._feed_early(b"", error)
        return self._feed_early(data)

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Upgrade to TLS."""
        timeout = limit_timeout(timeout, httpcore.ConnectTimeout)
        context = unwrap_context(ssl_context)
        stream = Stream(self._stream.start_tls(context, server_hostname, timeout))
        try:
            stream.refuse_http2()
        except httpcore.ConnectError:
            stream.close()
            raise
        return stream


class Backend(httpcore.NetworkBackend):
    """Opens connections that end at the current attempt's deadline."""

    def __init__(self) -> None:
        """Open sockets as httpcore does."""
        self._backend = httpcore.SyncBackend()
        self._opened: httpcore.NetworkStream | None = None

    def close(self) -> None:
        """Close the connection that was opened last; one that is closed already stays so."""
        if self._opened is not None:
            self._opened.close()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions = None,
    ) -> httpcore.NetworkStream:
        """Open a connection; all addresses of the host share the time that is left."""
        record_opened()

        def connect(address: str, seconds: float | None) -> httpcore.NetworkStream:
            return self._backend.connect_tcp(address, port, seconds, local_address, socket_options)

        timeout = limit_timeout(timeout, httpcore.ConnectTimeout)
        self._opened = connect_in_time(host, port, timeout, connect)
        return Stream(self._opened)


def cut(pieces: list[bytes]) -> Iterator[memoryview]:
    """Cut pieces into chunks; views, since slices of bytes would be copies."""
    for piece in pieces:
        view = memoryview(piece)
        for start in range(0, len(view), WRITE_BYTES):
            yield view[start : start + WRITE_BYTES]


def send_some(connection: socket.socket, data: memoryview) -> int:
    """
    Write what a connection takes at once; return the number of bytes.

    Raises:
        httpcore.WriteError: The connection is broken.
    """
    connection.settimeout(0)
    try:
        return connection.send(data)
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return 0
    except OSError as error:
        raise httpcore.WriteError(str(error)) from error
