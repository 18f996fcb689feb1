"""Authentication, retries and typed errors as one httpx transport, for the generated functions."""

import httpx

from openrouter_rerank._network.auth import ApiKey
from openrouter_rerank._network.httpx2_types import (
    AsyncTransport,
    Limits,
    Proxy,
    Timeout,
    Transport,
)
from openrouter_rerank._network.pool_registry import PoolRegistry
from openrouter_rerank._network.setup import Verify
from openrouter_rerank._policy.retry_config import RetryConfig
from openrouter_rerank.types import UNSET, Unset

from .call import Call
from .clock import SYSTEM_CLOCK
from .config import DEFAULT_TIMEOUT, Settings, read_settings
from .defaults import DEFAULT_DEADLINE_MS, DEFAULT_MAX_RESPONSE_BYTES
from .error_mapping import clear_locals
from .sender import Sender
from .target import USER_AGENT

# The generated client has to have a token; this one of our examples stands for none.
PLACEHOLDER = "Bearer unused"


class HooksTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """
    Authentication, attribution, retries and typed errors around any httpx transport.

    With it the generated functions behave as the public client does, sync and async:

        client = AuthenticatedClient(
            base_url=server_url, token="unused", httpx_args={"transport": HooksTransport(api_key)}
        )

    The token "unused" is never sent. The key goes only to the origin of `server_url`. Only 307 and
    308 are followed, and only to that origin. A 200 that comes through is a JSON object as the
    server sent it; the generated decoder checks whether it holds what the contract requires, and
    neither sorts the results nor cuts them to `top_n`. The deadline limits an async call as a
    whole, and each read of a sync call; with the caller's own `transport`, a single read of a sync
    call can outlast it.

    Attributes:
        hooks: Registers functions that are called during every call.
    """

    def __init__(
        self,
        api_key: ApiKey = None,
        *,
        server_url: str | None = None,
        http_referer: str | None = None,
        x_open_router_title: str | None = None,
        x_open_router_categories: str | None = None,
        retry_config: RetryConfig | Unset | None = UNSET,
        timeout_ms: float | None = None,
        timeout: Timeout | float | None = None,
        deadline_ms: float | None = DEFAULT_DEADLINE_MS,
        max_response_bytes: int = DEFAULT_MAX_RESPONSE_BYTES,
        verify: Verify = True,
        proxy: str | Proxy | None = None,
        transport: Transport | None = None,
        async_transport: AsyncTransport | None = None,
        limits: Limits | None = None,
    ) -> None:
        """
        Set up without connecting.

        Args:
            api_key: The key, or a function that returns it, or a coroutine function for async
                calls; None and "" read `OPENROUTER_API_KEY` at each request.
            server_url: The API's URL; None is `OPENROUTER_BASE_URL`, else the contract's server.
            http_referer: URL of the calling app; None is `OPENROUTER_HTTP_REFERER`, "" sends none.
            x_open_router_title: The app's name; None is `OPENROUTER_X_OPEN_ROUTER_TITLE`.
            x_open_router_categories: The app's categories, separated by commas; None is
                `OPENROUTER_X_OPEN_ROUTER_CATEGORIES`.
            retry_config: When to try again; None and UNSET are the default policy.
            timeout_ms: Limit for connecting, for one read and for one write, in milliseconds.
            timeout: The same in seconds, or as an `httpx.Timeout`. With neither: 5 s to connect,
                60 s for a read and a write. A request's own timeouts override both. Here and for
                the arguments below, httpx2's objects do as well as httpx's.
            deadline_ms: Limit for a whole call with all its attempts, in milliseconds; None for no
                limit.
            max_response_bytes: The longest body to accept, as sent and as inflated.
            verify: A TLS context; True for the usual certificates and those of `SSL_CERT_FILE` and
                `SSL_CERT_DIR`, False to check none.
            proxy: The proxy to connect through; None is what `HTTPS_PROXY`, `HTTP_PROXY`,
                `ALL_PROXY` and `NO_PROXY` say.
            transport: Sends sync requests instead of our own connections.
            async_transport: Sends async requests instead of our own connections.
            limits: How many connections there may be to one origin, and for how many seconds they
                may be idle; None is what httpx has.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument has a value that cannot work.
            ConnectionFailedError: `SSL_CERT_FILE` names a file that cannot be read, or a proxy
                needs a package that is missing.
        """
        try:
            self._settings = read_settings(
                api_key=api_key,
                server_url=server_url,
                http_referer=http_referer,
                x_open_router_title=x_open_router_title,
                x_open_router_categories=x_open_router_categories,
                retry_config=retry_config,
                timeout_ms=timeout_ms,
                timeout=timeout,
                deadline_ms=deadline_ms,
                max_response_bytes=max_response_bytes,
            )
            pools = PoolRegistry(verify=verify, proxy=proxy, limits=limits)
        except (TypeError, ValueError) as error:
            clear_locals(error)
            raise
        finally:
            # An error keeps the variables of this frame.
            del api_key, proxy
        self.hooks = self._settings.hooks
        self._sender = Sender(pools, transport=transport, async_transport=async_transport)
        self._sender.check(self._settings.target.server_url)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """
        Send a request with all hooks; the reply is a 200 with a JSON object, fully read.

        Raises:
            OpenRouterError: The call ended in an error; `openrouter_rerank.errors` lists them.
        """
        return self._begin(request).run().response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Async `handle_request`, on asyncio or trio."""
        return (await self._begin(request).run_async()).response

    def close(self) -> None:
        """Close the sync connections."""
        self._sender.close()

    async def aclose(self) -> None:
        """Close the async connections of the running event loop, and the sync ones."""
        await self._sender.aclose()

    def _begin(self, request: httpx.Request) -> Call:
        add_headers(request, self._settings)
        add_timeout(request, self._settings)
        return Call(self._sender, request, self._settings, SYSTEM_CLOCK)


def add_headers(request: httpx.Request, settings: Settings) -> None:
    """Add the client's headers to a request that the caller built."""
    if request.headers.get("Authorization") == PLACEHOLDER:
        del request.headers["Authorization"]
    request.headers["Accept-Encoding"] = "gzip"
    for name, value in settings.target.attribution_headers.items():
        request.headers.setdefault(name, value)
    if request.headers.get("User-Agent", "python-httpx").startswith("python-httpx"):
        request.headers["User-Agent"] = USER_AGENT


def add_timeout(request: httpx.Request, settings: Settings) -> None:
    """Set the client's timeouts on a request where it has none of its own."""
    limits = (settings.timeout or DEFAULT_TIMEOUT).as_dict()
    own = request.extensions.get("timeout", {})
    request.extensions["timeout"] = {
        name: limit if own.get(name) is None else own[name] for name, limit in limits.items()
    }
