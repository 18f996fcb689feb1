"""A server of raw sockets that fails as scripted, and counts what reaches it."""

import contextlib
import json
import os
import select
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, Self

RECEIVED_BYTES = 64 * 1024
STOP_SECONDS = 10.0
# Seconds of lingering: 0 makes close() send a reset (socket(7), SO_LINGER).
RESET = struct.pack("ii", 1, 0)


class PeerGoneError(Exception):
    """The client has left, or the server is to stop."""


@dataclass(frozen=True)
class Request:
    """A request as it arrived."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        """Return a header's only value; None if it was not sent."""
        found = [value for key, value in self.headers if key == name.lower()]
        assert len(found) < 2, f"{name} was sent twice"
        return found[0] if found else None


class Exchange:
    """One request with the connection to answer it on."""

    def __init__(self, connection: socket.socket, request: Request, stop: socket.socket) -> None:
        self.request = request
        self._connection = connection
        self._stop = stop

    def send(self, data: bytes) -> None:
        """Write it all; raise `PeerGoneError` if the client does not want it."""
        view = memoryview(data)
        while view:
            readable, writable, _ = select.select(
                [self._connection, self._stop], [self._connection], []
            )
            if readable and (self._stop in readable or self._is_closed()):
                raise PeerGoneError
            if writable:
                view = view[self._connection.send(view[:RECEIVED_BYTES]) :]

    def hold_packets(self, *, is_held: bool) -> None:
        """Hold back what is sent, to send it in one packet, where the system can (tcp(7))."""
        if sys.platform == "linux":
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, is_held)

    def pause(self, seconds: float | None = None) -> None:
        """Wait; forever with None. Raise `PeerGoneError` if the client leaves meanwhile."""
        readable, _, _ = select.select([self._connection, self._stop], [], [], seconds)
        if readable:
            raise PeerGoneError

    def hold(self) -> None:
        """Keep the connection open and read nothing until the server stops."""
        select.select([self._stop], [], [])
        raise PeerGoneError

    def sip(self, count: int, seconds: float) -> None:
        """Wait, then read a few bytes; raise `PeerGoneError` if the client leaves."""
        stopped, _, _ = select.select([self._stop], [], [], seconds)
        if stopped or not self._connection.recv(count):
            raise PeerGoneError

    def reset(self) -> None:
        """Break the connection off with a reset."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        raise PeerGoneError

    def _is_closed(self) -> bool:
        if isinstance(self._connection, ssl.SSLSocket):
            return False
        return not self._connection.recv(1, socket.MSG_PEEK)


class Fault(Protocol):
    """What is done with a request; returns whether the connection stays open."""

    def __call__(self, exchange: Exchange, /) -> bool:
        """Answer, or do not."""
        ...


class FaultServer:
    """
    Answers request after request from a script whose last entry repeats forever.

    Attributes:
        url: The API's address.
        requests: What arrived, in order.
        opened: How many connections were accepted.
        read: What is done with each connection before its first request is read.
    """

    def __init__(
        self,
        *script: Fault,
        tls: ssl.SSLContext | None = None,
        read: Callable[[Exchange], None] | None = None,
    ) -> None:
        """
        Listen on a free port of the loopback interface.

        Args:
            *script: What to do with each request.
            tls: Serve https with it.
            read: What to do with each connection before its first request is read.
        """
        self.requests: list[Request] = []
        self.opened = 0
        self._script = script
        self._tls = tls
        self.read = read
        self._open = 0
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._stop, self._stopper = socket.socketpair()
        scheme = "http" if tls is None else "https"
        self.origin = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"{self.origin}/api/v1"

    def __enter__(self) -> Self:
        """Begin to accept."""
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        """Break off whatever is in progress and wait for its end."""
        self._stopper.close()
        for thread in self._threads:
            thread.join(STOP_SECONDS)
            assert not thread.is_alive()
        self._listener.close()
        self._stop.close()

    def count_open(self) -> int:
        """Return how many connections are open now."""
        with self._changed:
            return self._open

    def wait_for_open(self, most: int, seconds: float = 5.0) -> bool:
        """Wait until at most so many connections are open; return whether that happened."""
        with self._changed:
            return self._changed.wait_for(lambda: self._open <= most, seconds)

    def wait_for_requests(self, count: int, seconds: float = 5.0) -> bool:
        """Wait until that many requests have arrived; return whether that happened."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.requests) >= count, seconds)

    def _spawn(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            readable, _, _ = select.select([self._listener, self._stop], [], [])
            if self._stop in readable:
                return
            connection, _ = self._listener.accept()
            # What is sent has arrived then, instead of waiting for the client's acknowledgement.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._changed:
                self.opened += 1
                self._open += 1
                self._changed.notify_all()
            self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        # The peer may leave, or refuse the certificate, at any moment.
        with contextlib.suppress(OSError, PeerGoneError, ValueError), self._wrap(connection) as tcp:
            if self.read is not None:
                self.read(Exchange(tcp, Request("", "", (), b""), self._stop))
            while (request := read_request(tcp, self._stop)) is not None:
                if not self._next_fault(request)(Exchange(tcp, request, self._stop)):
                    break
        with self._changed:
            self._open -= 1
            self._changed.notify_all()

    @contextmanager
    def _wrap(self, connection: socket.socket) -> Generator[socket.socket]:
        with connection:
            if self._tls is None:
                yield connection
            else:
                with self._tls.wrap_socket(
                    connection, server_side=True, do_handshake_on_connect=False
                ) as tcp:
                    self._shake_hands(tcp)
                    yield tcp

    def _shake_hands(self, tcp: ssl.SSLSocket) -> None:
        try:
            tcp.do_handshake()
        except ssl.SSLError:
            # Closed with something unread, it would reset the client, which loses the alert if it
            # has not read it yet.
            while self._stop not in select.select([tcp, self._stop], [], [])[0]:
                if not os.read(tcp.fileno(), RECEIVED_BYTES):
                    break
            raise

    def _next_fault(self, request: Request) -> Fault:
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
            return self._script[min(len(self.requests), len(self._script)) - 1]


def read_request(connection: socket.socket, stop: socket.socket) -> Request | None:
    """Read the next request; None if the client leaves or the server is to stop."""
    buffer = bytearray()
    while b"\r\n\r\n" not in buffer:
        if not (received := receive(connection, stop)):
            return None
        buffer += received
    head, _, body = bytes(buffer).partition(b"\r\n\r\n")
    start, *lines = head.decode("latin-1").split("\r\n")
    headers = [line.partition(":") for line in lines]
    pairs = tuple((name.lower(), value.strip()) for name, _, value in headers)
    length = int(dict(pairs).get("content-length", "0"))
    parts, size = [body], len(body)
    while size < length:
        if not (received := receive(connection, stop)):
            return None
        parts.append(received)
        size += len(received)
    method, target, _ = start.split(" ")
    return Request(method, target, pairs, b"".join(parts))


def receive(connection: socket.socket, stop: socket.socket) -> bytes:
    """Receive what there is; nothing if the client leaves or the server is to stop."""
    if not (isinstance(connection, ssl.SSLSocket) and connection.pending()):
        readable, _, _ = select.select([connection, stop], [], [])
        if stop in readable:
            return b""
    return connection.recv(RECEIVED_BYTES)


@contextmanager
def closed_port() -> Generator[int]:
    """Give a port that nobody listens on, and that nobody else can take."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
