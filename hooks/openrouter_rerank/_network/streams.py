"""Sockets whose reads and writes keep to the current attempt's deadline."""

import select
import socket
import ssl
from collections.abc import Iterable
from typing import Any, cast

import anyio
import httpcore

from .deadline import limit_timeout, record_opened, record_read, record_sent

# So small that a socket with any room in its buffer takes it in a step or two.
WRITE_BYTES = 64 * 1024
# The size of a read after one that was filled: a large reply is coming.
READ_BYTES = 256 * 1024
SocketOptions = Iterable[httpcore.SOCKET_OPTION] | None


def is_readable(connection: socket.socket) -> bool:
    """Return whether a read would return at once, with data or with the end of the stream."""
    # Windows has no poll. Where there is one, select takes no file numbers from 1024 on.
    if not hasattr(select, "poll"):
        return bool(select.select([connection], [], [], 0)[0])
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


class Stream(httpcore.NetworkStream):
    """A connection whose reads and writes end at the current attempt's deadline."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        """Wrap a stream of httpcore."""
        self._stream = stream
        self._is_large_reply = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read once."""
        # HTTP/1.1 needs no limit here, and each read costs a pass through httpcore and h11.
        size = READ_BYTES if self._is_large_reply else max_bytes
        data = record_read(self._stream.read(size, limit_timeout(timeout, httpcore.ReadTimeout)))
        self._is_large_reply = len(data) >= max_bytes
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write in chunks, so that a server that reads slowly has the timeout for each chunk."""
        record_sent(buffer)
        # A view: slices of bytes would be copies.
        view = memoryview(buffer)
        for start in range(0, len(view), WRITE_BYTES):
            chunk = cast("bytes", view[start : start + WRITE_BYTES])
            self._stream.write(chunk, limit_timeout(timeout, httpcore.WriteTimeout))

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
        return Stream(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """Return a property of the connection, such as its socket."""
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
        """Open a connection; each address of the host may take all the time that is left."""
        record_opened()
        timeout = limit_timeout(timeout, httpcore.ConnectTimeout)
        return Stream(self._backend.connect_tcp(host, port, timeout, local_address, socket_options))


class AsyncStream(httpcore.AsyncNetworkStream):
    """A connection that records what the current attempt sends and reads."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        """Wrap a stream of httpcore."""
        self._stream = stream
        self._socket: socket.socket | None = None
        self._is_large_reply = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read once."""
        size = READ_BYTES if self._is_large_reply else max_bytes
        data = record_read(await self._stream.read(size, timeout))
        self._is_large_reply = len(data) >= max_bytes
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write data."""
        record_sent(buffer)
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
        """Upgrade to TLS; httpcore alone would leave the connection open when this is cancelled."""
        try:
            return AsyncStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._stream.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        """Return a property of the connection, such as its socket."""
        if info != "is_readable":
            return self._stream.get_extra_info(info)
        # This is asked before each request, and anyio looks up the peer each time.
        if self._socket is None:
            self._socket = self._stream.get_extra_info("socket")
        return self._socket is None or self._socket.fileno() < 0 or is_readable(self._socket)


class AsyncBackend(httpcore.AsyncNetworkBackend):
    """Opens connections that record what attempts send and read, on asyncio and trio."""

    def __init__(self) -> None:
        """Open sockets as httpcore does."""
        # Type checkers see the class that httpcore defines for when anyio is missing.
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
        record_opened()
        return AsyncStream(
            await self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        )
