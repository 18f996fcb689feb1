"""One request and its reply, from httpcore's terms to the bytes of HTTP/1.1. Pure: no I/O."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

import h11
import httpcore

OK = 200
SWITCHING_PROTOCOLS = 101
# As httpcore has it: how long the head of a reply may be.
MAX_HEAD_BYTES = 100 * 1024

Head = h11.Response | h11.InformationalResponse
RawHeaders = list[tuple[bytes, bytes]]

# The head of a POST, its fields not empty (RFC 9112, sections 3 and 5; RFC 9110, section 5.6.2).
_NAME = rb"[!#-'*+.^_`|~0-9A-Za-z-]+"
_VALUE = rb"[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?"
_POST_HEAD = rb"POST [!-~]+ HTTP/1\.1\r\n(?:%b: %b\r\n)+\r\n" % (_NAME, _VALUE)
_LENGTH = rb"[0-9]{1,20}"
_UNUSUAL = frozenset({b"transfer-encoding", b"upgrade", b"expect"})
_KEEP_ALIVE = b"keep-alive"
# What h11 is told of a usual request: it asks for no more to read the reply.
_POST = h11.Request(method="POST", target="/", headers=[("Host", "any"), ("Content-Length", "0")])
_END = h11.EndOfMessage()


class Request(Protocol):
    """What httpx's transports say of a request, as `httpcore.Request` has it."""

    method: bytes
    url: httpcore.URL
    headers: RawHeaders
    stream: Any
    extensions: Mapping[str, Any]


class Exchange:
    """
    One request and its reply (RFC 9112).

    h11 knows the protocol. Two things that are usual go past it, which take a tenth of a small call
    each: it looks at every field of a request by itself, and copies each byte of a reply's body
    three times.

    Attributes:
        headers: Those of the reply, once its head is read.
    """

    def __init__(self) -> None:
        """Start before the request."""
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        self.headers: RawHeaders = []
        self._method = b""
        # Of the body of a usual request: how much of it is still to be sent.
        self._unsent: int | None = None
        # Of a body that is read past h11: its length, and how much of it is still to come.
        self._length: int | None = None
        self._left = 0
        self._received: list[bytes] = []
        self._has_more = False

    @property
    def may_be_followed(self) -> bool:
        """Whether both have ended, nothing came after them, and the connection is to be kept."""
        # If it is not to be kept, h11 says MUST_CLOSE once the request has ended.
        if self._unsent or self._h11.our_state is not h11.DONE:
            return False
        if self._length is not None:
            return not (self._left or self._has_more)
        return self._h11.their_state is h11.DONE and not self._h11.trailing_data[0]

    def write_head(self, request: Request) -> bytes:
        """
        Return the head of the request.

        Raises:
            httpcore.LocalProtocolError: It is not HTTP.
        """
        self._method = request.method
        if usual := write_usual_head(request):
            head, self._unsent = usual
            self._h11.send(_POST)
            self._h11.send(_END)
            return head
        try:
            return self._h11.send(
                h11.Request(
                    method=request.method, target=request.url.target, headers=request.headers
                )
            )
        except h11.LocalProtocolError as error:
            raise httpcore.LocalProtocolError(str(error)) from error

    def write_body(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """
        Yield the body of the request as it is sent.

        Raises:
            httpcore.LocalProtocolError: It is not as long as its head says.
        """
        if self._unsent is not None:
            yield from self._count_body(chunks, self._unsent)
            return
        try:
            for chunk in chunks:
                yield self._h11.send(h11.Data(data=chunk))
            # Only a body in chunks has an end of its own.
            if end := self._h11.send(h11.EndOfMessage()):
                yield end
        except h11.LocalProtocolError as error:
            raise httpcore.LocalProtocolError(str(error)) from error

    def _count_body(self, chunks: Iterable[bytes], length: int) -> Iterator[bytes]:
        """Yield the body of a usual request as it is."""
        for chunk in chunks:
            self._unsent = length = length - len(chunk)
            if length < 0:
                raise httpcore.LocalProtocolError("Too much data for declared Content-Length")
            yield chunk
        if length:
            raise httpcore.LocalProtocolError("Too little data for declared Content-Length")

    def receive(self, data: bytes) -> None:
        """
        Take what was read; nothing is the end of the connection.

        Raises:
            httpcore.RemoteProtocolError: It ended too early.
        """
        if self._length is not None:
            if not data:
                raise httpcore.RemoteProtocolError(
                    "peer closed connection without sending complete message body "
                    f"(received {self._length - self._left} bytes, expected {self._length})"
                )
            self._receive_body(data)
        elif not data and self._h11.their_state is h11.SEND_RESPONSE:
            raise httpcore.RemoteProtocolError("Server disconnected without sending a response.")
        else:
            self._h11.receive_data(data)

    def read_head(self) -> Head | None:
        """
        Return the head of the reply; None if more has to be read.

        Raises:
            httpcore.RemoteProtocolError: It is not HTTP/1.1.
        """
        while (event := self._next_event()) is not h11.NEED_DATA:
            if isinstance(event, h11.Response):
                self.headers = event.headers.raw_items()
                if self._method == b"POST" and event.status_code == OK:
                    self._read_past_h11(find_length(self.headers))
                return event
            # RFC 9110, section 15.2: any number of interim replies may come before the reply.
            if isinstance(event, h11.InformationalResponse) and (
                event.status_code == SWITCHING_PROTOCOLS
            ):
                self.headers = event.headers.raw_items()
                return event
        return None

    def read_body(self) -> bytes | None:
        """
        Return the next bytes of the body, none if more has to be read; None at its end.

        A usual body comes whole.

        Raises:
            httpcore.RemoteProtocolError: It is not HTTP/1.1, or the connection ended too early.
        """
        if self._length is not None:
            if self._left:
                return b""
            body, self._received = b"".join(self._received), []
            return body or None
        event = self._next_event()
        if event is h11.NEED_DATA:
            return b""
        return event.data if isinstance(event, h11.Data) else None

    def _read_past_h11(self, length: int | None) -> None:
        if length is not None:
            self._length = self._left = length
            self._receive_body(self._h11.trailing_data[0])

    def _receive_body(self, data: bytes) -> None:
        self._has_more = len(data) > self._left
        received = data[: self._left]
        self._received.append(received)
        self._left -= len(received)

    def _next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        try:
            return self._h11.next_event()
        except h11.RemoteProtocolError as error:
            raise httpcore.RemoteProtocolError(str(error)) from error


def write_usual_head(request: Request) -> tuple[bytes, int] | None:
    """
    Return the head of a POST and how long its body is; None if h11 is to write or refuse it.

    Host is its first field, as h11 would have it, no field is there twice, and none asks for
    another connection, protocol or reply.
    """
    fields = {name.lower(): value for name, value in request.headers}
    if (
        len(fields) < len(request.headers)
        or not fields.keys().isdisjoint(_UNUSUAL)
        or fields.get(b"connection", _KEEP_ALIVE) != _KEEP_ALIVE
        or next(iter(fields), None) != b"host"
        or not re.fullmatch(_LENGTH, fields.get(b"content-length", b""))
    ):
        return None
    lines = [b"%b: %b\r\n" % field for field in request.headers]
    head = b"%b %b HTTP/1.1\r\n%b\r\n" % (request.method, request.url.target, b"".join(lines))
    # With a line break in it, one field would be two.
    if head.count(b"\n") > len(fields) + 2 or not re.fullmatch(_POST_HEAD, head):
        return None
    return head, int(fields[b"content-length"])


def find_length(headers: RawHeaders) -> int | None:
    """
    Return how long the body of a usual reply is; None if h11 is to find its end.

    Of such a reply the header decides (RFC 9112, section 6.3), and h11 has checked that it holds
    one number.
    """
    length = None
    for name, value in headers:
        lower_name = name.lower()
        if lower_name == b"transfer-encoding":
            return None
        if lower_name == b"content-length":
            length = int(value)
    return length
