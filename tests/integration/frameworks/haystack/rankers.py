"""Documents, and both ways to rank them."""

import asyncio
from collections.abc import Callable
from typing import Any

from haystack import Document
from openrouter_rerank.haystack import OpenRouterRanker

KEY = "sk-or-haystack"
QUERY = "What is the capital of France?"
Run = Callable[..., list[Document]]


def make_documents() -> list[Document]:
    """Make documents, the most relevant one in the middle."""
    return [
        Document(id="berlin", content="Berlin is the capital of Germany.", meta={"page": 1}),
        Document(id="paris", content="Paris is the capital of France.", meta={"page": 2}),
        Document(id="bread", content="Bread is made of flour.", meta={"page": 3}),
    ]


def run_sync(ranker: OpenRouterRanker, *arguments: Any, **named: Any) -> list[Document]:
    """Rank by `run`."""
    return ranker.run(*arguments, **named)["documents"]


def run_async(ranker: OpenRouterRanker, *arguments: Any, **named: Any) -> list[Document]:
    """Rank by `run_async`, in an event loop of its own."""

    async def run() -> list[Document]:
        found = await ranker.run_async(*arguments, **named)
        await ranker.close_async()
        return found["documents"]

    return asyncio.run(run())
