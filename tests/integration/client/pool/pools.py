"""PoolRegistry with few places, and requests for them."""

import httpx
from integration.client import faults
from integration.client.fault_server import FaultServer
from openrouter_rerank._network.connection import Route
from openrouter_rerank._network.pool import AsyncPool, Pool
from openrouter_rerank._network.pool_state import PoolState

OK = faults.reply(200, b"{}")


def make_pool(server: FaultServer, most: int = 1) -> Pool:
    """Make a sync pool with few places."""
    return Pool(Route(httpx.URL(server.url), True, None), PoolState(most, most))


def make_async_pool(server: FaultServer, most: int = 1) -> AsyncPool:
    """Make an async pool with few places."""
    return AsyncPool(Route(httpx.URL(server.url), True, None), PoolState(most, most))


def ask(server: FaultServer, pool_seconds: float | None = None) -> httpx.Request:
    """Make a request that waits so long for a connection."""
    return httpx.Request("POST", server.url, extensions={"timeout": {"pool": pool_seconds}})


def finish(response: httpx.Response) -> None:
    """Read a reply to its end."""
    response.read()
    response.close()
