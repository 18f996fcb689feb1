"""Calling over httpx2's clients and transports, for sync code, asyncio and trio alike."""

from typing import Any

import anyio
import pytest
from integration.client.calling import KEY, QUICK, TLS, Outcome, observe, observe_async
from openrouter_rerank import OpenRouter

httpx2: Any = pytest.importorskip("httpx2", reason="httpx2 is not installed")

WAYS = ("client", "transport")


def make_own(way: str, mode: str, **given: Any) -> dict[str, Any]:
    """Make a client or a transport of httpx2's, as an argument of `OpenRouter`."""
    given = {"verify": TLS, **given}
    if mode == "sync":
        kind = {"client": httpx2.Client, "transport": httpx2.HTTPTransport}[way]
        return {way: kind(**given)}
    kind = {"client": httpx2.AsyncClient, "transport": httpx2.AsyncHTTPTransport}[way]
    return {f"async_{way}": kind(**given)}


def call_over(
    mode: str,
    server_url: str,
    own: dict[str, Any],
    times: int = 1,
    query: str = "question",
    **given: Any,
) -> list[Outcome]:
    """
    Call that often over one client, then close it and what sent its requests.

    Args:
        mode: "sync", or the name of an event loop.
        server_url: Where to.
        own: What `make_own` returned.
        times: How often.
        query: What to ask.
        given: Further arguments of `OpenRouter`.
    """
    settings: dict[str, Any] = {"retry_config": QUICK, "deadline_ms": 20_000, **own, **given}
    [sender] = own.values()
    if mode == "sync":
        with sender, OpenRouter(KEY, server_url=server_url, **settings) as client:
            return [observe(client, query) for _ in range(times)]

    async def run() -> list[Outcome]:
        async with sender, OpenRouter(KEY, server_url=server_url, **settings) as client:
            return [await observe_async(client, query) for _ in range(times)]

    return anyio.run(run, backend=mode)
