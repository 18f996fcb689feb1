"""Async requests that reach the application without a socket."""

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from openrouter_rerank.local._faults.connection_cut import ConnectionCutError, Cut, offer_cutter


class AsyncTransport(httpx.AsyncBaseTransport):
    """httpx's own transport for applications, with connections that can be cut."""

    def __init__(self, app: ASGIApp) -> None:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            offer_cutter(scope, _cut)
            await app(scope, receive, send)

        # The application answers all of its own failures, so only cuts come out of it.
        self._inner = httpx.ASGITransport(answer, raise_app_exceptions=True)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """
        Answer one request.

        Raises:
            httpx.ReadError: The connection was reset.
            httpx.RemoteProtocolError: The connection ended within the reply.
        """
        try:
            return await self._inner.handle_async_request(request)
        except ConnectionCutError as error:
            kind = httpx.ReadError if error.cut is Cut.RESET else httpx.RemoteProtocolError
            raise kind(str(error), request=request) from error


async def _cut(cut: Cut) -> None:
    raise ConnectionCutError(cut)
