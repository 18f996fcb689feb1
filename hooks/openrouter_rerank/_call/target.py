"""The server that calls go to, and the headers they send."""

import os
import sys
from collections.abc import Mapping
from functools import cached_property
from urllib.parse import quote, unquote

import httpx
from openrouter_rerank_api.server import SERVER_URL

from openrouter_rerank._codec.values import require_str
from openrouter_rerank._network.auth import read_origin
from openrouter_rerank._version import __version__

# The names that the official SDK gives to the servers of the contract.
SERVERS = {"production": SERVER_URL}
BASE_URL_VARIABLE = "OPENROUTER_BASE_URL"
LARGEST_PORT = 65_535
USER_AGENT = (
    f"openrouter-rerank/{__version__} (Python {sys.version.split()[0]}; httpx {httpx.__version__})"
)
PATH = "/rerank"
# RFC 3986, section 5.2.4: they are taken out of a path, and change it.
DOTS = frozenset({".", ".."})
JSON = "application/json"
BASE_HEADERS = {
    "Accept": JSON,
    "Accept-Encoding": "gzip",
    "Content-Type": JSON,
    "User-Agent": USER_AGENT,
}
# Argument -> header, `#/components/parameters` in openapi.yaml.
ATTRIBUTION_HEADERS = {
    "http_referer": "HTTP-Referer",
    "x_open_router_title": "X-OpenRouter-Title",
    "x_open_router_categories": "X-OpenRouter-Categories",
}


class Target:
    """
    The server that calls go to, and the headers they send.

    Attributes:
        server_url: The API's URL with its path, without a final slash.
        attribution: The values of the attribution headers, by argument; "" sends none.
        url: The operation's URL.
        origin: The server that gets the key.
        headers: The headers of every request of the public client, except for the key.
    """

    def __init__(
        self,
        server_url: httpx.URL,
        attribution: Mapping[str, str],
        http_headers: Mapping[str, str] | None = None,
    ) -> None:
        """Derive the URL, the origin and the headers."""
        self.server_url = server_url
        self.attribution = attribution
        # The raw path, since a decoded %2F would be another path.
        path = server_url.raw_path.rstrip(b"/") + PATH.encode()
        self.url = server_url.copy_with(raw_path=path)
        self.origin = read_origin(server_url)
        host = {"Host": server_url.netloc.decode("ascii")}
        self.headers = httpx.Headers({**host, **BASE_HEADERS, **self.attribution_headers})
        self._http_headers: Mapping[str, str] = http_headers or {}
        self.headers.update(http_headers)

    @cached_property
    def description(self) -> bytes:
        """What decides an answer beside the request's body."""
        # Most clients have no cache.
        from openrouter_rerank._cache.keys import describe_target

        return describe_target(self.url, self._http_headers)

    @property
    def attribution_headers(self) -> dict[str, str]:
        """The attribution headers to send."""
        return {
            ATTRIBUTION_HEADERS[name]: value for name, value in self.attribution.items() if value
        }

    def replace(
        self,
        server_url: httpx.URL | None,
        attribution: Mapping[str, str],
        http_headers: Mapping[str, str],
    ) -> "Target":
        """Return a copy with another server, unless it is None, and with more headers."""
        if server_url is None and not attribution and not http_headers:
            return self
        return Target(
            server_url or self.server_url, {**self.attribution, **attribution}, http_headers
        )


def fill_template(server_url: str | None, url_params: Mapping[str, str] | None) -> str | None:
    """Fill in the `{names}` of a server's URL."""
    for name, value in (url_params or {}).items():
        quoted = quote(require_str(value, f"url_params[{name!r}]"), safe="")
        if value in DOTS:
            raise ValueError(f"url_params[{name!r}]: {value!r} would name another path")
        server_url = server_url and server_url.replace("{" + name + "}", quoted)
    return server_url


def read_server_url(server: str | None, server_url: str | None) -> httpx.URL:
    """Return the server's URL from the arguments, else the environment, else the contract."""
    if server is not None and server not in SERVERS:
        raise ValueError(f"server: expected one of {', '.join(SERVERS)}, got {server!r}")
    if server_url:
        return parse_server_url(server_url, "server_url")
    if server is not None:
        return httpx.URL(SERVERS[server])
    text = os.environ.get(BASE_URL_VARIABLE)
    return parse_server_url(text, BASE_URL_VARIABLE) if text else httpx.URL(SERVER_URL)


def parse_server_url(text: str, name: str) -> httpx.URL:
    """Check a server's URL, and remove its final slash and the operation's own path."""
    text = require_str(text, name).strip().rstrip("/")
    if any(unquote(segment) in DOTS for segment in text.split("/")):
        raise ValueError(f"{name}: . and .. are no parts of a path here")
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise ValueError(f"{name}: not a URL: {error}") from error
    try:
        # The resolver does the same later and fails if a label is too long.
        url.raw_host.decode("ascii").encode("idna")
    except UnicodeError as error:
        raise ValueError(f"{name}: not a host name: {url.host}") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError(f"{name}: expected a URL such as {SERVER_URL}")
    if (url.port or 0) > LARGEST_PORT:
        raise ValueError(f"{name}: port {url.port} is above {LARGEST_PORT}")
    if url.userinfo or "?" in text or "#" in text:
        raise ValueError(f"{name}: takes no user, query or fragment")
    # Whoever copies the operation's whole URL means the same server.
    suffix = PATH.encode()
    if url.raw_path.endswith(suffix):
        return url.copy_with(raw_path=url.raw_path.removesuffix(suffix) or b"/")
    return url
