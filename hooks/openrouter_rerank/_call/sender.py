"""Sending a single request over our own pools, or the caller's transport or httpx client."""

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

import httpx

from openrouter_rerank._network import httpx2_types
from openrouter_rerank._network.pool_registry import PoolRegistry
from openrouter_rerank._network.setup import SetupError, SetupValueError
from openrouter_rerank.errors import ClientClosedError

from .config import DEFAULT_TIMEOUT, Settings
from .error_mapping import clear_locals, map_error

if TYPE_CHECKING:
    from openrouter_rerank._network.httpx2_adapter import Httpx2Client


class Sender:
    """
    Builds and sends single requests, by the caller's httpx client or transport if there is one.

    Attributes:
        is_custom: Whether the caller's own client or transport sends sync requests; trace events
            then show how far an attempt got.
        is_custom_async: The same for async requests.
        is_closed: Whether nothing more is to be sent.
    """

    def __init__(
        self,
        pools: PoolRegistry,
        *,
        transport: httpx2_types.Transport | None = None,
        async_transport: httpx2_types.AsyncTransport | None = None,
        client: httpx2_types.Client | None = None,
        async_client: httpx2_types.AsyncClient | None = None,
    ) -> None:
        """Take the pools, and what sends requests instead of them; None for nothing."""
        self.is_custom = transport is not None or client is not None
        self.is_custom_async = async_transport is not None or async_client is not None
        self.is_closed = False
        self._pools = pools
        self._transport: httpx.BaseTransport | None = adapt(transport, "BaseTransport")
        self._async_transport: httpx.AsyncBaseTransport | None = adapt(
            async_transport, "AsyncBaseTransport"
        )
        self._client: httpx.Client | Httpx2Client | None = adapt(client, "Client")
        self._async_client: httpx.AsyncClient | Httpx2Client | None = adapt(
            async_client, "AsyncClient"
        )

    def check(self, url: httpx.URL) -> None:
        """
        Check that there is what our own connections to a server need; open none.

        Raises:
            ConnectionFailedError: A file or a package is missing.
            ValueError: A variable of the environment has a value that cannot be used.
        """
        if self.is_custom or self.is_custom_async:
            # What sends nothing needs nothing; if it does after all, its first request says so.
            return
        try:
            self._pools.check(url)
        except SetupValueError as error:
            clear_locals(error)
            raise ValueError(str(error)) from None
        except SetupError as error:
            clear_locals(error)
            raise map_error(error, failed_before_sending=True) from error

    def count_connections(self, *, is_async: bool) -> int | None:
        """Return how many connections our pool may have; None for no limit, or the caller's own."""
        is_custom = self.is_custom_async if is_async else self.is_custom
        return None if is_custom else self._pools.limits.max_connections

    def require_connections(self, count: int, *, is_async: bool) -> None:
        """
        Refuse to have more requests under way at once than our pool has connections.

        Raises:
            ValueError: They would wait for each other, and look slow.
        """
        most = self.count_connections(is_async=is_async)
        if most is not None and count > most:
            raise ValueError(
                f"max_concurrency: {count} is more than the client's {most} connections; make it "
                f"with limits=httpx.Limits(max_connections={count})"
            )

    def require_open(self, *, is_async: bool) -> None:
        """
        Refuse to begin a call with a closed client.

        Raises:
            ClientClosedError: It is closed.
        """
        if self.is_closed:
            raise ClientClosedError("this OpenRouter is closed; make a new one")
        client = self._async_client if is_async else self._client
        if client is not None and client.is_closed:
            name = "async_client" if is_async else "client"
            raise ClientClosedError(f"{name}: the httpx client is closed")

    def build_request(self, settings: Settings, content: bytes) -> httpx.Request:
        """
        Build the request of a sync call.

        Raises:
            ClientClosedError: The client is closed.
        """
        self.require_open(is_async=False)
        return build_request(settings, content, self._client)

    def build_async_request(self, settings: Settings, content: bytes) -> httpx.Request:
        """Build the request of an async call; see `build_request`."""
        self.require_open(is_async=True)
        return build_request(settings, content, self._async_client)

    def send(self, request: httpx.Request) -> httpx.Response:
        """
        Send a request; the reply is not yet read.

        Raises:
            ClientClosedError: The client was closed after the call began.
        """
        self.require_open(is_async=False)
        client = self._client
        if isinstance(client, httpx.Client):
            return client.send(request, stream=True, auth=None, follow_redirects=False)
        transport = self._transport if client is None else client
        # A transport may be false in a condition, such as one that keeps requests and has a length.
        if transport is not None:
            return transport.handle_request(request)
        return self._pools.sync_pool(request.url).handle_request(request)

    def send_async(self, request: httpx.Request) -> Awaitable[httpx.Response]:
        """Async `send`."""
        self.require_open(is_async=True)
        client = self._async_client
        if isinstance(client, httpx.AsyncClient):
            return client.send(request, stream=True, auth=None, follow_redirects=False)
        transport = self._async_transport if client is None else client
        if transport is not None:
            return transport.handle_async_request(request)
        return self._pools.async_pool(request.url).handle_async_request(request)

    def close(self) -> None:
        """Close the sync connections; the caller's own clients stay open."""
        self._pools.close()
        if self._transport is not None:
            self._transport.close()

    async def aclose(self) -> None:
        """Close the async connections of the running event loop, and the sync ones."""
        await self._pools.aclose()
        if self._async_transport is not None:
            await self._async_transport.aclose()
        self.close()


def adapt(own: Any, name: str) -> Any:
    """Return what the caller gave, used like httpx's if it is of httpx2's class of that name."""
    if not httpx2_types.is_httpx2(own, name):
        return own
    from openrouter_rerank._network.httpx2_adapter import Httpx2Client, Httpx2Transport

    return Httpx2Client(own) if name.endswith("Client") else Httpx2Transport(own)


def build_request(
    settings: Settings,
    content: bytes,
    client: "httpx.Client | httpx.AsyncClient | Httpx2Client | None" = None,
) -> httpx.Request:
    """Build the request for our own connections, or for a client of the caller's."""
    if client is not None:
        # It adds its own headers, and its timeouts unless some were set here.
        return client.build_request(
            "POST",
            settings.target.url,
            headers=settings.target.headers,
            content=content,
            timeout=settings.timeout or httpx.USE_CLIENT_DEFAULT,
        )
    # With a stream, httpx keeps the headers as they are, Host included.
    request = httpx.Request(
        "POST",
        settings.target.url,
        headers=settings.target.headers,
        stream=httpx.ByteStream(content),
        extensions={"timeout": (settings.timeout or DEFAULT_TIMEOUT).as_dict()},
    )
    request.headers["Content-Length"] = str(len(content))
    request.read()
    return request
