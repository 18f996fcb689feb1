"""The calls of the public client, from the encoded body to the reply."""

import httpx

from openrouter_rerank._codec.request import EncodedRequest, check_headers
from openrouter_rerank._codec.response import Reply
from openrouter_rerank.errors import ClientClosedError

from .arguments import CallOptions
from .clock import SYSTEM_CLOCK
from .config import DEFAULT_TIMEOUT, CallSettings, Settings
from .retry_loop import send_with_retries, send_with_retries_async
from .sender import Sender


class Caller:
    """
    Makes the calls of a client over its connections, or over the caller's own httpx clients.

    Attributes:
        clock: Time and random numbers; fakes replace it.
    """

    def __init__(
        self,
        settings: Settings,
        sender: Sender,
        client: httpx.Client | None,
        async_client: httpx.AsyncClient | None,
    ) -> None:
        """Take the settings and what sends the requests."""
        self.clock = SYSTEM_CLOCK
        self._settings = settings
        self._sender = sender
        self._client = client
        self._async_client = async_client
        self._is_closed = False

    def call(self, encoded: EncodedRequest, options: CallOptions) -> Reply:
        """
        Send a request, with retries, and return its success.

        Raises:
            OpenRouterError: The call ended in an error.
        """
        is_custom_transport = self._sender.is_custom
        request, settings = self._prepare(
            self._client, encoded, options, is_custom_transport=is_custom_transport
        )
        if settings.hooks.observer is None:
            return send_with_retries(self._send, request, settings, self.clock)
        from .instrumentation import ObservedCall

        with ObservedCall(settings.hooks.observer, encoded, request, settings) as observed:
            return observed.decode(
                send_with_retries(self._send, request, observed.settings, self.clock)
            )

    async def call_async(self, encoded: EncodedRequest, options: CallOptions) -> Reply:
        """Async `call`, on asyncio or trio."""
        is_custom_transport = self._sender.is_custom_async
        request, settings = self._prepare(
            self._async_client, encoded, options, is_custom_transport=is_custom_transport
        )
        if settings.hooks.observer is None:
            return await send_with_retries_async(self._send_async, request, settings, self.clock)
        from .instrumentation import ObservedCall

        with ObservedCall(settings.hooks.observer, encoded, request, settings) as observed:
            return observed.decode(
                await send_with_retries_async(
                    self._send_async, request, observed.settings, self.clock
                )
            )

    def _prepare(
        self,
        client: httpx.Client | httpx.AsyncClient | None,
        encoded: EncodedRequest,
        options: CallOptions,
        *,
        is_custom_transport: bool,
    ) -> tuple[httpx.Request, CallSettings]:
        """Build the request and the settings of its call."""
        self._require_open(client)
        settings = options.apply(self._settings)
        headers = build_headers(settings, options)
        settings.log.record_request(settings.target.url, encoded)
        if client is None:
            request = build_request(settings, headers, encoded.content)
            return request, settings.for_call(is_custom_transport=is_custom_transport)
        request = build_client_request(client, settings, headers, encoded.content)
        return request, settings.for_call(is_custom_transport=True)

    def close(self) -> None:
        """Close the sync connections; the caller's own client stays open."""
        self._is_closed = True
        self._sender.close()

    async def aclose(self) -> None:
        """Close all connections; the caller's own clients stay open."""
        self._is_closed = True
        await self._sender.aclose()

    def _send(self, request: httpx.Request) -> httpx.Response:
        """Send one attempt, unless a client was closed after the call began."""
        client = self._client
        self._require_open(client)
        if client is None:
            return self._sender.send(request)
        return client.send(request, stream=True, auth=None, follow_redirects=False)

    async def _send_async(self, request: httpx.Request) -> httpx.Response:
        """Async `_send`."""
        client = self._async_client
        self._require_open(client)
        if client is None:
            return await self._sender.send_async(request)
        return await client.send(request, stream=True, auth=None, follow_redirects=False)

    def _require_open(self, client: httpx.Client | httpx.AsyncClient | None) -> None:
        if self._is_closed:
            raise ClientClosedError("this OpenRouter is closed; make a new one")
        if client is not None and client.is_closed:
            name = "client" if isinstance(client, httpx.Client) else "async_client"
            raise ClientClosedError(f"{name}: the httpx client is closed")


def build_headers(settings: Settings, options: CallOptions) -> httpx.Headers:
    """Return a call's headers; the caller's override all except those that only the client sets."""
    if not options.http_headers:
        return settings.target.headers
    headers = settings.target.headers.copy()
    headers.update(check_headers(options.http_headers))
    return headers


def build_request(settings: Settings, headers: httpx.Headers, content: bytes) -> httpx.Request:
    """Build the request for our own connections."""
    # With a stream, httpx keeps the headers as they are, Host included.
    request = httpx.Request(
        "POST",
        settings.target.url,
        headers=headers,
        stream=httpx.ByteStream(content),
        extensions={"timeout": (settings.timeout or DEFAULT_TIMEOUT).as_dict()},
    )
    request.headers["Content-Length"] = str(len(content))
    request.read()
    return request


def build_client_request(
    client: httpx.Client | httpx.AsyncClient,
    settings: Settings,
    headers: httpx.Headers,
    content: bytes,
) -> httpx.Request:
    """Build the request as the caller's own client would, with its headers and its timeouts."""
    timeout = settings.timeout
    return client.build_request(
        "POST",
        settings.target.url,
        headers=headers,
        content=content,
        timeout=httpx.USE_CLIENT_DEFAULT if timeout is None else timeout,
    )
