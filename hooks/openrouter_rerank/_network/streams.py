"""Sockets whose reads and writes keep to the current attempt's deadline."""

import select
import socket
import ssl
from collections.abc import Iterable
from typing import Any, cast

import anyio
import httpcore

from .deadline import limit_timeout, record_opened, record_read, record_sent

# Few enough to fit into a socket's buffer in a step or two whenever that has room at all.
WRITE_BYTES = 64 * 1024
# What is read at once when as much as was asked for has come: a large reply is under way.
READ_BYTES = 256 * 1024
SocketOptions = Iterable[httpcore.SOCKET_OPTION] | None


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
        data = record_read(self._stream.read(size, limit_timeout(timeout, httpcore.ReadTimeout)))
        self._is_flowing = len(data) >= max_bytes
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write in parts, since a server that reads slowly gets the timeout for each."""
        record_sent(buffer)
        # A view: slices of bytes would be copies.
        parts = memoryview(buffer)
        for start in range(0, len(parts), WRITE_BYTES):
            part = cast("bytes", parts[start : start + WRITE_BYTES])
            self._stream.write(part, limit_timeout(timeout, httpcore.WriteTimeout))

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
        left = limit_timeout(timeout, httpcore.ConnectTimeout)
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
        record_opened()
        left = limit_timeout(timeout, httpcore.ConnectTimeout)
        return Stream(self._backend.connect_tcp(host, port, left, local_address, socket_options))


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
        data = record_read(await self._stream.read(size, timeout))
        self._is_flowing = len(data) >= max_bytes
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write a part of a request."""
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
        record_opened()
        return AsyncStream(
            await self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        )
