"""
A single async connection: the twin of `connection.Connection`.

A module of its own, since programs without async calls do not import what it needs.
"""

import httpcore
import httpx

from .async_streams import AsyncBackend
from .connection import ConnectionBase, Route, is_httpcore_patched, refuse_socks_error
from .http11 import AsyncHttp11
from .proxies import is_socks
from .streams import wrap_context


class AsyncConnection(ConnectionBase, httpx.AsyncHTTPTransport):
    """One async connection, which records what the current attempt sends and reads."""

    def __init__(self, route: Route) -> None:
        """Prepare the connection; its first request opens it."""
        self._backend = backend = AsyncBackend()
        if route.proxy is None and is_httpcore_patched():
            super().__init__(
                httpcore.AsyncHTTPConnection(
                    route.origin, wrap_context(route.context), network_backend=backend
                )
            )
        elif route.proxy is None:
            super().__init__(AsyncHttp11(route.origin, route.context, backend))
        else:
            make_proxy = (
                httpcore.AsyncSOCKSProxy if is_socks(route.proxy) else httpcore.AsyncHTTPProxy
            )
            proxy = make_proxy(**route.proxy_arguments(route.proxy), network_backend=backend)
            super().__init__(proxy.create_connection(route.origin))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        try:
            return await super().handle_async_request(request)
        except Exception as error:
            refuse_socks_error(error)
            raise

    async def aclose(self) -> None:
        """Async `Connection.close`."""
        await super().aclose()
        await self._backend.aclose()
