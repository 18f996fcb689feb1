"""A client that talks to the embedded server without a socket."""

import os
from typing import Any

from openrouter_rerank import OpenRouter
from openrouter_rerank.local._app.application import BASE_PATH, create_app
from openrouter_rerank.local._faults.config import Faults
from openrouter_rerank.local._models.ranker import Ranker

from .async_transport import AsyncTransport
from .sync_transport import SyncTransport

SERVER_URL = f"http://localhost{BASE_PATH}"


def client(
    *,
    model: str | os.PathLike[str] | None = None,
    ranker: Ranker | None = None,
    faults: Faults | None = None,
    **options: Any,
) -> OpenRouter:
    """
    Make a client whose requests are answered in this process, without key or network.

    It is an `OpenRouter` like any other, sync and async; its calls go through the same
    application as those to the server, in memory.

    Args:
        model: The embedded model's name or folder, as `LocalRanker` takes it, which is loaded at
            once. None takes `minilm`, loaded by the first request. All clients of the process share
            a model.
        ranker: What scores the documents instead; None takes that of `model`.
        faults: Which requests are to fail, and how; None fails only those that ask for it. A cut
            connection raises what it raises over the network. Only its deadline ends an async
            call that hangs, because without a socket nothing else has a limit.
        options: Arguments of `OpenRouter`, but `server_url`, `transport` and `async_transport`.

    Returns:
        A client, to be closed as any other. One that isn't closed does not keep the interpreter
        from exiting.

    Raises:
        DataFileError: The package lacks the contract or the vocabulary of the model.
        MissingExtraError: A package of the extra `local` is not installed, or that with the model.
        ModelFileError: The model that is named cannot be loaded, or a file of the model is missing.
        TypeError: `options` has an argument that `OpenRouter` doesn't take or that is set here.
        ValueError: There is no such model, or both `ranker` and `model` are given.
    """
    transport = AsyncTransport(create_app(ranker, model=model, faults=faults))
    return OpenRouter(
        server_url=SERVER_URL,
        transport=SyncTransport(transport),
        async_transport=transport,
        **options,
    )
