"""
HTTP/1.1 over one connection: requests in one packet where they fit, replies as they come.

httpcore's own class spends a quarter of a small call on trace events, locks and nested context
managers. A connection that is never shared needs none of them. Both use h11 for the protocol.
Pools close a connection that is not idle after a reply; nothing here does.
"""

import ssl
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any, Generic, TypeVar, cast

import h11
import httpcore

# How much httpcore reads at once, and its limit for a reply's head.
READ_BYTES = 64 * 1024
MAX_HEAD_BYTES = 100 * 1024
SWITCHING_PROTOCOLS = 101

S = TypeVar("S", httpcore.NetworkStream, httpcore.AsyncNetworkStream)
Extensions = dict[str, Any]
Head = h11.Response | h11.InformationalResponse


class Http11Protocol:
    """
    The state of the protocol on one connection, kept by h11. No I/O.

    Attributes:
        is_idle: Whether the last reply has ended and another request may follow.
    """

    def __init__(self) -> None:
        """Start before the first request."""
        self.is_idle = False
        self._must_close = False
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)

    def encode_request(self, request: httpcore.Request, body: Iterable[bytes]) -> bytes:
        """Return a request's bytes, head and body together, so that they fit into one packet."""
        self.is_idle = False
        try:
            head = h11.Request(
                method=request.method, target=request.url.target, headers=request.headers
            )
            events = [head, *(h11.Data(data=chunk) for chunk in body), h11.EndOfMessage()]
            return b"".join(self._h11.send(event) or b"" for event in events)
        except h11.LocalProtocolError as error:
            raise httpcore.LocalProtocolError(str(error)) from error

    def receive_data(self, data: bytes) -> None:
        """Pass on what was read; empty data means that the server closed the connection."""
        if not data and self._h11.their_state is h11.SEND_RESPONSE:
            raise httpcore.RemoteProtocolError("the server closed the connection without a reply")
        self._h11.receive_data(data)

    def read_head(self) -> Head | None:
        """Return the reply's head; None if more data is needed."""
        while True:
            event = self._next_event()
            if event is h11.NEED_DATA:
                return None
            # RFC 9110, section 15.2: any number of interim replies may come before the reply.
            if isinstance(event, h11.Response) or is_switching(event):
                return cast("Head", event)

    def read_body(self) -> bytes | None:
        """Return a chunk of the reply's body, empty if more data is needed; None at its end."""
        event = self._next_event()
        if event is h11.NEED_DATA:
            return b""
        return bytes(event.data) if isinstance(event, h11.Data) else None

    def _next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        try:
            return self._h11.next_event()
        except h11.RemoteProtocolError as error:
            raise httpcore.RemoteProtocolError(str(error)) from error

    def on_write_error(self) -> None:
        """
        Rule out further requests, since this one could not be written.

        A server may refuse a request before it has read all of it, so its reply is still read.
        """
        self._must_close = True

    def end_reply(self) -> None:
        """End the reply, and find out whether another request may follow."""
        states = {self._h11.our_state, self._h11.their_state}
        if states == {h11.DONE} and not self._must_close:
            self._h11.start_next_cycle()
            self.is_idle = True


def is_switching(event: object) -> bool:
    """Return whether a reply leaves HTTP, so that no other reply can follow it."""
    return isinstance(event, h11.InformationalResponse) and (
        event.status_code == SWITCHING_PROTOCOLS
    )


def make_response(
    head: Head, stream: object, content: Iterable[bytes] | AsyncIterable[bytes]
) -> httpcore.Response:
    """Return a reply as httpcore's class."""
    return httpcore.Response(
        head.status_code,
        headers=head.headers.raw_items(),
        content=content,
        extensions={
            "http_version": b"HTTP/" + head.http_version,
            "reason_phrase": head.reason,
            "network_stream": stream,
        },
    )


class Endpoint:
    """
    The server's end of a connection.

    Attributes:
        host: The server's name or address.
        port: The server's port.
        context: The TLS context; None without TLS.
    """

    def __init__(self, origin: httpcore.Origin, context: ssl.SSLContext | None) -> None:
        """Read the origin; the context is used for https only."""
        self.host = origin.host.decode("ascii")
        self.port = origin.port
        self.context = context if origin.scheme == b"https" else None
        if self.context is not None:
            self.context.set_alpn_protocols(["http/1.1"])


class ConnectionBase(Generic[S]):
    """What sync and async connections have in common."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Start without a stream."""
        self._endpoint = endpoint
        self._protocol = Http11Protocol()
        self._stream: S | None = None

    def is_idle(self) -> bool:
        """Return whether it is open and has no request."""
        return self._protocol.is_idle

    def has_expired(self) -> bool:
        """Return whether the server has closed the idle connection, or sent data on it."""
        return self._stream is not None and bool(self._stream.get_extra_info("is_readable"))

    def info(self) -> str:
        """Describe the connection."""
        return f"HTTP/1.1, {'IDLE' if self._protocol.is_idle else 'ACTIVE'}"


class Http11(ConnectionBase[httpcore.NetworkStream], httpcore.ConnectionInterface):
    """A sync connection, opened by its first request."""

    def __init__(self, endpoint: Endpoint, backend: httpcore.NetworkBackend) -> None:
        """Prepare a connection."""
        super().__init__(endpoint)
        self._backend = backend

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """
        Send a request and return its reply, whose body is still to be read.

        Raises:
            httpcore.NetworkError: The connection could not be opened, or broke.
            httpcore.ProtocolError: One side broke the rules of HTTP/1.1.
            httpcore.TimeoutException: A step took longer than the request allows.
        """
        extensions: Extensions = cast("Any", request).extensions
        timeouts = extensions.get("timeout", {})
        stream = self._stream or self._open(extensions, timeouts.get("connect"))
        body = cast("Iterable[bytes]", request.stream)
        try:
            # In no variable, since the head holds the key, and a cancelled call keeps its frames.
            stream.write(self._protocol.encode_request(request, body), timeouts.get("write"))
        except httpcore.WriteError:
            self._protocol.on_write_error()
        timeout = timeouts.get("read")
        while (head := self._protocol.read_head()) is None:
            self._protocol.receive_data(stream.read(READ_BYTES, timeout))
        return make_response(head, stream, ReplyBody(self._protocol, stream, timeout))

    def _open(self, extensions: Extensions, timeout: float | None) -> httpcore.NetworkStream:
        host, context = self._endpoint.host, self._endpoint.context
        name = extensions.get("sni_hostname") or host
        self._stream = self._backend.connect_tcp(host, self._endpoint.port, timeout)
        if context is not None:
            self._stream = self._stream.start_tls(context, name, timeout)
        return self._stream

    def close(self) -> None:
        """Close the connection."""
        self._protocol.is_idle = False
        if self._stream is not None:
            self._stream.close()


class ReplyBody:
    """A reply's body, read as it comes."""

    def __init__(
        self, protocol: Http11Protocol, stream: httpcore.NetworkStream, timeout: float | None
    ) -> None:
        """Read from a stream; each read may take `timeout` seconds, None for any time."""
        self._protocol = protocol
        self._stream = stream
        self._timeout = timeout

    def __iter__(self) -> Iterator[bytes]:
        """Read the body to its end."""
        while (chunk := self._protocol.read_body()) is not None:
            if chunk:
                yield chunk
            else:
                self._protocol.receive_data(self._stream.read(READ_BYTES, self._timeout))

    def close(self) -> None:
        """End the reply, read or not."""
        self._protocol.end_reply()


class AsyncHttp11(ConnectionBase[httpcore.AsyncNetworkStream], httpcore.AsyncConnectionInterface):
    """An async connection, opened by its first request."""

    def __init__(self, endpoint: Endpoint, backend: httpcore.AsyncNetworkBackend) -> None:
        """Prepare a connection."""
        super().__init__(endpoint)
        self._backend = backend

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Async `Http11.handle_request`."""
        extensions: Extensions = cast("Any", request).extensions
        timeouts = extensions.get("timeout", {})
        stream = self._stream or await self._open(extensions, timeouts.get("connect"))
        body = [chunk async for chunk in cast("AsyncIterable[bytes]", request.stream)]
        try:
            await stream.write(self._protocol.encode_request(request, body), timeouts.get("write"))
        except httpcore.WriteError:
            self._protocol.on_write_error()
        timeout = timeouts.get("read")
        while (head := self._protocol.read_head()) is None:
            self._protocol.receive_data(await stream.read(READ_BYTES, timeout))
        return make_response(head, stream, AsyncReplyBody(self._protocol, stream, timeout))

    async def _open(
        self, extensions: Extensions, timeout: float | None
    ) -> httpcore.AsyncNetworkStream:
        host, context = self._endpoint.host, self._endpoint.context
        name = extensions.get("sni_hostname") or host
        self._stream = await self._backend.connect_tcp(host, self._endpoint.port, timeout)
        if context is not None:
            self._stream = await self._stream.start_tls(context, name, timeout)
        return self._stream

    async def aclose(self) -> None:
        """Close the connection."""
        self._protocol.is_idle = False
        if self._stream is not None:
            await self._stream.aclose()


class AsyncReplyBody:
    """A reply's body, read as it comes."""

    def __init__(
        self, protocol: Http11Protocol, stream: httpcore.AsyncNetworkStream, timeout: float | None
    ) -> None:
        """Read from a stream; each read may take `timeout` seconds, None for any time."""
        self._protocol = protocol
        self._stream = stream
        self._timeout = timeout

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Read the body to its end."""
        while (chunk := self._protocol.read_body()) is not None:
            if chunk:
                yield chunk
            else:
                self._protocol.receive_data(await self._stream.read(READ_BYTES, self._timeout))

    async def aclose(self) -> None:
        """End the reply, read or not."""
        self._protocol.end_reply()
