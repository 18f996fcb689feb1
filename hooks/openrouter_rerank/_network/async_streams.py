"""Connections of asyncio and trio, which record what the current attempt sends and reads."""

from __future__ import annotations

import ssl
from typing import cast

import anyio
import httpcore

from .deadline import record_opened, record_read, record_writing
from .readiness import is_readable, read_decrypted
from .streams import SocketOptions, StreamBase, unwrap_context

LAST_READ_SECONDS = 1.0
# As much as asyncio reads at once: with less, the rest would wait where nobody sees it.
ASYNC_READ_BYTES = 256 * 1024


class AsyncStream(StreamBase[httpcore.AsyncNetworkStream], httpcore.AsyncNetworkStream):
    """A connection that records what the current attempt sends and reads."""

    _is_refused = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - see ASYNC_READ_BYTES
        """Write what is held back, then read once."""
        if self._held:
            try:
                await self._write_held()
            except httpcore.WriteError:
                self._give_up_writing()
            if early := self._take_early():
                return early
        try:
            data = await self._receive(timeout)
        except httpcore.ReadError:
            record_read(b"")
            raise
        return record_read(data)

    async def _write_held(self) -> None:
        pieces = self._take_held()
        if len(pieces) == 1 and not self._may_be_refused():
            record_writing()
            await self._send(pieces[0])
            return
        failure: httpcore.WriteError | httpcore.WriteTimeout | None = None
        is_written = False
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._read_early, tasks.cancel_scope)
            try:
                while self._may_be_refused():
                    await anyio.lowlevel.checkpoint()
                # In one piece: asyncio then looks for a reply before each of its own writes, and
                # one write that finds the connection reset would lose the reply before it.
                for piece in pieces:
                    record_writing()
                    await self._send(piece)
                is_written = True
            except (httpcore.WriteError, httpcore.WriteTimeout) as error:
                # Raised here, it would come out in a group.
                failure = error
            if isinstance(failure, httpcore.WriteError) and self._tls is not None:
                # No read can begin now, but the one that is under way may get the refusal.
                tasks.cancel_scope.deadline = anyio.current_time() + LAST_READ_SECONDS
            else:
                tasks.cancel_scope.cancel()
        if failure is not None and not self._is_refused:
            raise failure
        if not is_written:
            self._give_up_writing()

    def _may_be_refused(self) -> bool:
        """
        Return whether something has come through TLS, such as an alert, before the request is sent.

        A peer that closes after an alert resets who writes, and then the alert cannot be read.
        """
        if self._tls is None or self._socket is None or self._socket.fileno() < 0:
            return False
        return not self._early.is_full and is_readable(self._socket)

    async def _read_early(self, writing: anyio.CancelScope) -> None:
        """Read what comes; end the writing once there is no use in it."""
        while not self._early.is_full:
            try:
                data = await self._receive(None)
            except httpcore.ReadError as error:
                decrypted = read_decrypted(self._tls)
                self._is_refused = self._feed_early(decrypted, None if decrypted else error)
                break
            self._is_refused = self._feed_early(data)
            # A write over TLS that is cut off lets anyio read no more, so all is read before.
            is_last = not data or self._tls is None or self._early.is_complete
            if self._is_refused and is_last:
                break
        if self._is_refused:
            writing.cancel()

    async def _receive(self, timeout: float | None) -> bytes:
        try:
            return await self._stream.read(ASYNC_READ_BYTES, timeout)
        except ssl.SSLError as error:
            # httpcore lets it through here, unlike on sync.
            raise httpcore.ReadError(str(error)) from error

    async def _send(self, data: bytes) -> None:
        try:
            await self._stream.write(data, self._write_timeout)
        except ssl.SSLError as error:
            raise httpcore.WriteError(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Hold data back until the next read."""
        self._hold(buffer, timeout)

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
        context = unwrap_context(ssl_context)
        try:
            stream = AsyncStream(await self._stream.start_tls(context, server_hostname, timeout))
            stream.refuse_http2()
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._stream.aclose()
            raise
        return stream


class AsyncBackend(httpcore.AsyncNetworkBackend):
    """Opens connections that record what attempts send and read, on asyncio and trio."""

    def __init__(self) -> None:
        """Open sockets as httpcore does."""
        # Type checkers see the class that httpcore defines for when anyio is missing.
        self._backend = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())
        self._opened: httpcore.AsyncNetworkStream | None = None

    async def aclose(self) -> None:
        """Close the connection that was opened last; one that is closed already stays so."""
        if self._opened is not None:
            await self._opened.aclose()

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
        self._opened = await self._backend.connect_tcp(
            host, port, timeout, local_address, socket_options
        )
        return AsyncStream(self._opened)
