"""Refusing requests that the page of another site makes."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from openrouter_rerank.local._replies import reply_error

REFUSAL = (
    "origin: this server answers no page of another site. A proxy in front of it must keep Host "
    "as the browser sent it"
)
OWN_SITES = ("same-origin", "none")
DEFAULT_PORTS = {"http": "80", "https": "443"}


class OriginCheckMiddleware:
    """
    Answer 403 to what a browser sends for a page of another origin.

    Browsers say so themselves: in `Origin` (RFC 6454, section 7.3), and to this machine or over
    TLS in `Sec-Fetch-Site` (Fetch Metadata, https://www.w3.org/TR/fetch-metadata/), which pages
    cannot set. Another port of the same host is another origin, too. Clients that are no browser
    send neither and are not concerned. A link from another site may still be followed to the page,
    as a document of its own: the site that has the link learns nothing from that.

    Args:
        app: The application that answers the others.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request, or refuse it."""
        if scope["type"] != "http" or is_own(scope["method"], Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        await reply_error(403, REFUSAL)(scope, receive, send)


def is_own(method: str, headers: Headers) -> bool:
    """Tell whether no page of another origin has made a request."""
    origin = headers.get("origin")
    if origin is not None and read_authority(origin) != headers.get("host", "").lower():
        return False
    site = headers.get("sec-fetch-site")
    if site is None or site in OWN_SITES:
        return True
    is_navigation = headers.get("sec-fetch-mode") == "navigate"
    return method == "GET" and is_navigation and headers.get("sec-fetch-dest") == "document"


def read_authority(origin: str) -> str | None:
    """Return what `Host` is if an origin is the server's own; None if it can be none."""
    try:
        parts = urlsplit(origin.lower())
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS:
        return None
    return parts.netloc.removesuffix(f":{DEFAULT_PORTS[parts.scheme]}")
