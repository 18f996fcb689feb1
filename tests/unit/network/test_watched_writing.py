"""What is read while a large request is written, piece by piece."""

import contextlib
import select
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import anyio
import httpcore
import pytest
from openrouter_rerank._network.async_streams import AsyncStream
from openrouter_rerank._network.readiness import wait_until_ready
from openrouter_rerank._network.streams import WRITE_BYTES, Stream, send_some
from unit.network.connecting import make_tls_pair

LARGE = b"b" * (WRITE_BYTES + 1)
INTERIM = b"HTTP/1.1 103 Early Hints\r\n\r\n"
REFUSAL = b"HTTP/1.1 413 Too Large\r\n\r\n"
LONG_SUCCESS = b"HTTP/1.1 200 OK\r\n\r\n" + bytes(WRITE_BYTES)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Give both ends of a connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield ours, theirs


def fill(connection: socket.socket) -> None:
    """Write until nothing more is taken."""
    with contextlib.suppress(BlockingIOError):
        while True:
            connection.send(LARGE)


def write_large(stream: Stream, timeout: float = 5.0) -> None:
    """Write a large request; it goes out with the next read."""
    stream.write(b"HEAD", timeout)
    stream.write(LARGE, timeout)


class Source(httpcore.NetworkStream):
    """A connection with a socket to watch, and replies of its own."""

    def __init__(self, connection: socket.socket, *replies: bytes | OSError) -> None:
        """Take the socket and what each read gives, or why it gives nothing."""
        self._connection = connection
        self._replies = list(replies)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Give the next reply."""
        reply = self._replies.pop(0)
        if isinstance(reply, OSError):
            self._connection.recv(max_bytes)
            raise httpcore.ReadError("nothing came") from reply
        return reply

    def get_extra_info(self, info: str) -> Any:
        """Return the socket."""
        return self._connection if info == "socket" else None


class AsyncSource(httpcore.AsyncNetworkStream):
    """An async connection that takes its time to write, and fails if told to."""

    def __init__(self, *replies: bytes, error: Exception | None = None) -> None:
        """Take what each read gives, and what a write raises."""
        self._replies = list(replies)
        self._error = error

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Give the next reply."""
        await anyio.lowlevel.checkpoint()
        return self._replies.pop(0)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """Let others run, then fail if told to."""
        for _ in range(10):
            await anyio.lowlevel.checkpoint()
        if self._error is not None:
            raise self._error


class ResetSource(httpcore.AsyncNetworkStream):
    """A connection over TLS that is reset while it is written, and then reads nothing more."""

    def __init__(self, tls: ssl.SSLObject) -> None:
        """Take the TLS layer, where something may wait."""
        self._tls = tls
        self._is_reset = anyio.Event()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Fail once the write has."""
        await self._is_reset.wait()
        raise httpcore.ReadError("broken")

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """Fail."""
        await anyio.lowlevel.checkpoint()
        self._is_reset.set()
        raise httpcore.WriteError("reset")

    def get_extra_info(self, info: str) -> Any:
        """Return the TLS layer."""
        return self._tls if info == "ssl_object" else None


@pytest.mark.anyio
async def test_refusal_that_waits_in_the_tls_layer_is_heard_after_a_reset() -> None:
    """Anyio reads no more over TLS after a write that failed, but what arrived before is there."""
    ours, theirs = make_tls_pair()
    theirs.write(REFUSAL)
    stream = AsyncStream(ResetSource(ours))
    await stream.write(b"HEAD")
    await stream.write(LARGE)

    assert await stream.read(100) == REFUSAL


def test_full_connection_is_read_until_it_is_refused(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    """An interim reply leaves a server that takes nothing its time; a refusal ends the writing."""
    ours, theirs = pair
    fill(ours)
    theirs.send(b"x")
    stream = Stream(Source(ours, INTERIM, REFUSAL))

    write_large(stream)

    assert stream.read(1000) == REFUSAL
    assert stream.get_extra_info("is_readable")


@pytest.mark.parametrize("reason", [ssl.SSLWantReadError(), BlockingIOError()])
def test_what_is_for_the_tls_layer_alone_does_not_end_the_writing(
    pair: tuple[socket.socket, socket.socket], reason: OSError
) -> None:
    """After a session ticket (RFC 8446, section 4.6.1) more is to be written."""
    ours, theirs = pair
    theirs.setblocking(False)
    theirs.send(b"x")
    stream = Stream(Source(ours, reason, LONG_SUCCESS))

    write_large(stream)

    assert stream.read(1000) == LONG_SUCCESS
    assert theirs.recv(2 * len(LARGE)) == b"HEAD" + LARGE


def test_connection_that_breaks_ends_the_writing(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    """A server that resets while it takes nothing is not waited for until the write timeout."""
    ours, theirs = pair
    fill(ours)
    theirs.send(b"x")
    stream = Stream(Source(ours, ConnectionResetError()))

    write_large(stream)

    with pytest.raises(httpcore.ReadError):
        stream.read(1000)


def test_full_connection_that_says_nothing_times_out(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    """A server that neither reads nor answers has the write timeout."""
    ours, _ = pair
    fill(ours)
    stream = Stream(Source(ours))

    write_large(stream, 0.001)

    with pytest.raises(httpcore.WriteTimeout):
        stream.read(1000)


@pytest.mark.anyio
async def test_long_success_is_not_read_to_its_end_while_writing() -> None:
    """What comes beyond a limit is read after all is written."""
    stream = AsyncStream(AsyncSource(LONG_SUCCESS, b"rest"))

    await stream.write(b"HEAD")
    await stream.write(LARGE)

    assert [await stream.read(1000), await stream.read(1000)] == [LONG_SUCCESS, b"rest"]


@pytest.mark.anyio
async def test_write_that_takes_too_long_is_a_timeout() -> None:
    """It comes out as httpcore raises it, and not in a group."""
    stream = AsyncStream(AsyncSource(LONG_SUCCESS, error=httpcore.WriteTimeout("slow")))

    await stream.write(b"HEAD")
    await stream.write(LARGE)

    with pytest.raises(httpcore.WriteTimeout, match="slow"):
        await stream.read(1000)


@pytest.mark.anyio
@pytest.mark.parametrize("body", [b"", LARGE], ids=["small", "large"])
async def test_write_that_tls_refuses_is_a_broken_connection(body: bytes) -> None:
    """What TLS raises at an async write does not come out raw, nor in a group."""
    stream = AsyncStream(AsyncSource(INTERIM, REFUSAL, REFUSAL, error=ssl.SSLError("alert")))

    await stream.write(b"HEAD")
    await stream.write(body)

    assert await stream.read(1000) in {INTERIM, REFUSAL}


@pytest.mark.parametrize("has_poll", [True, False])
def test_connection_is_waited_for(
    has_poll: bool,
    pair: tuple[socket.socket, socket.socket],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether it can be read or written is told, with poll and, as on Windows, without."""
    if not has_poll:
        monkeypatch.delattr(select, "poll", raising=False)
    ours, theirs = pair
    told = [wait_until_ready(ours, None, may_read=True)]
    fill(ours)
    told.append(wait_until_ready(ours, 0, may_read=True))
    theirs.send(b"x")
    told.append(wait_until_ready(ours, None, may_read=True))
    told.append(wait_until_ready(ours, 0, may_read=False))

    assert told == [(False, True), (False, False), (True, False), (False, False)]


def test_as_much_is_written_as_is_taken(pair: tuple[socket.socket, socket.socket]) -> None:
    """Nothing is not an error, but a connection that is gone is."""
    ours, theirs = pair
    some = send_some(ours, memoryview(b"some"))
    fill(ours)
    none = send_some(ours, memoryview(LARGE))
    theirs.close()

    assert (some, none) == (4, 0)
    with pytest.raises(httpcore.WriteError):
        send_some(ours, memoryview(b"more"))
