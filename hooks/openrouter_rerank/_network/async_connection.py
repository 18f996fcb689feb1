"""
A single async connection: the twin of `connection.Connection`.

A module of its own, since programs without async calls do not import what it needs.
"""

import httpcore
import httpx

from .async_streams import AsyncBackend
from .connection import Classes, ConnectionBase, Route, prepare_connection, refuse_socks_error
from .http11 import AsyncHttp11

CLASSES = Classes(
    AsyncHttp11,
    httpcore.AsyncHTTPConnection,
    httpcore.AsyncHTTPProxy,
    httpcore.AsyncSOCKSProxy,
)


class AsyncConnection(ConnectionBase, httpx.AsyncHTTPTransport):
    """One async connection, which records what the current attempt sends and reads."""

    def __init__(self, route: Route) -> None:
        """Prepare the connection; its first request opens it."""
        self._backend = AsyncBackend()
        super().__init__(prepare_connection(route, CLASSES, self._backend))

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
