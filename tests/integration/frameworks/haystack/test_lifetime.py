"""When the ranker connects, and what it closes."""

import asyncio
import copy
import gc
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from haystack.utils import Secret
from integration.frameworks.haystack.rankers import QUERY, Run, make_documents
from openrouter_rerank.haystack import OpenRouterRanker
from openrouter_rerank.testing import FakeOpenRouter


@pytest.mark.parametrize("is_async", [False, True])
def test_strict_key_is_missed_at_warm_up(
    environment: pytest.MonkeyPatch, *, is_async: bool
) -> None:
    """The key is read when the ranker warms up, and missed then if it has to be there."""
    environment.delenv("OPENROUTER_API_KEY")
    ranker = OpenRouterRanker("m", api_key=Secret.from_env_var("OPENROUTER_API_KEY"))

    with pytest.raises(ValueError, match="OPENROUTER_API_KEY"):
        asyncio.run(ranker.warm_up_async()) if is_async else ranker.warm_up()


def test_given_client_stays_open() -> None:
    """Closing the ranker leaves a client that it was given alone."""
    with FakeOpenRouter() as client:
        ranker = OpenRouterRanker("m", client=client)
        ranker.warm_up()
        ranker.close()
        asyncio.run(ranker.close_async())

        assert len(ranker.run(QUERY, make_documents())["documents"]) == 3


def test_closed_ranker_opens_again(run: Run, server_url: str) -> None:
    """A run after closing connects again, and closing twice does no harm."""
    ranker = OpenRouterRanker("m", server_url=server_url, top_k=1)
    for _ in range(2):
        ranker.warm_up()
        run(ranker, QUERY, make_documents())
        ranker.close()
        ranker.close()

    assert [each.id for each in run(ranker, QUERY, make_documents())] == ["paris"]
    ranker.close()


def test_closing_in_an_event_loop_closes_all(server_url: str) -> None:
    """After `close_async` no connection is open, those of sync runs included."""
    ranker = OpenRouterRanker("m", server_url=server_url, top_k=1)
    found = ranker.run(QUERY, make_documents())["documents"]
    asyncio.run(ranker.close_async())
    # A socket that is collected while it is open is a warning, and so an error here.
    del ranker
    gc.collect()

    assert [each.id for each in found] == ["paris"]


def test_threads_share_what_is_closed(server_url: str) -> None:
    """Runs that begin at once leave no connection open after the ranker is closed."""
    ranker = OpenRouterRanker("m", server_url=server_url, top_k=1)
    start = threading.Barrier(4)

    def rank(_number: int) -> str:
        start.wait()
        return ranker.run(QUERY, make_documents())["documents"][0].id

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(rank, range(4)))
    ranker.close()
    gc.collect()

    assert found == ["paris"] * 4


@pytest.mark.parametrize("copy_it", [copy.copy, copy.deepcopy])
def test_copy_of_a_ranker_works(run: Run, copy_it: Callable[[Any], Any]) -> None:
    """A copy of a ranker, or of an object that holds one, ranks; it shares a given client alone."""
    with FakeOpenRouter() as client:
        given = copy_it(OpenRouterRanker("m", client=client, provider={"only": ["a"]}))
        run(given, QUERY, make_documents())
    own = OpenRouterRanker("m")
    own.warm_up()
    copied = copy_it(own)

    assert client.bodies[0]["provider"] == {"only": ["a"]}
    assert copied.to_dict() == own.to_dict()
    own.close()
