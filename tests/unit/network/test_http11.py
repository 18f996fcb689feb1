"""HTTP/1.1 on one connection, sync and async, and beside httpcore's own."""

import ssl
from collections.abc import AsyncIterator, Coroutine, Iterator
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar, cast

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrouter_rerank._network.http11 import MAX_HEAD_BYTES, AsyncHttp11, Endpoint, Http11
from unit.network.wires import AsyncBackend, Backend, Wire

T = TypeVar("T")
ORIGIN = httpcore.Origin(b"http", b"h", 80)
HEAD = b"POST /rerank HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n"
HEADERS = [(b"Host", b"h"), (b"Content-Length", b"4")]
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
TIMEOUTS = {"connect": 1.0, "write": 2.0, "read": 3.0}


class Upload:
    """A request's body, sync and async."""

    def __init__(self, *chunks: bytes) -> None:
        """Take the chunks."""
        self.chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        """Give the chunks."""
        return iter(self.chunks)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the chunks."""
        for chunk in self.chunks:
            yield chunk


class Seen(NamedTuple):
    """What became of a request: the reply, or the kind of error."""

    status: int = 0
    reason: object = None
    version: object = None
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    error: type[Exception] | None = None
    is_idle: bool = False


def make_request(chunks: tuple[bytes, ...], headers: list[tuple[bytes, bytes]]) -> httpcore.Request:
    """Make a request with timeouts."""
    return httpcore.Request(
        "POST",
        "http://h/rerank",
        headers=headers,
        content=Upload(*chunks),
        extensions={"timeout": dict(TIMEOUTS)},
    )


def describe(response: httpcore.Response, body: bytes, *, is_idle: bool) -> Seen:
    """Describe a reply."""
    extensions: dict[str, Any] = cast("Any", response).extensions
    return Seen(
        response.status,
        extensions["reason_phrase"],
        extensions["http_version"],
        tuple(response.headers),
        body,
        is_idle=is_idle,
    )


class SyncHalf:
    """A sync connection of a class that can send requests."""

    def __init__(self, connection: Any) -> None:
        """Take the connection."""
        self.connection = connection

    def send(self, *chunks: bytes, headers: list[tuple[bytes, bytes]] = HEADERS) -> Seen:
        """Make a request and read its reply to the end."""
        try:
            response = self.connection.handle_request(make_request(chunks, headers))
            try:
                body = b"".join(response.stream)
            finally:
                response.stream.close()
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            return Seen(error=type(error), is_idle=self.connection.is_idle())
        return describe(response, body, is_idle=self.connection.is_idle())


class AsyncHalf:
    """An async connection of a class that can send requests; nothing on its way ever waits."""

    def __init__(self, connection: Any) -> None:
        """Take the connection."""
        self.connection = connection

    def send(self, *chunks: bytes, headers: list[tuple[bytes, bytes]] = HEADERS) -> Seen:
        """Make a request and read its reply to the end."""
        return finish(self._send(chunks, headers))

    async def _send(self, chunks: tuple[bytes, ...], headers: list[tuple[bytes, bytes]]) -> Seen:
        try:
            response = await self.connection.handle_async_request(make_request(chunks, headers))
            try:
                body = b"".join([part async for part in response.stream])
            finally:
                await response.stream.aclose()
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            return Seen(error=type(error), is_idle=self.connection.is_idle())
        return describe(response, body, is_idle=self.connection.is_idle())


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast("T", end.value)
    raise AssertionError("it waits")


ENDPOINT = Endpoint(ORIGIN, None)


def open_sync(wire: Wire, endpoint: Endpoint = ENDPOINT) -> SyncHalf:
    """Prepare a sync connection over a wire."""
    return SyncHalf(Http11(endpoint, Backend(wire)))


def open_async(wire: Wire, endpoint: Endpoint = ENDPOINT) -> AsyncHalf:
    """Prepare an async connection over a wire."""
    return AsyncHalf(AsyncHttp11(endpoint, AsyncBackend(wire)))


both = pytest.mark.parametrize("connect", [open_sync, open_async])


@both
def test_head_goes_out_with_the_body(connect: Any) -> None:
    """A request that is made of one part is one packet, with the timeouts that it came with."""
    wire = Wire(REPLY)

    seen = connect(wire).send(b"body")

    assert wire.written == [HEAD + b"body"]
    assert wire.timeouts == [2.0, 3.0]
    assert seen == Seen(200, b"OK", b"HTTP/1.1", ((b"Content-Length", b"2"),), b"{}", is_idle=True)


@both
def test_any_body_goes_out_with_its_head(connect: Any) -> None:
    """A body of several parts, one of unknown length, and none at all: one packet each."""
    wires = [Wire(REPLY), Wire(REPLY), Wire(REPLY)]
    chunked = [(b"Host", b"h"), (b"Transfer-Encoding", b"chunked")]
    empty = [(b"Host", b"h"), (b"Content-Length", b"0")]

    connect(wires[0]).send(b"bo", b"dy")
    connect(wires[1]).send(b"bo", b"dy", headers=chunked)
    connect(wires[2]).send(headers=empty)

    assert wires[0].written == [HEAD + b"body"]
    head, rest = wires[1].written[0].split(b"\r\n\r\n", 1)
    assert head == b"POST /rerank HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked"
    assert (rest, len(wires[1].written)) == (b"2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n", 1)
    assert wires[2].written == [b"POST /rerank HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"]


@both
def test_tls_is_for_the_hosts_name(connect: Any) -> None:
    """With a TLS context, the connection is secured once, for the name of the endpoint."""
    endpoint = Endpoint(httpcore.Origin(b"https", b"h", 443), ssl.create_default_context())
    wire = Wire(REPLY, REPLY)
    half = connect(wire, endpoint)

    statuses = [half.send(b"body").status for _ in range(2)]

    assert statuses == [200, 200]
    assert wire.tls_names == ["h"]


@both
def test_connection_is_used_again(connect: Any) -> None:
    """Requests follow each other on one connection, which then can be closed."""
    wire = Wire(REPLY, REPLY.replace(b"{}", b"[]"))
    half = connect(wire)

    bodies = [half.send(b"body").body, half.send(b"body").body]
    closing = getattr(half.connection, "close", None) or (lambda: finish(half.connection.aclose()))
    closing()

    assert bodies == [b"{}", b"[]"]
    assert wire.is_closed
    assert not half.connection.is_idle()


@both
def test_reply_is_read_though_the_request_could_not_be_sent(connect: Any) -> None:
    """A server that closes while it is written to has said why, and is not asked again."""
    refusal = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"
    wire = Wire(refusal, write_error=httpcore.WriteError("reset"))

    seen = connect(wire).send(b"body")

    assert (seen.status, seen.error, seen.is_idle) == (413, None, False)


@both
def test_reply_left_in_the_middle_ends_the_connection(connect: Any) -> None:
    """What is not read to its end would be taken for the next reply."""
    wire = Wire(REPLY[:-1])
    half = connect(wire)

    assert half.send(b"body") == Seen(error=httpcore.RemoteProtocolError)


@both
def test_connection_says_what_it_is_doing(connect: Any) -> None:
    """What httpcore's connection shows of itself tells whether a reply is under way."""
    half = connect(Wire(REPLY))

    before = half.connection.info()
    half.send(b"body")

    assert (before, half.connection.info()) == ("HTTP/1.1, ACTIVE", "HTTP/1.1, IDLE")


@both
def test_server_that_has_closed_is_noticed(connect: Any) -> None:
    """Something to read while nothing was asked can only be the end of the connection."""
    wire = Wire(REPLY)
    half = connect(wire)
    half.send(b"body")

    before = half.connection.has_expired()
    wire.is_readable = True

    assert (before, half.connection.has_expired()) == (False, True)


@both
@pytest.mark.parametrize(
    ("chunks", "headers"),
    [
        ((b"body",), [(b"Host", b"h"), (b"Content-Length", b"4"), (b"X", b"a\r\nY: b")]),
        ((b"body",), [(b"Content-Length", b"4")]),
        ((b"body and more",), HEADERS),
        ((b"bod",), HEADERS),
    ],
)
def test_request_that_is_no_request_is_refused(
    connect: Any, chunks: tuple[bytes, ...], headers: list[tuple[bytes, bytes]]
) -> None:
    """Bad headers, and a body of another length than said, are this side's fault."""
    assert connect(Wire(REPLY)).send(*chunks, headers=headers).error is httpcore.LocalProtocolError


@both
def test_head_without_end_is_refused(connect: Any) -> None:
    """A server cannot fill the memory with headers."""
    line = b"X: " + b"y" * 997
    wire = Wire(b"HTTP/1.1 200 OK\r\n", *[line + b"\r\n"] * 200)

    assert connect(wire).send(b"body").error is httpcore.RemoteProtocolError
    assert 0 < len(wire.said) < 200 - MAX_HEAD_BYTES // 1000


FIELDS = b"\r\nX-Ab: c d\r\nx-ab: e\r\n"
CHUNKED = b"HTTP/1.1 200 OK" + FIELDS + b"Transfer-Encoding: chunked\r\n\r\n"
REPLIES = [
    REPLY,
    b"HTTP/1.1 200 OK" + FIELDS + b"Content-Length: 10\r\n\r\n0123456789",
    CHUNKED + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK" + FIELDS + b"\r\nuntil the end",
    b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + REPLY,
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nrest",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
    CHUNKED + b"3\r\nab",
    CHUNKED + b"zz\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n",
    b"SSH-2.0-OpenSSH\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Le",
    b"",
    REPLY + REPLY,
    REPLY + b"garbage",
]


@given(data=st.data())
def test_replies_are_read_as_httpcore_reads_them(data: st.DataObject) -> None:
    """Whatever a server says, in whatever pieces, is the same to both halves and to httpcore."""
    reply = data.draw(st.sampled_from(REPLIES))
    cuts = data.draw(st.lists(st.integers(1, max(1, len(reply) - 1)), max_size=4, unique=True))
    edges = [0, *sorted(cuts), len(reply)]
    said = [reply[a:b] for a, b in pairwise(edges) if a < b]

    seen = [connect(Wire(*said)).send(b"body") for connect in (open_sync, open_async)]
    theirs = SyncHalf(httpcore.HTTP11Connection(ORIGIN, Wire(*said))).send(b"body")

    assert seen == [theirs, theirs]
