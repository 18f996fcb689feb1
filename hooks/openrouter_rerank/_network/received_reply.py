"""A reply that was read to its end, of which most calls need only the status and the body."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeAlias

import httpx

from .auth import KEY_SENT, read_key, redact, redact_headers, strip_key
from .buffered_response import BufferedResponse
from .exchange import RawHeaders

# The reply as it came, its headers, the request without the key, what returns the key, and whether
# there was a content encoding.
Source: TypeAlias = tuple[httpx.Response, RawHeaders, httpx.Request, Callable[[], bytes], bool]


class ReceivedReply:
    """
    A reply without its connection and any key, its body inflated and in memory.

    Making an `httpx.Response` of it takes a tenth of the time of our own code in a small call, so
    that is left until one is asked for.

    Attributes:
        status_code: Its status.
        content: Its body.
        seconds: How long it took.
    """

    _response: httpx.Response

    def __init__(
        self,
        response: httpx.Response,
        fields: RawHeaders,
        body: bytes,
        *,
        signed: httpx.Request,
        request: httpx.Request,
        is_encoded: bool = False,
        seconds: float = 0.0,
    ) -> None:
        """
        Take what there is of it.

        Args:
            response: The reply as httpx gave it.
            fields: Its headers as they came, each a name and a value.
            body: Its body, inflated.
            signed: The request as it was sent.
            request: The request without the key.
            is_encoded: Whether its headers name a content encoding, which the body no longer has.
            seconds: How long it took.
        """
        key = read_key(signed)
        self.status_code = response.status_code
        self.content = redact(body, key)
        self.seconds = seconds
        # A closure keeps the key out of every repr of this object's attributes.
        self._source: Source | None = (response, fields, request, lambda: key, is_encoded)

    @property
    def is_success(self) -> bool:
        """Whether the status is one of success (RFC 9110, section 15.3)."""
        return httpx.codes.is_success(self.status_code)

    @property
    def response(self) -> httpx.Response:
        """The same as an `httpx.Response`, one and the same each time."""
        if self._source is not None:
            self._response = build_response(self._source, self.content)
            self._response.elapsed = timedelta(seconds=self.seconds)
            # Whoever keeps this must not keep the key.
            self._source = None
        return self._response

    def read_header(self, name: str) -> str | None:
        """Return the value of a header; None if it is absent."""
        if self._source is not None:
            _, fields, _, get_key, _ = self._source
            # A lookup by name would first detect the character set of all the headers.
            lower_name = name.lower().encode("ascii")
            values = [value for field, value in fields if field.lower() == lower_name]
            if not values:
                return None
            value = redact(b", ".join(values), get_key())
            if value.isascii():
                return value.decode("ascii")
        text: str | None = self.response.headers.get(name)
        return text


def build_response(source: Source, body: bytes) -> httpx.Response:
    """Return a reply without its connection and any key."""
    response, _, request, get_key, is_encoded = source
    key = get_key()
    headers = redact_headers(response.headers, key)
    if is_encoded:
        del headers["content-encoding"]
        headers["content-length"] = str(len(body))
    extensions: dict[str, object] = {KEY_SENT: bool(key)}
    for name, value in response.extensions.items():
        if name != "network_stream":
            extensions[name] = redact(value, key) if isinstance(value, bytes) else value
    return BufferedResponse(
        response.status_code,
        headers=headers,
        body=body,
        request=strip_key(request),
        extensions=extensions,
    )
