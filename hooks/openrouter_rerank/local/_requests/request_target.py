"""Request targets that are whole URLs."""

import re
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

_ABSOLUTE_FORM = re.compile(rb"(https?)://([^/]*)(.*)", re.IGNORECASE | re.DOTALL)


class RequestTargetMiddleware:
    """
    Take a URL as request target for its path, and its host for `Host` (RFC 9112, section 3.2.2).

    Clients send the target so to a proxy, which this server may be taken for.

    Args:
        app: The application that answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application for one request."""
        if scope["type"] == "http":
            scope = to_origin_form(scope)
        await self._app(scope, receive, send)


def to_origin_form(scope: Scope) -> Scope:
    """
    Return the scope of a request as if its target had been a path.

    A URL of another scheme has no host of this server.
    """
    match = _ABSOLUTE_FORM.fullmatch(scope.get("raw_path") or scope["path"].encode())
    if match is None:
        return scope
    scheme, authority, raw_path = match.groups()
    host = authority if scheme.decode().lower() == scope["scheme"] else b""
    headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
    return {
        **scope,
        "headers": [*headers, (b"host", host)],
        "path": unquote(raw_path.decode("latin-1")) or "/",
        "raw_path": raw_path or b"/",
    }
