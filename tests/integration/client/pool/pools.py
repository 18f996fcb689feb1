"""PoolRegistry with few places, and requests for them."""

import httpx
from integration.client import faults
from integration.client.fault_server import FaultServer
from openrouter_rerank._network.async_pool import AsyncPool
from openrouter_rerank._network.connection import Route
from openrouter_rerank._network.event_loop import find_event_loop
from openrouter_rerank._network.pool import Pool

OK = faults.reply(200, b"{}")


def make_limits(most: int = 1, keepalive: float = 5.0) -> httpx.Limits:
    """Allow few connections."""
    return httpx.Limits(
        max_connections=most, max_keepalive_connections=most, keepalive_expiry=keepalive
    )


def make_pool(server: FaultServer, most: int = 1, keepalive: float = 5.0) -> Pool:
    """Make a sync pool with few places."""
    return Pool(make_route(server), make_limits(most, keepalive))


def make_async_pool(server: FaultServer, most: int = 1, keepalive: float = 5.0) -> AsyncPool:
    """Make an async pool with few places, in the running event loop."""
    return AsyncPool(make_route(server), find_event_loop(), make_limits(most, keepalive))


def make_route(server: FaultServer) -> Route:
    """Lead to a server."""
    return Route(httpx.URL(server.url), True, None)


def ask(server: FaultServer, pool_seconds: float | None = None) -> httpx.Request:
    """Make a request that waits so long for a connection."""
    return httpx.Request("POST", server.url, extensions={"timeout": {"pool": pool_seconds}})


def finish(response: httpx.Response) -> None:
    """Read a reply to its end."""
    response.read()
    response.close()
