"""Reading and inflating a reply's body under a size limit."""

import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import cast

import httpx

from openrouter_rerank._network.exchange import RawHeaders

# RFC 9110, section 8.4.1.3: both names mean the same.
GZIP_ENCODINGS = frozenset({b"gzip", b"x-gzip"})
GZIP_WINDOW = 16 + zlib.MAX_WBITS
INFLATED_CHUNK_BYTES = 64 * 1024
# An empty member takes 20 bytes and costs more time than its share of a real body.
MOST_GZIP_MEMBERS = 10_000


class BodyError(Exception):
    """The body cannot be used; the message says why."""


class BodyReader:
    """
    Collects the chunks of a body, inflates gzip, and stops at the limit.

    Members of gzip one after the other are one body (RFC 1952, section 2.2), and padding with zeros
    may follow one, as gzip and zlib take it.

    The limit applies to the bytes as sent and as inflated, and is checked before they take up
    memory: RFC 9110, section 8.4.1.3, sets no bound on the ratio, so one chunk that is inflated at
    once could fill it.

    Attributes:
        fields: The reply's headers as they came, each a name and a value.
    """

    def __init__(self, headers: httpx.Headers, limit: int) -> None:
        """
        Prepare for a reply.

        Args:
            headers: The reply's headers.
            limit: The most bytes to accept.
        """
        self.fields = headers.raw
        self._encoding, self._length = read_framing(self.fields)
        is_gzip = self._encoding in GZIP_ENCODINGS
        self._inflater = zlib.decompressobj(GZIP_WINDOW) if is_gzip else None
        self._members = 1
        self._limit = limit
        self._received_bytes = self._inflated_bytes = 0
        self._parts: list[bytes] = []

    @property
    def is_encoded(self) -> bool:
        """Whether the body is sent with a content encoding."""
        return bool(self._encoding)

    def check_headers(self) -> None:
        """
        Refuse a reply because of its headers.

        Raises:
            BodyError: The encoding was not asked for, or the length is over the limit.
        """
        if self._encoding and self._encoding not in {b"identity", *GZIP_ENCODINGS}:
            encoding = self._encoding.decode("utf-8", "backslashreplace")
            raise BodyError(f"content encoding {encoding!r} was not asked for")
        # Compared as text, since the number may be of any length.
        digits = self._length.lstrip(b"0")
        limit = b"%d" % self._limit
        if digits.isdigit() and (len(digits), digits) > (len(limit), limit):
            raise BodyError(f"body is over the limit of {self._limit} bytes")

    def feed(self, chunk: bytes) -> None:
        """
        Take the next bytes as they were sent.

        Raises:
            BodyError: The body is over the limit, or not gzip.
        """
        self._received_bytes += len(chunk)
        self._check_size(self._received_bytes)
        if self._inflater is None:
            self._parts.append(chunk)
            return
        try:
            while chunk:
                chunk = self._inflate(chunk)
        except zlib.error as error:
            raise BodyError("body is not valid gzip") from error

    def _inflate(self, chunk: bytes) -> bytes:
        """Inflate a part of the chunk, and return what is left of it."""
        inflater = self._inflater
        if inflater is None or inflater.eof:
            chunk = chunk.lstrip(b"\0")
            if not chunk:
                return chunk
            self._members += 1
            if self._members > MOST_GZIP_MEMBERS:
                raise BodyError(f"body has more than {MOST_GZIP_MEMBERS} gzip members")
            self._inflater = inflater = zlib.decompressobj(GZIP_WINDOW)
        self._append(inflater.decompress(chunk, INFLATED_CHUNK_BYTES))
        return inflater.unused_data if inflater.eof else inflater.unconsumed_tail

    def finish(self) -> bytes:
        """
        Return the whole body.

        Raises:
            BodyError: The gzip stream ends early.
        """
        if self._inflater is not None and not self._inflater.eof and self._received_bytes:
            raise BodyError("gzip body ends early")
        return b"".join(self._parts)

    def check_consumed(self, response: httpx.Response) -> bytes:
        """
        Return a body that the caller's code has read.

        Raises:
            BodyError: It was not kept, or is over the limit.
        """
        try:
            content = response.content
        except httpx.ResponseNotRead as error:
            raise BodyError("an event hook has used the body up; have it call read()") from error
        self._check_size(len(content))
        return content

    @property
    def partial_body(self) -> bytes:
        """The bytes that have arrived, for an error whose body cannot be read to its end."""
        return b"".join(self._parts)

    def _append(self, part: bytes) -> None:
        self._inflated_bytes += len(part)
        self._check_size(self._inflated_bytes)
        self._parts.append(part)

    def _check_size(self, size: int) -> None:
        if size > self._limit:
            raise BodyError(f"body is over the limit of {self._limit} bytes")


def read_framing(fields: RawHeaders) -> tuple[bytes, bytes]:
    """Return a reply's content encoding in lower case, and its length; both empty if absent."""
    encodings: list[bytes] = []
    length = b""
    # A lookup by name would first detect the character set of all the headers.
    for name, value in fields:
        lower_name = name.lower()
        if lower_name == b"content-length":
            length = value
        elif lower_name == b"content-encoding":
            encodings.append(value.strip().lower())
    return b", ".join(encodings), length


def read(response: httpx.Response, reader: BodyReader, has_expired: Callable[[], bool]) -> bytes:
    """
    Read a sync reply to its end and return its bytes, inflated.

    An error's status is known before its body, which only adds detail: if the rest of it cannot be
    read, the part that arrived is returned.

    Args:
        response: The reply, its stream not yet closed.
        reader: Made for the reply.
        has_expired: Returns whether the deadline has passed.

    Raises:
        BodyError: The body of a success is over the limit, or its encoding is broken or was not
            asked for.
        httpx.TransportError: The body of a success breaks off, or the deadline passes.
    """
    if response.is_stream_consumed:
        return reader.check_consumed(response)
    stream = cast("httpx.SyncByteStream", response.stream)
    try:
        reader.check_headers()
        for chunk in stream:
            reader.feed(chunk)
            # On the caller's own transport, each byte restarts the read timeout.
            if has_expired():
                raise httpx.ReadTimeout("the deadline has passed")
        return reader.finish()
    except (BodyError, httpx.TransportError):
        if response.is_success or has_expired():
            raise
        return reader.partial_body


async def read_async(response: httpx.Response, reader: BodyReader) -> bytes:
    """Async `read`; the caller's cancel scope enforces the deadline."""
    if response.is_stream_consumed:
        return reader.check_consumed(response)
    chunks = aiter(cast("httpx.AsyncByteStream", response.stream))
    try:
        reader.check_headers()
        async for chunk in chunks:
            reader.feed(chunk)
        return reader.finish()
    except BodyError:
        await close_unfinished(response, chunks)
        if response.is_success:
            raise
        return reader.partial_body
    except httpx.TransportError:
        if response.is_success:
            raise
        return reader.partial_body


async def close_unfinished(response: httpx.Response, chunks: AsyncIterator[bytes]) -> None:
    """
    Close a reply whose body is not read to its end.

    Trio warns about unfinished generators, and httpx and httpcore nest several: reading on after
    the connection is closed ends them all.
    """
    await response.aclose()
    with suppress(httpx.TransportError):
        async for _ in chunks:
            pass
