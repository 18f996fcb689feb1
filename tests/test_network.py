"""The wire: reads and writes that end at the deadline, and how far an attempt came."""

import select
import socket
import ssl
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import httpcore
import pytest
from openrouter_rerank._network.deadline import Attempt, current_attempt
from openrouter_rerank._network.streams import (
    READ_BYTES,
    AsyncBackend,
    AsyncStream,
    Backend,
    Stream,
    is_readable,
)
from openrouter_rerank._network.upload import Upload

FAR_SECONDS = 30.0
SOON_SECONDS = 0.05


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Listen on a port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def attempt() -> Iterator[Attempt]:
    """Make an attempt that has time."""
    with under(Attempt(time.monotonic() + FAR_SECONDS)) as attempt:
        yield attempt


@contextmanager
def under(attempt: Attempt | None) -> Generator[Attempt]:
    """Make an attempt the current one."""
    token = current_attempt.set(attempt)
    try:
        yield attempt or Attempt(None)
    finally:
        current_attempt.reset(token)


@contextmanager
def connect(listener: socket.socket) -> Generator[tuple[httpcore.NetworkStream, socket.socket]]:
    """Open a connection and give both of its ends."""
    stream = Backend().connect_tcp("127.0.0.1", read_port(listener), timeout=FAR_SECONDS)
    peer, _ = listener.accept()
    with peer:
        yield stream, peer
        stream.close()


def read_port(listener: socket.socket) -> int:
    """Return the port that is listened on."""
    return int(listener.getsockname()[1])


def read_state(attempt: Attempt) -> tuple[bool, bool, bool]:
    """Return how far an attempt came."""
    return attempt.is_opened, attempt.is_sent, attempt.is_answered


def make_context(side: int) -> ssl.SSLContext:
    """Make a TLS context that needs no certificate (RFC 5246, appendix F.1.1.1)."""
    context = ssl.SSLContext(side)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("aNULL:@SECLEVEL=0")
    return context


def echo_over_tls(peer: socket.socket) -> None:
    """Answer one message over TLS with the same."""
    with make_context(ssl.PROTOCOL_TLS_SERVER).wrap_socket(peer, server_side=True) as secure:
        secure.sendall(secure.recv(100))


def test_attempt_notes_how_far_it_came(listener: socket.socket, attempt: Attempt) -> None:
    """Opening, writing and reading a byte are noted, each in its turn."""
    states: list[tuple[bool, bool, bool]] = [read_state(attempt)]

    with connect(listener) as (stream, peer):
        states.append(read_state(attempt))
        stream.write(b"asked", FAR_SECONDS)
        states.append(read_state(attempt))
        assert peer.recv(100) == b"asked"
        peer.sendall(b"answered")
        assert stream.read(100, FAR_SECONDS) == b"answered"
        states.append(read_state(attempt))

    assert states == [
        (False, False, False),
        (True, False, False),
        (True, True, False),
        (True, True, True),
    ]


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
    """A connection that gives what it has as far as it is asked for, and keeps what was asked."""

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


def test_end_of_the_stream_is_no_answer(listener: socket.socket, attempt: Attempt) -> None:
    """A connection that closes without a byte has not answered."""
    with connect(listener) as (stream, peer):
        peer.close()
        data = stream.read(100, FAR_SECONDS)

    assert (data, attempt.is_answered) == (b"", False)


def test_connection_works_outside_of_attempts(listener: socket.socket) -> None:
    """Without a current attempt the timeouts are those that are given."""
    with under(None), connect(listener) as (stream, peer):
        stream.write(b"asked", FAR_SECONDS)
        peer.sendall(peer.recv(100))

        assert stream.read(100, FAR_SECONDS) == b"asked"


def test_timeout_alone_holds_without_a_deadline(listener: socket.socket) -> None:
    """An attempt without a deadline leaves the timeouts as they are."""
    with under(Attempt(None)), connect(listener) as (stream, _):
        began = time.monotonic()
        with pytest.raises(httpcore.ReadTimeout):
            stream.read(100, SOON_SECONDS)

        assert time.monotonic() - began < FAR_SECONDS / 2


@pytest.mark.parametrize("timeout", [None, FAR_SECONDS])
def test_deadline_cuts_a_read(listener: socket.socket, timeout: float | None) -> None:
    """A read ends at the deadline when that comes before its timeout, or when it has none."""
    with connect(listener) as (stream, _), under(Attempt(time.monotonic() + SOON_SECONDS)):
        began = time.monotonic()
        with pytest.raises(httpcore.ReadTimeout):
            stream.read(100, timeout)

        assert time.monotonic() - began < FAR_SECONDS / 2


def test_shorter_timeout_stays(listener: socket.socket, attempt: Attempt) -> None:
    """A timeout that is shorter than the time left is kept."""
    with connect(listener) as (stream, _):
        began = time.monotonic()
        with pytest.raises(httpcore.ReadTimeout):
            stream.read(100, SOON_SECONDS)

        assert time.monotonic() - began < FAR_SECONDS / 2


def test_nothing_is_done_after_the_deadline(listener: socket.socket) -> None:
    """Once the time is up no byte is read or written, and no connection opened."""
    with connect(listener) as (stream, peer), under(Attempt(time.monotonic())):
        peer.sendall(b"too late")

        with pytest.raises(httpcore.ReadTimeout, match="the deadline has passed"):
            stream.read(100)
        with pytest.raises(httpcore.WriteTimeout, match="the deadline has passed"):
            stream.write(b"asked")
        with pytest.raises(httpcore.ConnectTimeout, match="the deadline has passed"):
            stream.start_tls(make_context(ssl.PROTOCOL_TLS_CLIENT))
        with pytest.raises(httpcore.ConnectTimeout, match="the deadline has passed"):
            Backend().connect_tcp("127.0.0.1", read_port(listener))


def test_write_that_is_not_taken_ends_at_the_deadline(listener: socket.socket) -> None:
    """A peer that reads nothing cannot hold a write for longer than the time left."""
    with connect(listener) as (stream, _), under(Attempt(time.monotonic() + SOON_SECONDS)):
        began = time.monotonic()
        with pytest.raises(httpcore.WriteTimeout):
            stream.write(bytes(50_000_000), FAR_SECONDS)

        assert time.monotonic() - began < FAR_SECONDS / 2


def test_tls_connection_obeys_too(listener: socket.socket, attempt: Attempt) -> None:
    """What is read through TLS is noted, and ends at the deadline as well."""
    with connect(listener) as (plain, peer):
        server = threading.Thread(target=echo_over_tls, args=[peer])
        server.start()
        stream = plain.start_tls(make_context(ssl.PROTOCOL_TLS_CLIENT), "h", FAR_SECONDS)
        stream.write(b"asked")
        data = stream.read(100)
        server.join()
        with under(Attempt(time.monotonic())), pytest.raises(httpcore.ReadTimeout):
            stream.read(100)

        assert (data, attempt.is_answered) == (b"asked", True)
        assert stream.get_extra_info("ssl_object") is not None
        stream.close()


@pytest.mark.anyio
async def test_async_attempt_notes_how_far_it_came(
    listener: socket.socket, attempt: Attempt
) -> None:
    """The async half notes the same, over TLS too; its deadline is a cancel scope's."""
    stream = await AsyncBackend().connect_tcp("127.0.0.1", read_port(listener), FAR_SECONDS)
    peer, _ = listener.accept()
    states = [read_state(attempt)]
    assert stream.get_extra_info("ssl_object") is None

    server = threading.Thread(target=echo_over_tls, args=[peer])
    server.start()
    secure = await stream.start_tls(make_context(ssl.PROTOCOL_TLS_CLIENT), "h", FAR_SECONDS)
    await secure.write(b"asked", FAR_SECONDS)
    states.append(read_state(attempt))
    data = await secure.read(100, FAR_SECONDS)
    states.append(read_state(attempt))
    await secure.aclose()
    server.join()

    assert data == b"asked"
    assert [state[0] for state in states] == [True] * 3
    assert states[-1] == (True, True, True)


def test_old_connection_without_an_answer_is_stale() -> None:
    """A request that was sent over a connection opened before, and got no byte, met a stale one."""
    states = {
        (opened, sent, answered): make_attempt(opened, sent, answered).met_stale_connection
        for opened in (False, True)
        for sent in (False, True)
        for answered in (False, True)
    }

    assert [state for state, is_stale in states.items() if is_stale] == [(False, True, False)]


def make_attempt(opened: bool, sent: bool, answered: bool) -> Attempt:
    """Make an attempt that came so far."""
    attempt = Attempt(None)
    attempt.is_opened, attempt.is_sent, attempt.is_answered = opened, sent, answered
    return attempt


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("event", "state"),
    [
        ("connection.connect_tcp.started", (True, False, False)),
        ("connection.connect_unix_socket.started", (True, False, False)),
        ("http11.send_request_headers.started", (False, True, False)),
        ("http2.send_request_headers.started", (False, True, False)),
        ("http11.send_request_headers.complete", (False, False, False)),
        ("http11.receive_response_headers.started", (False, False, False)),
        ("http11.receive_response_headers.complete", (False, False, True)),
        ("connection.close.started", (False, False, False)),
    ],
)
async def test_trace_events_tell_the_same(event: str, state: tuple[bool, bool, bool]) -> None:
    """A transport of the caller's is watched by the events that httpcore sends, in both halves."""
    attempts = Attempt(None), Attempt(None)

    info = {"request": httpcore.Request("POST", "http://h/")}
    attempts[0].trace(event, info)
    await attempts[1].trace_async(event, info)

    assert [read_state(attempt) for attempt in attempts] == [state, state]


def test_a_tunnel_is_not_yet_the_request() -> None:
    """What a proxy is asked for does not count as sent."""
    attempt = make_attempt(opened=True, sent=False, answered=False)
    tunnel = httpcore.Request("CONNECT", "http://proxy/")

    attempt.trace("http11.send_request_headers.started", {"request": tunnel})

    assert attempt.failed_before_sending


@pytest.mark.anyio
async def test_body_of_a_request_can_be_sent_again() -> None:
    """Each attempt reads the whole body anew, and ends on its own."""
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
