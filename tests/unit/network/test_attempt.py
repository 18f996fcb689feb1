"""How far an attempt got, by what crossed its connection."""

import socket
import ssl
import threading

import httpcore
import pytest
from openrouter_rerank._network.async_streams import AsyncBackend
from openrouter_rerank._network.deadline import Attempt
from unit.network.connecting import FAR_SECONDS, connect, echo_over_tls, make_context, read_port


def read_state(attempt: Attempt) -> tuple[bool, bool, bool]:
    """Return how far an attempt got."""
    return attempt.is_opened, attempt.is_sent, attempt.is_answered


def test_attempt_records_how_far_it_got(listener: socket.socket, attempt: Attempt) -> None:
    """Opening and reading a byte are recorded, and writing when it goes out, with the read."""
    states: list[tuple[bool, bool, bool]] = [read_state(attempt)]

    with connect(listener) as (stream, peer):
        states.append(read_state(attempt))
        stream.write(b"asked", FAR_SECONDS)
        states.append(read_state(attempt))
        peer.sendall(b"answered")
        assert stream.read(100, FAR_SECONDS) == b"answered"
        assert peer.recv(100) == b"asked"
        states.append(read_state(attempt))

    assert states == [
        (False, False, False),
        (True, False, False),
        (True, False, False),
        (True, True, True),
    ]


def test_request_that_got_no_answer_is_sent(listener: socket.socket, attempt: Attempt) -> None:
    """What was written counts as sent though the peer closes without a word."""
    with connect(listener) as (stream, peer):
        stream.write(b"asked", FAR_SECONDS)
        peer.shutdown(socket.SHUT_WR)

        assert stream.read(100, FAR_SECONDS) == b""
        assert read_state(attempt) == (True, True, False)


@pytest.mark.parametrize("said", [b"\x05\x01\x00", b"\x01\x04user", b"CONNECT h:443 HTTP/1.1"])
def test_what_a_proxy_is_told_is_not_the_request(
    said: bytes, listener: socket.socket, attempt: Attempt
) -> None:
    """Neither SOCKS nor the wish for a tunnel counts as sent."""
    with connect(listener) as (stream, peer):
        stream.write(said, FAR_SECONDS)
        peer.sendall(b"answered")
        stream.read(100, FAR_SECONDS)

        assert peer.recv(100) == said
        assert attempt.failed_before_sending


def test_end_of_the_stream_is_no_answer(listener: socket.socket, attempt: Attempt) -> None:
    """A connection that closes without a byte has not answered."""
    with connect(listener) as (stream, peer):
        peer.close()
        data = stream.read(100, FAR_SECONDS)

    assert (data, attempt.is_answered) == (b"", False)


@pytest.mark.anyio
async def test_async_attempt_records_how_far_it_got(
    listener: socket.socket, attempt: Attempt
) -> None:
    """The async half records the same, over TLS too; its deadline is a cancel scope's."""
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


def test_old_connection_that_breaks_at_once_is_stale() -> None:
    """A connection that was opened before, gives no byte and breaks at once was a stale one."""
    states = {
        (opened, sent, answered): make_attempt(opened, sent, answered).met_stale_connection
        for opened in (False, True)
        for sent in (False, True)
        for answered in (False, True)
    }

    assert [state for state, is_stale in states.items() if is_stale] == [(False, True, False)]


def make_attempt(opened: bool, sent: bool, answered: bool) -> Attempt:
    """Make an attempt that got this far."""
    attempt = Attempt(None)
    attempt.is_opened, attempt.is_sent, attempt.is_answered = opened, sent, answered
    attempt.written_at = attempt.broken_at = 1000.0
    return attempt


@pytest.mark.parametrize(
    ("after", "is_stale"), [(0.0, True), (0.1, True), (0.11, False), (2.0, False)]
)
def test_connection_that_breaks_later_is_not_stale(after: float, is_stale: bool) -> None:
    """Once the server may have been at work, the request is not sent again for nothing."""
    attempt = make_attempt(opened=False, sent=True, answered=False)

    attempt.written_at, attempt.broken_at = 0.0, after

    assert attempt.met_stale_connection is is_stale


def test_connection_that_is_not_known_to_have_broken_at_once_is_not_stale() -> None:
    """Without the times, as with a transport that reports little, nothing is proved."""
    attempts = [make_attempt(opened=False, sent=True, answered=False) for _ in range(2)]

    attempts[0].written_at, attempts[1].broken_at = None, None

    assert [attempt.met_stale_connection for attempt in attempts] == [False, False]


@pytest.mark.parametrize("part", ["headers", "body"])
def test_request_that_was_not_written_whole_met_a_stale_connection(part: str) -> None:
    """Nothing can come of a request whose end was never written, however long that took."""
    attempt = make_attempt(opened=False, sent=True, answered=False)
    attempt.written_at = None

    attempt.trace(f"http11.send_request_{part}.failed", {})

    assert attempt.met_stale_connection


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
    """The events of httpcore say the same of a transport of the caller's, in both halves."""
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
