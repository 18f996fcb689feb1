"""Documents to send in parts, servers that answer the parts, and one way to call each half."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import anyio
import httpx
import pytest
from openrouter_rerank import OpenRouter
from openrouter_rerank.operations import CreateRerankResponseBody
from openrouter_rerank.testing import FakeOpenRouter, Step, answer, rank

ASK: dict[str, Any] = {"model": "m", "query": "q"}
SECRET = "sk-or-batched"
Half = Callable[..., CreateRerankResponseBody]


def run_sync(client: OpenRouter, **arguments: Any) -> CreateRerankResponseBody:
    """Make the sync call."""
    return client.rerank.rerank_batched(**{**ASK, **arguments})


def run_async(backend: str, client: OpenRouter, **arguments: Any) -> CreateRerankResponseBody:
    """Make the async call on an event loop of its own."""

    async def call() -> CreateRerankResponseBody:
        return await client.rerank.rerank_batched_async(**{**ASK, **arguments})

    return anyio.run(call, backend=backend)


HALVES: list[Half] = [run_sync, partial(run_async, "asyncio"), partial(run_async, "trio")]
every_half = pytest.mark.parametrize("half", HALVES, ids=["sync", "asyncio", "trio"])


def score(text: str) -> float:
    """Score a text by itself, with many ties."""
    return len(text) / 8


def rank_by_text(request: httpx.Request) -> httpx.Response:
    """Answer as a model that scores each document by itself."""
    body = json.loads(request.content)
    reply = rank(body, [score(text) for text in body["documents"]])
    return httpx.Response(200, json={**reply, "usage": {"cost": 0.25, "search_units": 1}})


def refuse(word: str, status: int = 402) -> Step:
    """Answer with an error when the documents contain a word, else rank."""

    def act(request: httpx.Request) -> httpx.Response:
        refused = word in json.loads(request.content)["documents"]
        return answer(status).build(request) if refused else rank_by_text(request)

    return act


def number_texts(count: int) -> list[str]:
    """Make different texts of which later ones score higher."""
    return ["x" * number for number in range(1, count + 1)]


def list_sent(client: FakeOpenRouter) -> list[list[str]]:
    """Return the parts that were sent, in the order of the documents."""
    return sorted((body["documents"] for body in client.bodies), key=lambda part: len(part[0]))


def break_off(count: int) -> Iterator[str]:
    """Give some documents, then break."""
    yield from number_texts(count)
    raise LookupError("the rest is lost")
