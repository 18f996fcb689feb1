"""The cheapest possible call: a socket, orjson, and just enough HTTP to find the reply's end."""

import asyncio
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

from .canned import API_KEY, MODEL, QUERY

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"
CHUNK_BYTES = 256 * 1024


class Request:
    """Writes requests to one URL."""

    def __init__(self, base_url: str) -> None:
        """Parse the URL."""
        parts = urlsplit(base_url)
        self.address = parts.hostname or "", parts.port or 0
        self.is_secure = parts.scheme == "https"
        self._head = (
            f"POST {parts.path}/rerank HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Authorization: Bearer {API_KEY}\r\nContent-Type: application/json\r\n"
            "Content-Length: "
        ).encode()

    def write(self, documents: list[str]) -> bytes:
        """Write a request."""
        import orjson

        body = orjson.dumps({"model": MODEL, "query": QUERY, "documents": documents})
        return b"%b%d%b%b" % (self._head, len(body), END_OF_HEAD, body)


class Reply:
    """Collects the bytes of one reply."""

    def __init__(self) -> None:
        """Begin with none."""
        self._data = bytearray()
        self._start = self._end = 0

    def feed(self, data: bytes) -> bool:
        """Take the next bytes; tell whether the reply is complete."""
        self._data += data
        if not self._end and (head_end := self._data.find(END_OF_HEAD)) >= 0:
            head = bytes(self._data[:head_end]).lower()
            if not head.startswith(b"http/1.1 200 "):
                raise ValueError(f"not a 200: {head[:60]!r}")
            at = head.index(LENGTH) + len(LENGTH)
            self._start = head_end + len(END_OF_HEAD)
            self._end = self._start + int(head[at:].split(b"\r", 1)[0])
        return bool(self._end) and len(self._data) >= self._end

    def decode(self) -> Any:
        """Decode the body."""
        import orjson

        return orjson.loads(memoryview(self._data)[self._start : self._end])


class Floor:
    """One blocking connection."""

    def __init__(self, base_url: str) -> None:
        """Connect."""
        self._request = Request(base_url)
        self._socket = socket.create_connection(self._request.address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._request.is_secure:
            context = ssl.create_default_context()
            host = self._request.address[0]
            self._socket = context.wrap_socket(self._socket, server_hostname=host)

    def call(self, documents: list[str]) -> Any:
        """Send a request and decode the reply."""
        self._socket.sendall(self._request.write(documents))
        reply = Reply()
        while not reply.feed(receive(self._socket)):
            pass
        return reply.decode()

    def close(self) -> None:
        """Disconnect."""
        self._socket.close()


def receive(connection: socket.socket) -> bytes:
    """Receive something."""
    if data := connection.recv(CHUNK_BYTES):
        return data
    raise ConnectionError("the server closed the connection")


class Connection(asyncio.Protocol):
    """A connection of an event loop that carries one request at a time."""

    def __init__(self) -> None:
        """Wait for the connection."""
        self._reply = Reply()
        self._done: asyncio.Future[Any] | None = None
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = transport

    def send(self, request: bytes) -> asyncio.Future[Any]:
        """Send a request; the future holds the decoded reply."""
        self._reply = Reply()
        self._done = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._done

    def data_received(self, data: bytes) -> None:
        """Take bytes of the reply."""
        if self._reply.feed(data) and self._done:
            self._done.set_result(self._reply.decode())

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the request that waits."""
        if self._done and not self._done.done():
            self._done.set_exception(exc or ConnectionError("the server closed the connection"))

    def close(self) -> None:
        """Disconnect."""
        self._transport.close()


class AsyncFloor:
    """As many connections as calls at once, the last one used first."""

    def __init__(self, base_url: str) -> None:
        """Begin with none."""
        self._request = Request(base_url)
        self._context = ssl.create_default_context() if self._request.is_secure else None
        self._idle: list[Connection] = []

    async def call(self, documents: list[str]) -> Any:
        """Send a request and decode the reply."""
        connection = self._idle.pop() if self._idle else await self._connect()
        reply = await connection.send(self._request.write(documents))
        self._idle.append(connection)
        return reply

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        host, port = self._request.address
        return (await loop.create_connection(Connection, host, port, ssl=self._context))[1]

    async def aclose(self) -> None:
        """Disconnect."""
        for connection in self._idle:
            connection.close()
