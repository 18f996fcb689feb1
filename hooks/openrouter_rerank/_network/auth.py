"""The API key: where it comes from, what it may hold, and which server gets it."""

import inspect
import ipaddress
import logging
import os
import re
from collections.abc import Awaitable, Callable

import httpx

API_KEY_VARIABLE = "OPENROUTER_API_KEY"
KEY_HINT = f"pass api_key= to OpenRouter or set {API_KEY_VARIABLE}"
Origin = tuple[str, str, int | None]
REDACTED = b"[redacted]"
SHORTEST_REDACTED = 8
# In a reply's extensions: whether its request had a key, which the reply's own request never has.
KEY_SENT = "openrouter_rerank.key_sent"
logger = logging.getLogger(__name__.partition(".")[0])
# Those over plain http, so that each is looked at once in a process.
_checked_origins: set[Origin] = set()
# RFC 9110, section 5.5, without white space.
_VISIBLE_ASCII = "[!-~]*"
DEFAULT_PORTS = {"http": 80, "https": 443}

ApiKey = str | None | Callable[[], str | None] | Callable[[], Awaitable[str | None]]
"""A key, a function that returns one, a coroutine function that returns one, or None."""


class BearerAuth:
    """
    Sets `Authorization: Bearer <key>` (RFC 6750, section 2.1) on requests to one origin.

    A function is asked for the key before every request, so that it can rotate the key. None and ""
    fall back to the environment variable `OPENROUTER_API_KEY`. If that is not set either, requests
    carry no key.
    """

    def __init__(self, api_key: ApiKey) -> None:
        """
        Take the key or its source.

        Args:
            api_key: The key or its source. A coroutine function works for async calls only.

        Raises:
            TypeError: `api_key` is neither text, a function nor None.
            ValueError: `api_key` holds characters that no header may hold.
        """
        self._source = api_key if callable(api_key) else None
        token = "" if callable(api_key) else clean_key(api_key)
        # A closure keeps the key out of every repr of this object's attributes.
        self._read_token: Callable[[], str] = lambda: token

    def apply(self, request: httpx.Request) -> None:
        """
        Set the header.

        Raises:
            TypeError: The key comes from a coroutine function, which only a `*_async` call can use.
            ValueError: The function returned a key that no header may hold.
        """
        if self._source is None:
            set_bearer(request, self._read_token())
            return
        key = self._source()
        if inspect.isawaitable(key):
            if inspect.iscoroutine(key):
                key.close()
            raise TypeError("api_key: an async function needs an async call, such as rerank_async")
        try:
            token = clean_key(key)
        finally:
            # An error keeps the variables of this frame.
            del key
        set_bearer(request, token)

    async def apply_async(self, request: httpx.Request) -> None:
        """
        Set the header, awaiting the key if its source is a coroutine function.

        Raises:
            ValueError: The function returned a key that no header may hold.
        """
        if self._source is None:
            set_bearer(request, self._read_token())
            return
        key = self._source()
        try:
            token = clean_key(await key if inspect.isawaitable(key) else key)
        finally:
            del key
        set_bearer(request, token)


def set_bearer(request: httpx.Request, token: str) -> None:
    """Put the key, or else the environment's, on the request; with neither, change nothing."""
    token = token or clean_key(os.environ.get(API_KEY_VARIABLE), name=API_KEY_VARIABLE)
    if token:
        request.headers["Authorization"] = f"Bearer {token}"
        warn_of_plain_http(request.url)


def warn_of_plain_http(url: httpx.URL) -> None:
    """
    Log one warning for each origin to which a key goes in clear text, this machine aside.

    It is no `warnings.warn`, which would keep a call from being made where warnings are errors.
    """
    if url.scheme != "http":
        return
    origin = read_origin(url)
    if origin in _checked_origins:
        return
    _checked_origins.add(origin)
    if not is_this_machine(url.host):
        _, host, port = origin
        logger.warning("the API key goes to %s, port %s, in clear text: use https", host, port)


def is_this_machine(host: str) -> bool:
    """Return whether a host is the loopback interface (RFC 6761, section 6.3; RFC 6890)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def clean_key(key: object, *, name: str = "api_key") -> str:
    """
    Strip white space around the key and check the rest; None becomes "".

    Raises:
        TypeError: The key is not text.
        ValueError: The key holds white space, control characters or characters beyond ASCII
            (RFC 9110, section 5.5). Neither the message nor this frame holds the key then.
    """
    if key is None:
        return ""
    if not isinstance(key, str):
        kind = type(key).__name__
        del key
        raise TypeError(f"{name}: expected str, got {kind}")
    key = key.strip()
    if not re.fullmatch(_VISIBLE_ASCII, key):
        del key
        raise ValueError(f"{name}: holds white space, control or non-ASCII characters")
    return key


def copy_request(request: httpx.Request) -> httpx.Request:
    """Return a request for one attempt: the key goes on the copy, which nobody else can keep."""
    # Not by httpx's constructor, which takes the URL and the body apart again: three times as long.
    copied = object.__new__(httpx.Request)
    vars(copied).update(vars(request))
    copied.headers = httpx.Headers(request.headers)
    copied.extensions = dict(request.extensions)
    return copied


def strip_key(request: httpx.Request) -> httpx.Request:
    """Return a request without the key: itself if it has none, else a copy."""
    if not read_key(request):
        return request
    copied = copy_request(request)
    del copied.headers["Authorization"]
    # What watches the attempt is of no use after it.
    copied.extensions.pop("trace", None)
    return copied


def read_key(request: httpx.Request) -> bytes:
    """Return the key of a request; empty for none."""
    # A lookup by name would first detect the character set of all the headers. `BearerAuth` has put
    # it last.
    for name, value in reversed(request.headers.raw):
        if name.lower() == b"authorization":
            return value.removeprefix(b"Bearer ")
    return b""


def redact(content: bytes, key: bytes) -> bytes:
    """Return what a server sent, without the key of the request that it answered."""
    # A shorter one may be any word; no real key is that short.
    return content.replace(key, REDACTED) if len(key) >= SHORTEST_REDACTED else content


def redact_headers(headers: httpx.Headers, key: bytes) -> httpx.Headers:
    """Do what `redact` does, for the values of headers."""
    return httpx.Headers([(name, redact(value, key)) for name, value in headers.raw])


def redact_text(text: str, key: bytes) -> str:
    """Do what `redact` does, for text."""
    return redact(text.encode(errors="surrogatepass"), key).decode(errors="surrogatepass")


def read_origin(url: httpx.URL) -> Origin:
    """Return the URL's scheme, host and port, or the default port (RFC 6454, section 5)."""
    scheme, port = url.scheme, url.port
    return scheme, url.host, DEFAULT_PORTS.get(scheme) if port is None else port
