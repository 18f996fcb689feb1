"""Refusing requests whose end is in doubt, which h11 would guess."""

import h11


class StrictParser(h11.Connection):
    """
    h11's reader of requests, with what RFC 9112 has a server refuse.

    Where two readers of one connection find different ends of a request, one of them takes part of
    its body for the next request (request smuggling).
    """

    def receive_data(self, data: bytes) -> None:
        """Take what was received, without empty lines before a request (RFC 9112, section 2.2)."""
        if self.their_state is h11.IDLE and not self.trailing_data[0]:
            data = data.lstrip(b"\r\n")
        if data:  # h11 takes nothing for the end of the connection.
            super().receive_data(data)

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """
        Return what was received next.

        Raises:
            h11.RemoteProtocolError: It is not HTTP/1.x, or its end is in doubt.
        """
        event = super().next_event()
        if isinstance(event, h11.Request):
            _check(event)
        return event


def _check(request: h11.Request) -> None:
    names = {name for name, _ in request.headers}
    if not request.http_version.startswith(b"1."):
        raise h11.RemoteProtocolError("not HTTP/1.x")  # RFC 9110, section 2.5
    if b"transfer-encoding" not in names:
        return
    if b"content-length" in names:
        # RFC 9112, section 6.3, item 3.
        raise h11.RemoteProtocolError("both Content-Length and Transfer-Encoding")
    if request.http_version == b"1.0":
        raise h11.RemoteProtocolError("Transfer-Encoding in HTTP/1.0")  # RFC 9112, section 6.1
