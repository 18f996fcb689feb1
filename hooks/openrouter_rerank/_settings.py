"""A client's settings: from arguments and the environment, checked once, used by every call."""

import os
import sys
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

import httpx
from openrouter_rerank_api.server import SERVER_URL
from openrouter_rerank_api.unset import Unset

from ._course import Call
from ._hooks import Hooks
from ._log import CallLog, DebugLogger, read_log_settings
from ._network.auth import ApiKey, BearerAuth, read_origin
from ._policy.retries import MILLISECONDS, RetryConfig
from ._request import check_header, require_count, require_str
from ._version import __version__

# The names that the official SDK gives to the servers of the contract.
SERVERS = {"production": SERVER_URL}
BASE_URL_VARIABLE = "OPENROUTER_BASE_URL"
# Some centuries in milliseconds; what is larger overflows in one place or another.
LARGEST_NUMBER = 1e13
LARGEST_PORT = 65_535
DEFAULT_TIMEOUT = httpx.Timeout(connect=5.0, read=60.0, write=60.0, pool=None)
USER_AGENT = (
    f"openrouter-rerank/{__version__} (Python {sys.version.split()[0]}; httpx {httpx.__version__})"
)
PATH = "/rerank"
JSON = "application/json"
BASE_HEADERS = {
    "Accept": JSON,
    "Accept-Encoding": "gzip",
    "Content-Type": JSON,
    "User-Agent": USER_AGENT,
}
# Argument -> header, `#/components/parameters` in openapi.yaml; the environment's variables are
# the official SDK's.
ATTRIBUTION_HEADERS = {
    "http_referer": "HTTP-Referer",
    "x_open_router_title": "X-OpenRouter-Title",
    "x_open_router_categories": "X-OpenRouter-Categories",
}
ATTRIBUTION_VARIABLES = {
    "http_referer": "OPENROUTER_HTTP_REFERER",
    "x_open_router_title": "OPENROUTER_X_OPEN_ROUTER_TITLE",
    "x_open_router_categories": "OPENROUTER_X_OPEN_ROUTER_CATEGORIES",
}


class Target:
    """
    Where calls go, and which headers go with them.

    Attributes:
        server_url: Where the API is served, its path included, without a final slash.
        attribution: The values of the attribution headers, by argument; "" sends none.
        url: Where the operation is served.
        origin: The server that gets the key.
        headers: What every request of the public client sends, the key aside.
    """

    def __init__(self, server_url: httpx.URL, attribution: Mapping[str, str]) -> None:
        """Work out what follows from the server and the attribution."""
        self.server_url = server_url
        self.attribution = attribution
        self.url = server_url.copy_with(path=server_url.path.rstrip("/") + PATH)
        self.origin = read_origin(server_url)
        host = {"Host": server_url.netloc.decode("ascii")}
        self.headers = httpx.Headers({**host, **BASE_HEADERS, **self.attribution_headers})

    @property
    def attribution_headers(self) -> dict[str, str]:
        """The attribution headers to send."""
        return {
            ATTRIBUTION_HEADERS[name]: value for name, value in self.attribution.items() if value
        }

    def change(self, server_url: httpx.URL | None, attribution: Mapping[str, str]) -> "Target":
        """Return what is the same but for a server, if one is given, and for attribution."""
        if server_url is None and not attribution:
            return self
        return Target(server_url or self.server_url, {**self.attribution, **attribution})


class Settings(NamedTuple):
    """
    What holds for every call of a client.

    Attributes:
        auth: Sets the key.
        target: Where calls go.
        retry_config: When to try again.
        timeout: Limits for connecting, one read, one write, and waiting for a connection; None if
            the caller set none.
        deadline: Seconds for a whole call; None for no limit.
        max_response_bytes: The longest body to accept.
        log: Where calls are recorded.
        hooks: The user's functions.
    """

    auth: BearerAuth
    target: Target
    retry_config: RetryConfig
    timeout: httpx.Timeout | None
    deadline: float | None
    max_response_bytes: int
    log: CallLog
    hooks: Hooks

    def make_call(self, *, is_foreign: bool) -> Call:
        """Return what one call may do under these settings."""
        return Call(
            auth=self.auth,
            origin=self.target.origin,
            retry_config=self.retry_config,
            deadline=self.deadline,
            max_response_bytes=self.max_response_bytes,
            is_foreign=is_foreign,
            hooks=self.hooks,
            log=self.log,
        )


def read_settings(
    *,
    api_key: ApiKey,
    server: str | None = None,
    url_params: Mapping[str, str] | None = None,
    server_url: str | None,
    http_referer: str | None,
    x_open_router_title: str | None,
    x_open_router_categories: str | None,
    retry_config: RetryConfig | Unset | None,
    timeout_ms: float | None,
    timeout: httpx.Timeout | float | None,
    deadline_ms: float | None,
    max_response_bytes: int,
    debug_logger: DebugLogger | None = None,
) -> Settings:
    """
    Check a client's arguments and fill in what the environment says.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument has a value that cannot work.
    """
    given = {
        "http_referer": http_referer,
        "x_open_router_title": x_open_router_title,
        "x_open_router_categories": x_open_router_categories,
    }
    return Settings(
        auth=BearerAuth(api_key),
        target=Target(
            read_server_url(server, fill_template(server_url, url_params)),
            check_attribution(
                {
                    name: os.environ.get(ATTRIBUTION_VARIABLES[name]) if value is None else value
                    for name, value in given.items()
                }
            ),
        ),
        retry_config=require_retry_config(retry_config, "retry_config") or RetryConfig(),
        timeout=read_timeout(timeout_ms, timeout),
        deadline=read_deadline(deadline_ms),
        max_response_bytes=require_count(max_response_bytes, "max_response_bytes"),
        log=read_log_settings(debug_logger),
        hooks=Hooks(),
    )


def fill_template(server_url: str | None, url_params: Mapping[str, str] | None) -> str | None:
    """Fill the `{names}` of a server's URL in."""
    for name, value in (url_params or {}).items():
        filling = quote(require_str(value, f"url_params[{name!r}]"), safe="")
        server_url = server_url and server_url.replace("{" + name + "}", filling)
    return server_url


def read_server_url(server: str | None, server_url: str | None) -> httpx.URL:
    """Return the server's URL: the argument's, else the environment's, else the contract's."""
    if server is not None and server not in SERVERS:
        raise ValueError(f"server: expected one of {', '.join(SERVERS)}, got {server!r}")
    if server_url:
        return parse_server_url(server_url, "server_url")
    if server is not None:
        return httpx.URL(SERVERS[server])
    found = os.environ.get(BASE_URL_VARIABLE)
    return parse_server_url(found, BASE_URL_VARIABLE) if found else httpx.URL(SERVER_URL)


def parse_server_url(text: str, name: str) -> httpx.URL:
    """Check a server's URL and take the final slash off it."""
    try:
        url = httpx.URL(require_str(text, name).strip().rstrip("/"))
    except httpx.InvalidURL as error:
        raise ValueError(f"{name}: not a URL: {error}") from error
    try:
        # What the resolver does later; a label may be too long for it.
        url.raw_host.decode("ascii").encode("idna")
    except UnicodeError as error:
        raise ValueError(f"{name}: not a host name: {url.host}") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError(f"{name}: expected a URL such as {SERVER_URL}")
    if (url.port or 0) > LARGEST_PORT:
        raise ValueError(f"{name}: port {url.port} is above {LARGEST_PORT}")
    if url.userinfo or "?" in text or "#" in text:
        raise ValueError(f"{name}: takes no user, query or fragment")
    return url


def check_attribution(given: Mapping[str, str | None]) -> dict[str, str]:
    """Return the attribution that was given; None is none given."""
    return {name: check_header(value, name) for name, value in given.items() if value is not None}


def require_retry_config(value: object, name: str) -> RetryConfig | None:
    """Return the configuration; None for None and UNSET."""
    if value is None or isinstance(value, Unset):
        return None
    if not isinstance(value, RetryConfig):
        raise TypeError(f"{name}: expected RetryConfig, got {type(value).__name__}")
    return value


def read_timeout(
    timeout_ms: float | None, timeout: httpx.Timeout | float | None
) -> httpx.Timeout | None:
    """Return the limits that were set, in either way; None if none were."""
    if timeout_ms is not None and timeout is not None:
        raise ValueError("timeout_ms: cannot be combined with timeout")
    if timeout_ms is not None:
        return httpx.Timeout(require_positive(timeout_ms, "timeout_ms") / MILLISECONDS)
    if timeout is None or isinstance(timeout, httpx.Timeout):
        return timeout
    return httpx.Timeout(require_positive(timeout, "timeout"))


def read_deadline(deadline_ms: float | None) -> float | None:
    """Return the deadline in seconds; None for none."""
    if deadline_ms is None:
        return None
    return require_positive(deadline_ms, "deadline_ms") / MILLISECONDS


def require_positive(value: object, name: str) -> float:
    """Return the value if it is a finite number above 0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name}: expected a number, got {type(value).__name__}")
    if not 0 < value <= LARGEST_NUMBER:
        raise ValueError(f"{name}: must be above 0 and no more than {LARGEST_NUMBER:g}")
    return value
