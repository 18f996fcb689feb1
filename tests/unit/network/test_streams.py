"""What is read and written, and in which pieces."""

import select
import socket

import httpcore
import pytest
from openrouter_rerank._network.deadline import Attempt
from openrouter_rerank._network.streams import (
    READ_BYTES,
    AsyncBackend,
    AsyncStream,
    Stream,
    is_readable,
)
from openrouter_rerank._network.upload import Upload
from unit.network.connecting import FAR_SECONDS, connect, read_port


def test_what_is_held_back_goes_out_before_a_read(
    listener: socket.socket, attempt: Attempt
) -> None:
    """Nobody waits for the answer to a request that was not sent."""
    with connect(listener) as (stream, peer):
        stream.write(b"asked", FAR_SECONDS)
        peer.sendall(b"answered")
        assert stream.read(100, FAR_SECONDS) == b"answered"

        assert peer.recv(100) == b"asked"
        assert attempt.is_sent


@pytest.mark.anyio
async def test_what_is_held_back_goes_out_before_an_async_read(
    listener: socket.socket, attempt: Attempt
) -> None:
    """The async half does the same."""
    stream = await AsyncBackend().connect_tcp("127.0.0.1", read_port(listener), FAR_SECONDS)
    peer, _ = listener.accept()
    with peer:
        await stream.write(b"asked", FAR_SECONDS)
        peer.sendall(b"answered")
        assert await stream.read(100, FAR_SECONDS) == b"answered"
        await stream.aclose()

        assert peer.recv(100) == b"asked"
        assert attempt.is_sent


class Source(httpcore.NetworkStream):
    """A connection that gives at most what is asked for, and keeps the sizes asked for."""

    def __init__(self, size: int) -> None:
        """Begin with so many bytes."""
        self.asked: list[int] = []
        self._left = size

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Give some."""
        self.asked.append(max_bytes)
        given = min(self._left, max_bytes)
        self._left -= given
        return bytes(given)


class AsyncSource(httpcore.AsyncNetworkStream):
    """An async connection over a source."""

    def __init__(self, source: Source) -> None:
        """Take the source."""
        self._source = source

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Give some."""
        return self._source.read(max_bytes)


ASKED = [1000, READ_BYTES, 1000, 1000]


def test_large_replies_are_read_in_large_pieces() -> None:
    """After a full piece more is asked for at once, until less comes than httpcore asks for."""
    source = Source(1000 + 999)
    stream = Stream(source)

    pieces = [len(stream.read(1000)) for _ in ASKED]

    assert (source.asked, pieces) == (ASKED, [1000, 999, 0, 0])


@pytest.mark.anyio
async def test_large_replies_are_read_in_large_pieces_async() -> None:
    """Async connections do the same."""
    source = Source(1000 + 999)
    stream = AsyncStream(AsyncSource(source))

    pieces = [len(await stream.read(1000)) for _ in ASKED]

    assert (source.asked, pieces) == (ASKED, [1000, 999, 0, 0])


@pytest.mark.anyio
async def test_body_of_a_request_can_be_sent_again() -> None:
    """Each attempt reads the whole body again, and ends on its own."""
    upload = Upload(b"body")

    sent = [[part async for part in aiter(aiter(upload))] for _ in range(2)]

    assert sent == [[b"body"], [b"body"]]


@pytest.mark.parametrize("has_poll", [True, False])
def test_socket_that_can_be_read_is_noticed(
    has_poll: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of a connection can be read at once; with poll and, as on Windows, without."""
    if not has_poll:
        monkeypatch.delattr(select, "poll", raising=False)
    ours, theirs = socket.socketpair()
    with ours:
        before = is_readable(ours)
        theirs.close()

        assert (before, is_readable(ours)) == (False, True)
