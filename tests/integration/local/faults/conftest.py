"""What the tests of faults share."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

import pytest
from openrouter_rerank import OpenRouter
from openrouter_rerank.local import Faults, MiniLMRanker, client, running

Open: TypeAlias = Callable[[Faults], AbstractContextManager[OpenRouter]]


@pytest.fixture(params=["sockets", "memory"])
def open_client(request: pytest.FixtureRequest, ranker: MiniLMRanker) -> Open:
    """Give a function that makes a client of a server with faults, or of one in memory."""

    @contextmanager
    def connect(faults: Faults) -> Generator[OpenRouter]:
        if request.param == "memory":
            with client(ranker=ranker, faults=faults) as open_router:
                yield open_router
            return
        with running(ranker, faults=faults) as url, OpenRouter(server_url=url) as open_router:
            yield open_router

    return connect
