"""One request and its reply, from httpcore's terms to the bytes of HTTP/1.1. Pure: no I/O."""

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

    h11 knows the protocol. The body of a usual reply is read past it, since h11 copies each byte
    three times: that takes a tenth of a call, large or small.

    Attributes:
        headers: Those of the reply, once its head is read.
    """

    def __init__(self) -> None:
        """Start before the request."""
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        self.headers: RawHeaders = []
        self._method = b""
        # Of a body that is read past h11: its length, and how much of it is still to come.
        self._length: int | None = None
        self._left = 0
        self._received = b""
        self._has_more = False

    @property
    def may_be_followed(self) -> bool:
        """Whether both have ended, nothing came after them, and the connection is to be kept."""
        # If it is not to be kept, h11 says MUST_CLOSE once the request has ended.
        if self._h11.our_state is not h11.DONE:
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
        try:
            for chunk in chunks:
                yield self._h11.send(h11.Data(data=chunk))
            # Only a body in chunks has an end of its own.
            if end := self._h11.send(h11.EndOfMessage()):
                yield end
        except h11.LocalProtocolError as error:
            raise httpcore.LocalProtocolError(str(error)) from error

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

        Raises:
            httpcore.RemoteProtocolError: It is not HTTP/1.1, or the connection ended too early.
        """
        if self._length is not None:
            received, self._received = self._received, b""
            return received or (b"" if self._left else None)
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
        self._received = data[: self._left]
        self._left -= len(self._received)

    def _next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        try:
            return self._h11.next_event()
        except h11.RemoteProtocolError as error:
            raise httpcore.RemoteProtocolError(str(error)) from error


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
