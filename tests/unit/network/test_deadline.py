"""Reads, writes and attempts end at the deadline."""

import asyncio
import contextlib
import socket
import ssl
import threading
import time

import anyio
import httpcore
import pytest
from openrouter_rerank._network.deadline import Attempt, limit_time
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


class Work:
    """Something to wait for: ends after a number of seconds, and notes when it is cancelled."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.was_cancelled = False

    async def run(self) -> str:
        """Wait, then answer."""
        try:
            await anyio.sleep(self.seconds)
        except anyio.get_cancelled_exc_class():
            self.was_cancelled = True
            raise
        return "done"


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("seconds", [FAR_SECONDS, None])
def test_work_that_ends_in_time_gives_its_value(seconds: float | None, backend: str) -> None:
    """A limit that is not reached, and none at all, change nothing."""
    work = Work(0)

    assert anyio.run(limit_time, work.run(), seconds, backend=backend) == "done"
    assert not work.was_cancelled


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("seconds", [SOON_SECONDS, 0.0])
def test_work_that_takes_too_long_is_cancelled(seconds: float, backend: str) -> None:
    """At the limit the work is cancelled and gives nothing; the task goes on."""
    work = Work(FAR_SECONDS)

    async def main() -> tuple[str | None, str | None]:
        first = await limit_time(work.run(), seconds)
        return first, await limit_time(Work(0).run(), FAR_SECONDS)

    assert anyio.run(main, backend=backend) == (None, "done")
    assert work.was_cancelled


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_timeout_of_the_work_itself_is_raised(backend: str) -> None:
    """What the work raises comes through, a timeout too."""

    async def fail() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        anyio.run(limit_time, fail(), FAR_SECONDS, backend=backend)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_cancelling_from_outside_is_no_limit(backend: str) -> None:
    """Whoever cancels the task around it ends the task, and not only the work."""
    went_on: list[str | None] = []

    async def main() -> bool:
        with anyio.move_on_after(SOON_SECONDS) as scope:
            went_on.append(await limit_time(Work(FAR_SECONDS).run(), FAR_SECONDS))
        return scope.cancelled_caught

    assert anyio.run(main, backend=backend)
    assert not went_on


def test_both_limits_at_once_leave_no_cancellation_behind() -> None:
    """A limit of asyncio's own around it, reached at the same time, is still told of its end."""

    async def wait() -> None:
        async with asyncio.timeout(SOON_SECONDS):
            await limit_time(Work(FAR_SECONDS).run(), SOON_SECONDS)
            await anyio.sleep(FAR_SECONDS)

    async def main() -> int | None:
        with pytest.raises(TimeoutError):
            await wait()
        task = asyncio.current_task()
        return None if task is None else task.cancelling()

    assert asyncio.run(main()) == 0


def test_work_that_outlives_its_cancellation_keeps_its_value() -> None:
    """Work that ends well all the same gives its value, and the task is not left cancelled."""

    async def go_on() -> str:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(FAR_SECONDS)
        return "done"

    async def main() -> tuple[str | None, int | None]:
        value = await limit_time(go_on(), SOON_SECONDS)
        task = asyncio.current_task()
        return value, None if task is None else task.cancelling()

    assert asyncio.run(main()) == ("done", 0)


def test_cancelling_at_the_limit_ends_the_task() -> None:
    """A task that is cancelled while its late work is being cancelled does not go on."""

    async def be_cancelled_twice() -> None:
        task = asyncio.current_task()
        try:
            await asyncio.sleep(FAR_SECONDS)
        except asyncio.CancelledError:
            if task is not None:
                task.cancel()
            raise

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(limit_time(be_cancelled_twice(), SOON_SECONDS))
