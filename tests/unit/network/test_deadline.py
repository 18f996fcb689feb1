"""Reads and writes end at the deadline of the attempt."""

import socket
import ssl
import threading
import time

import httpcore
import pytest
from openrouter_rerank._network.deadline import Attempt
from openrouter_rerank._network.streams import (
    Backend,
    Stream,
)
from unit.network.connecting import (
    FAR_SECONDS,
    connect,
    echo_over_tls,
    make_context,
    read_port,
    under,
)

SOON_SECONDS = 0.05


def test_connection_works_outside_of_attempts(listener: socket.socket) -> None:
    """Without a current attempt the timeouts are those that are given."""
    with under(None), connect(listener) as (stream, peer):
        stream.write(b"asked", FAR_SECONDS)
        peer.sendall(b"answered")

        assert stream.read(100, FAR_SECONDS) == b"answered"
        assert peer.recv(100) == b"asked"


class RecordingStream(httpcore.NetworkStream):
    """A connection that keeps the timeouts of its reads, in seconds."""

    def __init__(self) -> None:
        """Begin with none."""
        self.timeouts: list[float | None] = []

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Keep the timeout."""
        self.timeouts.append(timeout)
        return b""


@pytest.mark.parametrize(
    ("left", "timeout", "expected"),
    [
        (None, SOON_SECONDS, SOON_SECONDS),
        (FAR_SECONDS, SOON_SECONDS, SOON_SECONDS),
        (None, None, None),
    ],
)
def test_shorter_timeout_stays(
    left: float | None, timeout: float | None, expected: float | None
) -> None:
    """A timeout is kept that is shorter than the time left, or that no deadline cuts."""
    recording = RecordingStream()

    with under(Attempt(None if left is None else time.monotonic() + left)):
        Stream(recording).read(100, timeout)

    assert recording.timeouts == [expected]


@pytest.mark.parametrize("timeout", [None, 2 * FAR_SECONDS])
def test_deadline_cuts_a_timeout(timeout: float | None) -> None:
    """A read gets the time that is left when its timeout is longer, or when it has none."""
    recording = RecordingStream()

    with under(Attempt(time.monotonic() + FAR_SECONDS)):
        Stream(recording).read(100, timeout)

    (given,) = recording.timeouts
    assert given is not None
    assert 0 < given <= FAR_SECONDS


def test_deadline_ends_a_read(listener: socket.socket) -> None:
    """A read without a timeout, to which nobody answers, ends at the deadline."""
    with (
        connect(listener) as (stream, _),
        under(Attempt(time.monotonic() + SOON_SECONDS)),
        pytest.raises(httpcore.ReadTimeout),
    ):
        stream.read(100)


def test_nothing_is_done_after_the_deadline(listener: socket.socket) -> None:
    """Once the time is up no byte is read or written, and no connection opened."""
    with connect(listener) as (stream, peer), under(Attempt(time.monotonic())):
        peer.sendall(b"too late")

        with pytest.raises(httpcore.ReadTimeout, match="the deadline has passed"):
            stream.read(100)
        stream.write(b"asked")
        with pytest.raises(httpcore.WriteTimeout, match="the deadline has passed"):
            stream.read(100)
        with pytest.raises(httpcore.ConnectTimeout, match="the deadline has passed"):
            stream.start_tls(make_context(ssl.PROTOCOL_TLS_CLIENT))
        with pytest.raises(httpcore.ConnectTimeout, match="the deadline has passed"):
            Backend().connect_tcp("127.0.0.1", read_port(listener))


def test_write_that_is_not_taken_ends_at_the_deadline(listener: socket.socket) -> None:
    """A peer that reads nothing cannot hold a write for longer than the time left."""
    with (
        connect(listener) as (stream, _),
        under(Attempt(time.monotonic() + SOON_SECONDS)),
    ):
        stream.write(bytes(50_000_000))
        with pytest.raises(httpcore.WriteTimeout):
            stream.read(100)


def test_tls_connection_obeys_too(listener: socket.socket, attempt: Attempt) -> None:
    """A read through TLS is recorded, and ends at the deadline as well."""
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
