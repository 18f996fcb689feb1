"""The page's files as they are served."""

from functools import cache
from importlib import resources

from starlette.responses import Response

FOLDER = "data/page"
PAGE_FILE = "index.html"
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
    if name not in list_files():
        return None
    content = resources.files("openrouter_rerank.local").joinpath(FOLDER, name).read_bytes()
    media_type = MEDIA_TYPES[name.rpartition(".")[2]]
    return Response(content, headers=SAFETY_HEADERS, media_type=f"{media_type}; charset=utf-8")


@cache
def list_files() -> frozenset[str]:
    """Name the page's files."""
    folder = resources.files("openrouter_rerank.local").joinpath(FOLDER)
    return frozenset(file.name for file in folder.iterdir())
