"""HTTP/1.1 on one connection, sync and async, and beside httpcore's own."""

import ssl
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar, cast

import h11
import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrouter_rerank._network.connection import has_trailing_data
from openrouter_rerank._network.exchange import MAX_HEAD_BYTES
from openrouter_rerank._network.http11 import AsyncHttp11, Http11
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
    is_free: bool = False


def make_request(
    chunks: tuple[bytes, ...],
    headers: list[tuple[bytes, bytes]],
    method: str = "POST",
    url: str = "http://h/rerank",
    **extensions: Any,
) -> httpcore.Request:
    """Make a request with timeouts."""
    return httpcore.Request(
        method,
        url,
        headers=headers,
        content=Upload(*chunks),
        extensions={"timeout": TIMEOUTS, **extensions},
    )


def may_be_used(connection: Any) -> bool:
    """Return whether another request may follow on a connection of ours or httpcore's."""
    if isinstance(connection, httpcore.HTTP11Connection):
        return connection.is_available() and not has_trailing_data(connection)
    return bool(connection.is_free)


def describe(response: Any, body: bytes, connection: object) -> Seen:
    """Describe a reply."""
    return Seen(
        response.status,
        response.extensions["reason_phrase"],
        response.extensions["http_version"],
        tuple(response.headers),
        body,
        is_free=may_be_used(connection),
    )


class SyncHalf:
    """A sync connection of a class that can send requests."""

    def __init__(self, connection: Any) -> None:
        """Take the connection."""
        self.connection = connection

    def send(
        self, *chunks: bytes, headers: list[tuple[bytes, bytes]] = HEADERS, **more: Any
    ) -> Seen:
        """Make a request and read its reply to the end."""
        try:
            response = self.connection.handle_request(make_request(chunks, headers, **more))
            try:
                body = b"".join(response.stream)
            finally:
                response.stream.close()
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            return Seen(error=type(error), is_free=may_be_used(self.connection))
        except h11.LocalProtocolError:
            # httpcore has an error of its own for a head alone.
            assert isinstance(self.connection, httpcore.HTTP11Connection)
            return Seen(error=httpcore.LocalProtocolError)
        return describe(response, body, self.connection)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


class AsyncHalf:
    """An async connection of a class that can send requests; nothing on its way ever waits."""

    def __init__(self, connection: Any) -> None:
        """Take the connection."""
        self.connection = connection

    def send(
        self, *chunks: bytes, headers: list[tuple[bytes, bytes]] = HEADERS, **more: Any
    ) -> Seen:
        """Make a request and read its reply to the end."""
        if trace := more.get("trace"):

            async def tell(event: str, info: object) -> None:
                trace(event, info)

            more["trace"] = tell
        return finish(self._send(make_request(chunks, headers, **more)))

    async def _send(self, request: httpcore.Request) -> Seen:
        try:
            response = await self.connection.handle_async_request(request)
            try:
                body = b"".join([part async for part in response.stream])
            finally:
                await response.stream.aclose()
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            return Seen(error=type(error), is_free=may_be_used(self.connection))
        return describe(response, body, self.connection)

    def close(self) -> None:
        """Close the connection."""
        finish(self.connection.aclose())


def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast("T", end.value)
    raise AssertionError("it waits")


Half = SyncHalf | AsyncHalf


def open_sync(wire: Wire, context: ssl.SSLContext | None = None) -> Half:
    """Prepare a sync connection over a wire."""
    return SyncHalf(Http11(ORIGIN, context, Backend(wire)))


def open_async(wire: Wire, context: ssl.SSLContext | None = None) -> Half:
    """Prepare an async connection over a wire."""
    return AsyncHalf(AsyncHttp11(ORIGIN, context, AsyncBackend(wire)))


class Told:
    """Keeps what a trace function is told."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.events: list[str] = []
        self.infos: list[object] = []

    def trace(self, event: str, info: Mapping[str, object]) -> None:
        """Keep an event and the one thing that is said of it."""
        self.events.append(event)
        self.infos += info.values()


both = pytest.mark.parametrize("connect", [open_sync, open_async])


@both
def test_request_is_sent_and_its_reply_read(connect: Any) -> None:
    """Head and body are written, and the reply is read, each with its own timeout."""
    wire = Wire(REPLY)

    seen = connect(wire).send(b"body")

    assert wire.written == [HEAD, b"body"]
    assert wire.timeouts == [2.0, 2.0, 3.0]
    assert seen == Seen(200, b"OK", b"HTTP/1.1", ((b"Content-Length", b"2"),), b"{}", is_free=True)


@both
def test_any_body_is_sent(connect: Any) -> None:
    """A body may be of several parts, of unknown length, or empty."""
    wires = [Wire(REPLY), Wire(REPLY), Wire(REPLY)]
    chunked = [(b"Host", b"h"), (b"Transfer-Encoding", b"chunked")]
    empty = [(b"Host", b"h"), (b"Content-Length", b"0")]

    connect(wires[0]).send(b"bo", b"dy")
    connect(wires[1]).send(b"bo", b"dy", headers=chunked)
    connect(wires[2]).send(headers=empty)

    assert wires[0].written == [HEAD, b"bo", b"dy"]
    assert wires[1].written[1:] == [b"2\r\nbo\r\n", b"2\r\ndy\r\n", b"0\r\n\r\n"]
    assert wires[2].written == [b"POST /rerank HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"]


@both
@pytest.mark.parametrize(("given", "name"), [({}, "h"), ({"sni_hostname": "other"}, "other")])
def test_tls_is_for_the_hosts_name(connect: Any, given: dict[str, str], name: str) -> None:
    """With a TLS context the connection is secured once, for the host's name or a given one."""
    wire = Wire(REPLY, REPLY)
    half = connect(wire, ssl.create_default_context())

    statuses = [half.send(b"body", **given).status for _ in range(2)]

    assert statuses == [200, 200]
    assert wire.tls_names == [name]


@both
def test_connection_is_used_again(connect: Any) -> None:
    """Requests follow each other on one connection, which then can be closed."""
    wire = Wire(REPLY, REPLY.replace(b"{}", b"[]"))
    half = connect(wire)

    bodies = [half.send(b"body").body, half.send(b"body").body]
    half.close()

    assert bodies == [b"{}", b"[]"]
    assert wire.is_closed
    assert not half.connection.is_free


@both
@pytest.mark.parametrize(("length", "kept"), [(3, b"aaa"), (1024 * 1024, b"a" * 1024 * 1024)])
def test_connection_keeps_the_last_body(connect: Any, length: int, kept: bytes) -> None:
    """The memory of a body is used again in the next call, whose body takes its place."""
    half = connect(Wire(write_reply(length), write_reply(1024 * 1024 + 1)))
    last_bodies: list[bytes] = []

    for _ in range(2):
        half.send(b"body")
        last_bodies.append(half.connection.last_body)

    assert last_bodies == [kept, b""]


@both
def test_closed_connection_keeps_no_body(connect: Any) -> None:
    """What a server sent does not outlive the connection."""
    half = connect(Wire(REPLY))
    half.send(b"body")

    half.close()

    assert half.connection.last_body == b""


def write_reply(length: int) -> bytes:
    """Write a reply whose body is of that length."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (length, b"a" * length)


@both
def test_connection_that_was_never_opened_can_be_closed(connect: Any) -> None:
    """It is neither free nor expired."""
    half = connect(Wire())

    half.close()

    assert (half.connection.is_free, half.connection.has_expired()) == (False, False)


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
    assert connect(Wire(REPLY)).send(*chunks, headers=headers) == Seen(
        error=httpcore.LocalProtocolError
    )


@both
def test_head_without_end_is_refused(connect: Any) -> None:
    """A server cannot fill the memory with headers."""
    line = b"X: " + b"y" * 997
    wire = Wire(b"HTTP/1.1 200 OK\r\n", *[line + b"\r\n"] * 200)

    assert connect(wire).send(b"body").error is httpcore.RemoteProtocolError
    assert 0 < len(wire.said) < 200 - MAX_HEAD_BYTES // 1000


@both
def test_connection_that_leaves_http_is_not_used_again(connect: Any) -> None:
    """A server that is asked to may switch protocols; nothing of what follows is a reply."""
    upgrade = [*HEADERS, (b"Upgrade", b"x"), (b"Connection", b"upgrade")]
    reply = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nrest"

    seen = connect(Wire(reply)).send(b"body", headers=upgrade)

    assert (seen.status, seen.body, seen.is_free) == (101, b"", False)


@both
def test_trace_is_told_what_httpcore_tells(connect: Any) -> None:
    """The caller's function hears of each step in httpcore's order, and how it ended."""
    told, theirs = Told(), Told()
    half = connect(Wire(REPLY), ssl.create_default_context())
    origin = httpcore.Origin(b"https", b"h", 443)
    connection = httpcore.HTTPConnection(origin, network_backend=Backend(Wire(REPLY)))
    request = make_request((b"body",), HEADERS, url="https://h/rerank", trace=theirs.trace)

    half.send(b"body", trace=told.trace)
    connection.handle_request(request)

    assert told.events == theirs.events


@both
def test_trace_is_told_how_a_step_ended(connect: Any) -> None:
    """It gets what a step came to, or the error."""
    told, failed = Told(), Told()

    connect(Wire(REPLY)).send(b"body", trace=told.trace)
    connect(Wire(b"SSH-2.0-OpenSSH\r\n\r\n")).send(b"body", trace=failed.trace)

    assert told.events[-1] == "http11.receive_response_headers.complete"
    assert isinstance(told.infos[-1], h11.Response)
    assert failed.events[-1] == "http11.receive_response_headers.failed"
    assert isinstance(failed.infos[-1], httpcore.RemoteProtocolError)


FIELDS = b"\r\nX-Ab: c d\r\nx-ab: e\r\n"
CHUNKED = b"HTTP/1.1 200 OK" + FIELDS + b"Transfer-Encoding: chunked\r\n\r\n"
REPLIES = [
    REPLY,
    b"HTTP/1.1 200 OK" + FIELDS + b"Content-Length: 10\r\n\r\n0123456789",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    CHUNKED + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n" + CHUNKED[17:] + b"2\r\nde\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK" + FIELDS + b"\r\nuntil the end",
    b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + REPLY,
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nrest",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n",
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
    CHUNKED + b"3\r\nab",
    CHUNKED + b"zz\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
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
    method = data.draw(st.sampled_from(["POST", "POST", "GET", "HEAD"]))
    cuts = data.draw(st.lists(st.integers(1, max(1, len(reply) - 1)), max_size=4, unique=True))
    edges = [0, *sorted(cuts), len(reply)]
    said = [reply[a:b] for a, b in pairwise(edges) if a < b]

    seen = [
        connect(Wire(*said)).send(b"body", method=method) for connect in (open_sync, open_async)
    ]
    theirs = SyncHalf(httpcore.HTTP11Connection(ORIGIN, Wire(*said))).send(b"body", method=method)

    assert seen == [theirs, theirs]


HOST_FIELDS = [[(b"Host", b"h")], [(b"host", b"h")], [(b"Host", b"h"), (b"Host", b"h")], []]
LENGTHS = [b"4", b"4", b"04", b"4, 4", b"+4", b" 4", b"5", b"3", b"4" * 21, b""]
VALUES = [
    b"a",
    b"a b\tc",
    b"\xff\x80",
    b"",
    b" a",
    b"a ",
    b"a\r\nB: c",
    b"a\nB: c",
    b"a\x00",
    b"\x7f",
]
NAMES = [b"X-Ab", b"x-cd", b"!#$%&'*+-.^_`|~9z", b"Bad Name", b"", b"A:", b"\xff", b"X\r\nY"]
SPECIAL = [
    (b"Connection", b"keep-alive"),
    (b"Connection", b"Keep-Alive"),
    (b"connection", b"close"),
    (b"Transfer-Encoding", b"chunked"),
    (b"Expect", b"100-continue"),
    (b"Upgrade", b"x"),
    (b"Accept", b"*/*"),
]


@given(data=st.data())
def test_requests_are_written_as_httpcore_writes_them(data: st.DataObject) -> None:
    """Whatever the fields are, good or bad, both halves write what httpcore does, or refuse it."""
    length = data.draw(st.sampled_from([*[(b"Content-Length", each) for each in LENGTHS], None]))
    pairs = st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES))
    more = data.draw(st.lists(st.sampled_from(SPECIAL) | pairs, max_size=4))
    fields = [*data.draw(st.sampled_from(HOST_FIELDS)), *([length] if length else []), *more]
    headers = fields[::-1] if data.draw(st.booleans()) else fields
    chunks = data.draw(st.sampled_from([(b"body",), (b"bo", b"", b"dy"), (b"bodybody",), ()]))
    method = data.draw(st.sampled_from(["POST", "POST", "GET", "PO ST"]))
    url = data.draw(st.sampled_from(["http://h/rerank?a=b", "http://h/r r"]))
    wires = [Wire(REPLY), Wire(REPLY), Wire(REPLY)]
    halves = [open_sync(wires[0]), open_async(wires[1])]
    halves.append(SyncHalf(httpcore.HTTP11Connection(ORIGIN, wires[2])))

    seen = [half.send(*chunks, headers=headers, method=method, url=url) for half in halves]

    assert seen[0] == seen[1] == seen[2]
    written = [b"".join(wire.written) for wire in wires]
    assert written[0] == written[1] == written[2]
