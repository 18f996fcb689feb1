"""A client that talks to the embedded server without a socket."""

from typing import Any

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from openrouter_rerank import OpenRouter
from openrouter_rerank.local._app import BASE_PATH, create_app
from openrouter_rerank.local._bridge import ThreadTransport
from openrouter_rerank.local._cuts import ConnectionCutError, Cut, offer_cutter
from openrouter_rerank.local._faults import Faults
from openrouter_rerank.local._ranker import Ranker

SERVER_URL = f"http://localhost{BASE_PATH}"


def client(
    *, ranker: Ranker | None = None, faults: Faults | None = None, **options: Any
) -> OpenRouter:
    """
    Make a client whose requests are answered in this process, without key or network.

    It is an `OpenRouter` like any other, sync and async; its calls go through the same
    application as those to the server, in memory.

    Args:
        ranker: What scores the documents. None takes `MiniLMRanker`, loaded by the first request
            and shared by all clients of the process.
        faults: Which requests are to fail, and how; None fails those alone that ask for it. A cut
            connection raises what it does over the network. An async call that hangs is ended by
            its deadline alone, since without a socket nothing else has a limit.
        options: Arguments of `OpenRouter`, but `server_url`, `transport` and `async_transport`.

    Returns:
        A client, to be closed as any other. One that isn't closed does not keep the interpreter
        from exiting.

    Raises:
        MissingExtraError: A package of the extra `local` is not installed.
        TypeError: `options` has an argument that `OpenRouter` doesn't take or that is set here.
    """
    transport = _MemoryTransport(create_app(ranker, faults=faults))
    return OpenRouter(
        server_url=SERVER_URL,
        transport=ThreadTransport(transport),
        async_transport=transport,
        **options,
    )


class _MemoryTransport(httpx.AsyncBaseTransport):
    """httpx's own transport for applications, with connections that can be cut."""

    def __init__(self, app: ASGIApp) -> None:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            offer_cutter(scope, _cut)
            await app(scope, receive, send)

        # The application answers all of its failures itself, so that only cuts come out of it.
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
