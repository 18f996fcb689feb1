"""Calls to a server with faults."""

from typing import Any

from openrouter_rerank import OpenRouter
from openrouter_rerank.utils import RetryConfig

BODY: dict[str, Any] = {"model": "m", "query": "q", "documents": ["a", "b"]}
ONCE = RetryConfig("none", None, retry_connection_errors=False)


def call(open_router: OpenRouter, **options: Any) -> int:
    """Rerank, and return how many results there are."""
    return len(open_router.rerank.rerank(**{**BODY, **options}).results)


async def call_async(open_router: OpenRouter, **options: Any) -> int:
    """Rerank in an event loop, and close what belongs to it."""
    async with open_router:
        reply = await open_router.rerank.rerank_async(**{**BODY, **options})
    return len(reply.results)
