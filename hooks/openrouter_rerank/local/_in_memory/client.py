"""A client that talks to the embedded server without a socket."""

from typing import Any

from openrouter_rerank import OpenRouter
from openrouter_rerank.local._app.application import BASE_PATH, create_app
from openrouter_rerank.local._faults.config import Faults
from openrouter_rerank.local._models.ranker import Ranker

from .async_transport import AsyncTransport
from .sync_transport import SyncTransport

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
        faults: Which requests are to fail, and how; None fails only those that ask for it. A cut
            connection raises what it raises over the network. Only its deadline ends an async
            call that hangs, because without a socket nothing else has a limit.
        options: Arguments of `OpenRouter`, but `server_url`, `transport` and `async_transport`.

    Returns:
        A client, to be closed as any other. One that isn't closed does not keep the interpreter
        from exiting.

    Raises:
        MissingExtraError: A package of the extra `local` is not installed.
        TypeError: `options` has an argument that `OpenRouter` doesn't take or that is set here.
    """
    transport = AsyncTransport(create_app(ranker, faults=faults))
    return OpenRouter(
        server_url=SERVER_URL,
        transport=SyncTransport(transport),
        async_transport=transport,
        **options,
    )
