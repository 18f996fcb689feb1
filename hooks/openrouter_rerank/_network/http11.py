"""
HTTP/1.1 on connections that carry one request at a time.

httpcore's own class is made to be shared: its locks, context managers and generators take a tenth
of a small call.
"""

import ssl
from collections.abc import AsyncIterator, Iterator
from typing import Any, Generic, NamedTuple, TypeVar

import httpcore

from .exchange import Exchange, Head, RawHeaders, Request
from .tracing import Step

# As httpcore has it: how much is read at once.
READ_BYTES = 64 * 1024
LARGEST_KEPT_BYTES = 1024 * 1024

S = TypeVar("S", httpcore.NetworkStream, httpcore.AsyncNetworkStream)


class Reply(NamedTuple):
    """What httpx's transports take of a reply, as `httpcore.Response` has it."""

    status: int
    headers: RawHeaders
    stream: "Body"
    extensions: dict[str, Any]


class Http11Base(Generic[S]):
    """
    What sync and async connections have in common.

    Attributes:
        is_free: Whether it is open, has no request, and nothing came after the last reply.
        stream: What it reads and writes; None before the first request.
        last_body: The body of the last reply, unless it is large. Freed with all else of a call,
            its memory would often be the end of the heap, which glibc gives back to the system and
            takes again in the next call, page by page: a tenth of a call of 1,000 documents.
    """

    def __init__(
        self, origin: httpcore.Origin, context: ssl.SSLContext | None, backend: Any
    ) -> None:
        """
        Prepare a connection; its first request opens it.

        Args:
            origin: The server.
            context: The TLS context; None without TLS.
            backend: Opens it.
        """
        self.is_free = False
        self.stream: S | None = None
        self.last_body = b""
        self._address = origin.host.decode("ascii"), origin.port
        self._context = context
        self._backend = backend

    def has_expired(self) -> bool:
        """Return whether the server has closed the idle connection, or sent data on it."""
        return self.stream is not None and bool(self.stream.get_extra_info("is_readable"))

    def keep(self, body: bytes) -> None:
        """Keep the body of a reply, or what was read of it, until the next one."""
        self.last_body = body if len(body) <= LARGEST_KEPT_BYTES else b""

    def _name_server(self, request: Request) -> str:
        """Return the name that the server's certificate has to have."""
        name: str | None = request.extensions.get("sni_hostname")
        return name or self._address[0]

    def _make_reply(self, head: Head, exchange: Exchange, timeout: float | None) -> Reply:
        """Return a reply, whose body is still to be read."""
        extensions = {
            "http_version": b"HTTP/" + head.http_version,
            "reason_phrase": head.reason,
            "network_stream": self.stream,
        }
        body = Body(self, exchange, timeout)
        return Reply(head.status_code, exchange.headers, body, extensions)


class Body:
    """The body of a reply, sync and async, read as it comes."""

    def __init__(
        self, connection: Http11Base[Any], exchange: Exchange, timeout: float | None
    ) -> None:
        """Take what to read from; each read may take `timeout` seconds, None for any time."""
        self._connection = connection
        self._stream: Any = connection.stream
        self._exchange = exchange
        self._timeout = timeout

    def __iter__(self) -> Iterator[bytes]:
        """Read to the end."""
        while (data := self._exchange.read_body()) is not None:
            if data:
                self._connection.keep(data)
                yield data
            else:
                self._exchange.receive(self._stream.read(READ_BYTES, self._timeout))

    def close(self) -> None:
        """End the reply, read or not."""
        self._connection.is_free = self._exchange.may_be_followed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Read to the end."""
        while (data := self._exchange.read_body()) is not None:
            if data:
                self._connection.keep(data)
                yield data
            else:
                self._exchange.receive(await self._stream.read(READ_BYTES, self._timeout))

    async def aclose(self) -> None:
        """Async `close`."""
        self.close()


class Http11(Http11Base[httpcore.NetworkStream]):
    """A sync connection."""

    def handle_request(self, request: Request) -> Reply:
        """
        Send a request and return its reply, whose body is still to be read.

        Raises:
            httpcore.NetworkError: The connection could not be opened, or broke.
            httpcore.ProtocolError: One side broke the rules of HTTP/1.1.
            httpcore.TimeoutException: A step took longer than the request allows.
        """
        timeouts = request.extensions.get("timeout", {})
        stream = self.stream or self._open(request, timeouts.get("connect"))
        self.is_free = False
        exchange, timeout = Exchange(), timeouts.get("write")
        # The head, which holds the key, is in no variable.
        with Step("http11.send_request_headers", request):
            stream.write(exchange.write_head(request), timeout)
        with Step("http11.send_request_body", request):
            for data in exchange.write_body(request.stream):
                stream.write(data, timeout)
        timeout = timeouts.get("read")
        with Step("http11.receive_response_headers", request) as step:
            while (head := exchange.read_head()) is None:
                exchange.receive(stream.read(READ_BYTES, timeout))
            step.outcome = head
        return self._make_reply(head, exchange, timeout)

    def _open(self, request: Request, timeout: float | None) -> httpcore.NetworkStream:
        stream: httpcore.NetworkStream
        with Step("connection.connect_tcp", request) as step:
            step.outcome = stream = self._backend.connect_tcp(*self._address, timeout)
        if self._context is not None:
            name = self._name_server(request)
            with Step("connection.start_tls", request) as step:
                step.outcome = stream = stream.start_tls(self._context, name, timeout)
        self.stream = stream
        return stream

    def close(self) -> None:
        """Close the connection."""
        self.is_free, self.last_body = False, b""
        if self.stream is not None:
            self.stream.close()


class AsyncHttp11(Http11Base[httpcore.AsyncNetworkStream]):
    """An async connection."""

    async def handle_async_request(self, request: Request) -> Reply:
        """Async `Http11.handle_request`."""
        timeouts = request.extensions.get("timeout", {})
        stream = self.stream or await self._open(request, timeouts.get("connect"))
        self.is_free = False
        exchange, timeout = Exchange(), timeouts.get("write")
        async with Step("http11.send_request_headers", request):
            await stream.write(exchange.write_head(request), timeout)
        async with Step("http11.send_request_body", request):
            for data in exchange.write_body([chunk async for chunk in request.stream]):
                await stream.write(data, timeout)
        timeout = timeouts.get("read")
        async with Step("http11.receive_response_headers", request) as step:
            while (head := exchange.read_head()) is None:
                exchange.receive(await stream.read(READ_BYTES, timeout))
            step.outcome = head
        return self._make_reply(head, exchange, timeout)

    async def _open(self, request: Request, timeout: float | None) -> httpcore.AsyncNetworkStream:
        stream: httpcore.AsyncNetworkStream
        async with Step("connection.connect_tcp", request) as step:
            step.outcome = stream = await self._backend.connect_tcp(*self._address, timeout)
        if self._context is not None:
            name = self._name_server(request)
            async with Step("connection.start_tls", request) as step:
                step.outcome = stream = await stream.start_tls(self._context, name, timeout)
        self.stream = stream
        return stream

    async def aclose(self) -> None:
        """Close the connection."""
        self.is_free, self.last_body = False, b""
        if self.stream is not None:
            await self.stream.aclose()
