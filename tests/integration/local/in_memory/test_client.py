"""The client that needs no server."""

import asyncio
import subprocess
import sys

import anyio
import pytest
from openrouter_rerank.errors import BadRequestResponseError
from openrouter_rerank.local import MiniLMRanker, client

QUERY = "What is the capital of France?"
DOCUMENTS = ["Berlin is the capital of Germany.", "Paris is the capital of France."]
# In development mode asyncio logs steps that take over 100 ms, which a busy machine has.
LEFT_OPEN = """
import logging
from openrouter_rerank.local import client

logging.getLogger("asyncio").addFilter(lambda record: not record.msg.startswith("Executing"))
reply = client().rerank.rerank(model="m", query="q", documents=["a"])
print(len(reply.results))
"""


def test_sync_call_is_answered_in_memory(ranker: MiniLMRanker) -> None:
    """A sync call ranks without server, key or network."""
    with client(ranker=ranker) as open_router:
        reply = open_router.rerank.rerank(model="m", query=QUERY, documents=DOCUMENTS)

    assert [result.index for result in reply.results] == [1, 0]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async_call_is_answered_in_memory(ranker: MiniLMRanker, backend: str) -> None:
    """An async call gets the same as a sync one, also within one running loop."""

    async def call() -> tuple[list[int], list[int]]:
        async with client(ranker=ranker) as open_router:
            there = await open_router.rerank.rerank_async(
                model="m", query=QUERY, documents=DOCUMENTS
            )
            here = open_router.rerank.rerank(model="m", query=QUERY, documents=DOCUMENTS)
        return [r.index for r in there.results], [r.index for r in here.results]

    assert anyio.run(call, backend=backend) == ([1, 0], [1, 0])


def test_calls_in_two_loops_share_a_client(ranker: MiniLMRanker) -> None:
    """One client may be used in one event loop after another."""
    open_router = client(ranker=ranker)

    async def call() -> int:
        reply = await open_router.rerank.rerank_async(model="m", query=QUERY, documents=DOCUMENTS)
        return reply.results[0].index

    firsts = [asyncio.run(call()) for _ in range(2)]
    open_router.close()

    assert firsts == [1, 1]


def test_errors_are_those_of_the_api(ranker: MiniLMRanker) -> None:
    """A refused request is the same typed error as over the network."""
    with client(ranker=ranker) as open_router, pytest.raises(BadRequestResponseError):
        open_router.rerank.rerank(
            model="m", query="q", documents=["a"], provider={"sort": {"by": 1}}
        )


def test_argument_that_is_set_here_is_refused() -> None:
    """The server's URL cannot be set, because there is no server."""
    with pytest.raises(TypeError, match="server_url"):
        client(server_url="https://example.com")


def test_open_client_does_not_keep_the_interpreter() -> None:
    """A program that never closes its client ends at once, with no warning."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", LEFT_OPEN],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")
