"""What is read and written, and in which pieces."""

import select
import socket
import ssl
import threading

import httpcore
import pytest
from openrouter_rerank._network.async_streams import ASYNC_READ_BYTES, AsyncBackend, AsyncStream
from openrouter_rerank._network.deadline import Attempt
from openrouter_rerank._network.readiness import has_decrypted, is_readable
from openrouter_rerank._network.streams import (
    WRITE_BYTES,
    Backend,
    Stream,
)
from openrouter_rerank._network.upload import Upload
from unit.network.connecting import FAR_SECONDS, connect, make_context, read_port


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
    """A connection that keeps what is written and asked for, and fails to write if told to."""

    def __init__(self, error: Exception | None = None) -> None:
        """Take what a write raises."""
        self.asked: list[int] = []
        self.written: list[bytes] = []
        self._error = error

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Give a refusal."""
        self.asked.append(max_bytes)
        return b"refused"

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """Keep what is written, or fail."""
        if self._error is not None:
            raise self._error
        self.written.append(bytes(buffer))


class AsyncSource(httpcore.AsyncNetworkStream):
    """An async connection over a source."""

    def __init__(self, source: Source) -> None:
        """Take the source."""
        self._source = source

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Give a refusal."""
        return self._source.read(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """Keep what is written, or fail."""
        self._source.write(buffer)


LARGE = b"b" * (WRITE_BYTES + 1)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "written"),
    [(b"body", [b"HEADbody"]), (LARGE, [b"HEAD", LARGE[:WRITE_BYTES], LARGE[WRITE_BYTES:]])],
)
async def test_head_goes_out_with_the_body(body: bytes, written: list[bytes]) -> None:
    """A small request is one packet; a large body is not copied for that."""
    source, async_source = Source(), Source()
    stream, async_stream = Stream(source), AsyncStream(AsyncSource(async_source))

    for part in (b"HEAD", body, b""):
        stream.write(part)
        await async_stream.write(part)
    before = source.written, async_source.written
    assert before == ([], [])
    stream.read(1000)
    await async_stream.read(1000)

    assert [part for part in source.written if part] == written
    assert b"".join(async_source.written) == b"".join(written)
    assert (source.asked, set(async_source.asked)) == ([1000], {ASYNC_READ_BYTES})


@pytest.mark.anyio
async def test_answer_is_read_though_the_request_could_not_be_written() -> None:
    """A server that closes while it is written to has said why, and is not asked again."""
    source = Source(httpcore.WriteError("reset"))
    stream, async_stream = Stream(source), AsyncStream(AsyncSource(source))

    stream.write(b"asked")
    await async_stream.write(b"asked")

    assert (stream.read(100), await async_stream.read(100)) == (b"refused", b"refused")
    assert stream.get_extra_info("is_readable")
    assert async_stream.get_extra_info("is_readable")


@pytest.mark.anyio
async def test_http_2_is_refused(listener: socket.socket) -> None:
    """A server that chooses HTTP/2, which a caller's TLS context offers, is not spoken to."""

    def shake_hands() -> None:
        context = make_context(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["h2"])
        for _ in range(2):
            peer, _ = listener.accept()
            with context.wrap_socket(peer, server_side=True) as secure:
                assert secure.recv(100) == b""

    context = make_context(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["h2"])
    server = threading.Thread(target=shake_hands)
    server.start()
    port = read_port(listener)

    with pytest.raises(httpcore.ConnectError, match="HTTP/2"):
        Backend().connect_tcp("127.0.0.1", port).start_tls(context, "h", FAR_SECONDS)
    stream = await AsyncBackend().connect_tcp("127.0.0.1", port)
    with pytest.raises(httpcore.ConnectError, match="HTTP/2"):
        await stream.start_tls(context, "h", FAR_SECONDS)
    server.join()


def test_ended_tls_is_noticed() -> None:
    """A TLS layer that has read its end, or nonsense, has something to say."""
    incoming = ssl.MemoryBIO()
    tls = make_context(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(incoming, ssl.MemoryBIO())
    before = has_decrypted(tls)
    incoming.write(b"nonsense")

    assert (before, has_decrypted(tls)) == (False, True)


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
