"""Reading a body: limits, encodings, and what becomes of a body that breaks off."""

import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from random import Random
from typing import Any

import anyio
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrouter_rerank._call.defaults import DEFAULT_MAX_RESPONSE_BYTES
from openrouter_rerank._codec.response_body import (
    MOST_GZIP_MEMBERS,
    BodyError,
    BodyReader,
    read,
    read_async,
)
from openrouter_rerank.errors._base import read_text

LIMIT = 1000
GZIP = {"content-encoding": "gzip"}
BOMB = gzip.compress(bytes(10_000_000))


class Chunks(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that arrives in pieces, and breaks off if an error is among them."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        """Take the pieces."""
        self.pieces = pieces
        self.taken = 0

    def __iter__(self) -> Iterator[bytes]:
        """Give the pieces."""
        for piece in self.pieces:
            self.taken += 1
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the pieces."""
        for piece in self:
            yield piece


def read_both(
    *pieces: bytes | Exception, status: int = 200, headers: Any = None, limit: int = LIMIT
) -> bytes:
    """Read a reply in both ways, which have to agree."""
    outcomes: list[bytes | Exception] = []
    for is_async in (False, True):
        response = httpx.Response(status, headers=headers, stream=Chunks(*pieces))
        try:
            if is_async:
                outcomes.append(
                    anyio.run(read_async, response, BodyReader(response.headers, limit))
                )
            else:
                outcomes.append(read(response, BodyReader(response.headers, limit), lambda: False))
        except (BodyError, httpx.TransportError) as error:
            outcomes.append(error)
    first, second = outcomes

    assert (type(first), str(first)) == (type(second), str(second))
    if isinstance(first, Exception):
        raise first
    return first


MEMBERS = (
    gzip.compress(b"some ", mtime=0) + gzip.compress(b"", mtime=0) + gzip.compress(b"text", mtime=0)
)


@pytest.mark.parametrize("size", [1, 2, 17, 1000])
@pytest.mark.parametrize(
    "packed",
    [MEMBERS, MEMBERS + bytes(100), gzip.compress(b"some text\0", mtime=0)],
    ids=["members", "padding at the end", "zero inside"],
)
def test_members_of_gzip_are_one_body(packed: bytes, size: int) -> None:
    """Members one after the other, and padding, are taken (RFC 1952), cut anywhere."""
    pieces = [packed[start : start + size] for start in range(0, len(packed), size)]

    assert read_both(*pieces, headers=GZIP) == gzip.decompress(packed)


def test_padding_between_members_is_skipped() -> None:
    """Zeros may fill up a block before the next member, as gzip itself takes it."""
    packed = gzip.compress(b"a") + bytes(512) + gzip.compress(b"b") + bytes(512)

    assert read_both(packed, headers=GZIP, limit=len(packed)) == b"ab"


def test_bomb_in_a_later_member_is_stopped() -> None:
    """The limit holds for all members together, before they are inflated."""
    tracemalloc.start()
    with pytest.raises(BodyError, match="over the limit"):
        read_both(gzip.compress(b"a") + BOMB, headers=GZIP, limit=100_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 5_000_000


def test_members_are_counted() -> None:
    """A body of nothing but empty members does not keep the processor busy."""
    packed = gzip.compress(b"") * (MOST_GZIP_MEMBERS + 1)

    with pytest.raises(BodyError, match="more than 10000 gzip members"):
        read_both(packed, headers=GZIP, limit=len(packed))


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", " GZIP "])
def test_gzip_is_inflated(encoding: str) -> None:
    """Both names of gzip are known, in any case, and chunks may end anywhere."""
    packed = gzip.compress(b"some text")

    body = read_both(
        packed[:3], b"", packed[3:], headers={"content-encoding": encoding}, limit=len(packed)
    )

    assert body == b"some text"


def test_whole_window_of_gzip_is_inflated() -> None:
    """A stream may refer back as far as gzip allows, 32 KiB (RFC 1951, section 2)."""
    content = Random(0).randbytes(32_000) * 2  # noqa: S311 - no secret

    assert read_both(gzip.compress(content), headers=GZIP, limit=len(content)) == content


@pytest.mark.parametrize("headers", [{}, {"content-encoding": "identity"}])
def test_plain_body_is_joined(headers: dict[str, str]) -> None:
    """A body that is not encoded is what its chunks are."""
    assert read_both(b"some ", b"", b"text", headers=headers) == b"some text"


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip", "gzip,br", "nonsense"])
def test_encoding_that_was_not_asked_for_is_refused(encoding: str) -> None:
    """Anything but one layer of gzip is refused, and named."""
    with pytest.raises(BodyError, match=f"^content encoding '{encoding}' was not asked for"):
        read_both(b"x", headers={"content-encoding": encoding})


def test_default_limit_is_64_mebibytes() -> None:
    """The longest body that is accepted unless something else is set."""
    assert DEFAULT_MAX_RESPONSE_BYTES == 67_108_864


@pytest.mark.anyio
async def test_refused_reply_is_closed_and_ended() -> None:
    """On async a reply that is given up leaves no generator in the middle."""
    stream = Chunks(bytes(LIMIT + 1), b"rest")
    response = httpx.Response(200, stream=stream)

    with pytest.raises(BodyError, match=r"^body is over the limit"):
        await read_async(response, BodyReader(response.headers, LIMIT))

    assert response.is_closed
    assert stream.taken == 2


def test_limit_itself_is_allowed() -> None:
    """A body as long as the limit passes, one byte more does not."""
    assert len(read_both(bytes(LIMIT))) == LIMIT
    with pytest.raises(BodyError, match=r"^body is over the limit of 1000 bytes$"):
        read_both(bytes(LIMIT), b"x")


@pytest.mark.parametrize("length", ["1001", "0001001", "9" * 5000])
def test_announced_length_over_the_limit_is_refused_unread(length: str) -> None:
    """A body that says it is too long is not read at all."""
    stream = Chunks(b"x")
    response = httpx.Response(200, headers={"content-length": length}, stream=stream)

    with pytest.raises(BodyError, match=r"^body is over the limit of 1000 bytes$"):
        read(response, BodyReader(response.headers, LIMIT), lambda: False)

    assert stream.taken == 0


@pytest.mark.parametrize("length", ["1000", "0", "0001000", "999", "none", "-5000", "X5000"])
def test_announced_length_within_the_limit_is_read(length: str) -> None:
    """A length within the limit, or none that can be read, leaves the counting to the bytes."""
    assert read_both(b"x", headers={"content-length": length}) == b"x"


def test_bomb_is_stopped_before_it_fills_memory() -> None:
    """Inflating ends with the chunk that passes the limit."""
    reader = BodyReader(httpx.Headers(GZIP), 100_000)

    tracemalloc.start()
    try:
        with pytest.raises(BodyError, match=r"^body is over the limit of 100000 bytes"):
            reader.feed(BOMB)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 1_000_000


def test_limit_holds_for_the_bytes_as_sent() -> None:
    """A stream that inflates to nothing cannot go on for ever."""
    endless_name = b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * LIMIT

    with pytest.raises(BodyError, match=r"^body is over the limit"):
        read_both(endless_name, headers=GZIP)


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ((b"plain text",), "body is not valid gzip"),
        ((gzip.compress(b"text")[:-1],), "gzip body ends early"),
        ((b"\x1f\x8b",), "gzip body ends early"),
        ((gzip.compress(b"text")[:-8] + bytes(8),), "body is not valid gzip"),
        ((zlib.compress(b"text"),), "body is not valid gzip"),
        ((gzip.compress(b"a") + gzip.compress(b"b")[:-1],), "gzip body ends early"),
        ((gzip.compress(b"a"), b"more"), "body is not valid gzip"),
        ((gzip.compress(b"a") + bytes(9) + b"more",), "body is not valid gzip"),
    ],
)
def test_broken_gzip_is_refused(pieces: tuple[bytes, ...], message: str) -> None:
    """Bytes that are not one whole gzip stream are refused, and nothing of them is dropped."""
    with pytest.raises(BodyError, match=f"^{message}$"):
        read_both(*pieces, headers=GZIP)


def test_empty_body_may_be_called_gzip() -> None:
    """A body without a byte is empty, whatever it is called."""
    assert read_both(headers=GZIP) == b""


@pytest.mark.parametrize("error", [httpx.ReadError("reset"), httpx.RemoteProtocolError("cut")])
def test_success_that_breaks_off_is_an_error(error: Exception) -> None:
    """Half a success is none."""
    with pytest.raises(type(error), match=str(error)):
        read_both(b"half", error)


@pytest.mark.parametrize(
    ("pieces", "headers", "kept"),
    [
        ((b"half", httpx.ReadError("reset")), {}, b"half"),
        ((b"half", bytes(LIMIT)), {}, b"half"),
        ((b"x",), {"content-encoding": "br"}, b""),
        ((gzip.compress(b"text")[:-8],), GZIP, b"text"),
    ],
)
def test_error_keeps_what_arrived(
    pieces: tuple[bytes | Exception, ...], headers: dict[str, str], kept: bytes
) -> None:
    """The status of an error stands, whatever becomes of its body."""
    assert read_both(*pieces, status=503, headers=headers) == kept


def test_deadline_ends_the_reading_of_an_error() -> None:
    """Once the deadline has passed, half an error is no reply either."""
    response = httpx.Response(503, stream=Chunks(b"half", httpx.ReadTimeout("slow")))

    with pytest.raises(httpx.ReadTimeout):
        read(response, BodyReader(response.headers, LIMIT), lambda: True)


def test_deadline_ends_the_reading_between_chunks() -> None:
    """Once the deadline has passed, no further chunk is read."""
    stream = Chunks(b"some ", b"text")

    with pytest.raises(httpx.ReadTimeout, match=r"^the deadline has passed$"):
        read(httpx.Response(200, stream=stream), BodyReader(httpx.Headers(), LIMIT), lambda: True)

    assert stream.taken == 1


def test_body_that_was_used_up_is_missed() -> None:
    """A body that a caller's own hook has read and not kept cannot be had."""
    response = httpx.Response(200, stream=Chunks(b"text"))
    used = list(response.iter_raw())

    with pytest.raises(BodyError, match=r"^an event hook has used the body up; have it call read"):
        read(response, BodyReader(response.headers, LIMIT), lambda: False)

    assert used == [b"text"]


def test_body_that_was_read_already_is_measured() -> None:
    """A body that a caller's own hook has read is taken as it is, within the limit."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Chunks(b"some ", b"text"))

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        response = client.post("http://h")

    for limit in (9, 10):
        assert read(response, BodyReader(response.headers, limit), lambda: False) == b"some text"
        assert anyio.run(read_async, response, BodyReader(response.headers, limit)) == b"some text"
    with pytest.raises(BodyError, match=r"^body is over the limit of 8 bytes"):
        read(response, BodyReader(response.headers, 8), lambda: False)
    with pytest.raises(BodyError, match=r"^body is over the limit of 8 bytes"):
        anyio.run(read_async, response, BodyReader(response.headers, 8))


@pytest.mark.parametrize(
    ("content_type", "content", "text"),
    [
        ("text/html; charset=latin-1", b"\xe9", "é"),
        ("application/json", "é".encode(), "é"),
        ("application/json", b"\xff", "\ufffd"),
        ("text/html; charset=shift_jis", b"\x82\xa0\xff", "\u3042\ufffd"),
        ("text/html; charset=base64", b"x!", "x!"),
        ("text/html; charset=undefined", b"x", "x"),
        ("text/html; charset=idna", b"x", "x"),
        ("text/html; charset=rot13", b"x", "x"),
        ("text/html; charset=nonsense", b"x", "x"),
        ("text/html; charset=a\x00b", b"x", "x"),
        ("", b"x", "x"),
    ],
)
def test_text_is_read_in_any_character_set(content_type: str, content: bytes, text: str) -> None:
    """A character set that is none, or no text's, gives way to UTF-8."""
    response = httpx.Response(200, headers={"content-type": content_type}, content=content)

    assert read_text(response) == text


@given(st.text(st.characters(max_codepoint=255)), st.binary())
def test_any_character_set_gives_text(charset: str, content: bytes) -> None:
    """Reading a text never fails."""
    headers = [(b"content-type", f"text/html; charset={charset}".encode("latin-1"))]
    response = httpx.Response(200, headers=headers, content=content)

    assert isinstance(read_text(response), str)


@given(st.binary(max_size=300), st.lists(st.integers(0, 400), max_size=5))
def test_chunks_may_end_anywhere(content: bytes, ends: list[int]) -> None:
    """However a body is cut, it is put together again."""
    packed = gzip.compress(content)
    places = sorted({0, len(packed), *(end for end in ends if end < len(packed))})
    reader = BodyReader(httpx.Headers(GZIP), LIMIT)

    for start, end in pairwise(places):
        reader.feed(packed[start:end])

    assert reader.finish() == reader.partial_body == content
