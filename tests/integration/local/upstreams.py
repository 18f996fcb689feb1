"""OpenRouter as the embedded server asks it, without a socket."""

import threading
from collections.abc import Mapping
from typing import Any

import httpx
from anyio.to_thread import run_sync
from openrouter_rerank import OpenRouter, RetryConfig

KEY = "sk-or-upstream-secret"
COST = 0.002


class FakeUpstream:
    """
    Answers by turns, and keeps what it was asked.

    Attributes:
        asked: The bodies of the requests.
        has_begun: Set when it is asked.
        may_answer: What each answer waits for.
        client: The client that asks it.
    """

    def __init__(self, *replies: httpx.Response | Exception) -> None:
        """Take the replies; after the last one it ranks in the order given, at `COST`."""
        self.asked: list[dict[str, Any]] = []
        self.has_begun = threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()
        self._replies = list(replies)
        self.client = OpenRouter(
            api_key=KEY,
            retry_config=RetryConfig("none"),
            async_transport=httpx.MockTransport(self._answer),
        )

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        body = httpx.Response(200, content=request.content).json()
        self.asked.append(body)
        self.has_begun.set()
        await run_sync(self.may_answer.wait)
        if not self._replies:
            return httpx.Response(200, json=make_reply(body))
        reply = self._replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


def make_reply(body: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """Make a reply that ranks documents in the order in which they were given."""
    count = len(body["documents"])
    results = [{"index": at, "relevance_score": 1 - at / count} for at in range(count)]
    usage = {"cost": COST, "search_units": 1}
    return {"id": "gen-1", "model": body["model"], "results": results, "usage": usage, **fields}
