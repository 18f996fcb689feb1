"""The page's files as they are served."""

from collections.abc import Mapping
from functools import cache

from starlette.responses import Response

from openrouter_rerank._data_files import read_data_file

PACKAGE, FOLDER = "openrouter_rerank.local", "data/page"
PAGE_FILE = "index.html"
FILES = (
    PAGE_FILE,
    "calls.js",
    "copies.js",
    "elements.js",
    "orders.js",
    "page.js",
    "ranking.js",
    "server.js",
    "style.css",
)
MEDIA_TYPES = {"css": "text/css", "html": "text/html", "js": "text/javascript"}

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    # A text can never become markup, not even by a mistake in the page's own scripts.
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""What the page may do (https://www.w3.org/TR/CSP3/): run its own scripts, ask its own server."""

SAFETY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every reply to the page, but the rankings'."""


def find_file(name: str) -> Response | None:
    """Return a file of the page; None if it has none of that name."""
    content = read_files().get(name)
    if content is None:
        return None
    media_type = MEDIA_TYPES[name.rpartition(".")[2]]
    return Response(content, headers=SAFETY_HEADERS, media_type=f"{media_type}; charset=utf-8")


@cache
def read_files() -> Mapping[str, str]:
    """
    Read the page's files, by their names.

    Raises:
        DataFileError: One is missing from the package.
    """
    return {name: read_data_file(PACKAGE, f"{FOLDER}/{name}") for name in FILES}
