"""Sending a single request over our own pools or the caller's transport."""

import httpx

from openrouter_rerank._network.pool_registry import PoolRegistry


class Sender:
    """Sends single requests over the caller's transports, or else over our own pools."""

    def __init__(
        self,
        pools: PoolRegistry,
        transport: httpx.BaseTransport | None,
        async_transport: httpx.AsyncBaseTransport | None,
    ) -> None:
        """Take the pools and the transports that replace them; None for none."""
        self._pools = pools
        self._transport = transport
        self._async_transport = async_transport

    @property
    def is_custom(self) -> bool:
        """Whether sync requests go through the caller's transport."""
        return self._transport is not None

    @property
    def is_custom_async(self) -> bool:
        """Whether async requests go through the caller's transport."""
        return self._async_transport is not None

    def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the reply is not yet read."""
        transport = self._transport or self._pools.sync_pool(request.url)
        return transport.handle_request(request)

    async def send_async(self, request: httpx.Request) -> httpx.Response:
        """Async `send`."""
        transport = self._async_transport or self._pools.async_pool(request.url)
        return await transport.handle_async_request(request)

    def close(self) -> None:
        """Close the sync connections."""
        self._pools.close()
        if self._transport is not None:
            self._transport.close()

    async def aclose(self) -> None:
        """Close the async connections of the running event loop, and the sync ones."""
        await self._pools.aclose()
        if self._async_transport is not None:
            await self._async_transport.aclose()
        self.close()
