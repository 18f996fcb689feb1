"""A kept connection that was dead is forgiven; one that broke while the server worked is not."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import anyio
import httpx
import pytest
from integration.client import faults
from integration.client.calling import ALL_MODES, DOCUMENTS, KEY, TLS
from integration.client.conftest import Serve
from integration.client.fault_server import Exchange, Fault
from integration.client.fault_tables.row import SUCCESS
from openrouter_rerank import OpenRouter, RetryConfig
from openrouter_rerank.errors import DisconnectedError, OpenRouterError

IDLE = 5
REQUEST: dict[str, Any] = {"documents": DOCUMENTS, "model": "m", "query": "q"}
POLICIES = {
    "retry_disconnects": RetryConfig(retry_disconnects=False),
    "none": RetryConfig("none"),
    "max_attempts": RetryConfig(max_attempts=1),
}


class Clock:
    """A clock that a server moves on, as if it had worked that long."""

    def __init__(self) -> None:
        """Start as the system's clock."""
        self.skipped = 0.0

    def now(self) -> float:
        """Return the seconds."""
        return time.monotonic() + self.skipped

    def after(self, seconds: float, fault: Fault) -> Fault:
        """Let so many seconds pass before a fault."""

        def act(exchange: Exchange) -> bool:
            self.skipped += seconds
            return fault(exchange)

        return act


def call_at_once(
    mode: str, url: str, times: int, policy: RetryConfig, clock: Clock, *, is_own: bool
) -> list[Any]:
    """
    Call that often at once, and then once more; return how the last call ended.

    Args:
        mode: "sync", or the name of an event loop.
        url: Where to.
        times: How many calls go before, each over a connection of its own.
        policy: When to try again.
        clock: The client's clock.
        is_own: Whether an httpx client of the caller's sends the requests.
    """
    if mode == "sync":
        with httpx.Client(verify=TLS) as own:
            client = make_client(url, policy, clock, client=own if is_own else None)
            with client, ThreadPoolExecutor(times) as threads:
                calls = [threads.submit(client.rerank.rerank, **REQUEST) for _ in range(times)]
                for call in calls:
                    call.result()
                try:
                    client.rerank.rerank(**REQUEST)
                except OpenRouterError as error:
                    return [type(error), error.attempts]
        return [SUCCESS]

    async def run() -> list[Any]:
        async with httpx.AsyncClient(verify=TLS) as own:
            client = make_client(url, policy, clock, async_client=own if is_own else None)
            async with client:
                async with anyio.create_task_group() as tasks:
                    for _ in range(times):
                        tasks.start_soon(lambda: client.rerank.rerank_async(**REQUEST))
                try:
                    await client.rerank.rerank_async(**REQUEST)
                except OpenRouterError as error:
                    return [type(error), error.attempts]
        return [SUCCESS]

    return anyio.run(run, backend=mode)


def make_client(url: str, policy: RetryConfig, clock: Clock, **settings: Any) -> OpenRouter:
    """Make a client that has a clock."""
    client = OpenRouter(KEY, server_url=url, retry_config=policy, **settings)
    caller = cast("Any", client)._caller
    caller.clock = caller.clock._replace(now=clock.now)
    return client


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("fault", [faults.hang_up, faults.reset_after(b"")], ids=["end", "reset"])
@pytest.mark.parametrize("is_own", [False, True], ids=["our pool", "own client"])
def test_request_that_may_have_been_worked_on_is_not_sent_again(
    mode: str, policy: str, fault: Fault, is_own: bool, serve: Serve
) -> None:
    """A kept connection that breaks two seconds after the request is an error like any other."""
    clock = Clock()
    server = serve(faults.ok, clock.after(2.0, fault))

    ended = call_at_once(mode, server.url, 1, POLICIES[policy], clock, is_own=is_own)

    assert (ended, len(server.requests)) == ([DisconnectedError, 1], 2)


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("fault", [faults.hang_up, faults.reset_after(b"")], ids=["end", "reset"])
@pytest.mark.parametrize("is_own", [False, True], ids=["our pool", "own client"])
def test_several_dead_connections_cost_no_attempt(
    mode: str, policy: str, fault: Fault, is_own: bool, serve: Serve
) -> None:
    """However many kept connections are dead, the call has its first attempt still."""
    together = threading.Barrier(IDLE)
    known: set[object] = set()

    def act(exchange: Exchange) -> bool:
        connection = cast("Any", exchange)._connection
        if connection in known:
            return fault(exchange)
        if len(known) < IDLE:
            known.add(connection)
            together.wait()
        return faults.ok(exchange)

    server = serve(act)

    ended = call_at_once(mode, server.url, IDLE, POLICIES[policy], Clock(), is_own=is_own)

    # One is enough for our pool to open a new connection; httpx's offers one after the other.
    found_dead = IDLE if is_own else 1
    assert (ended, len(server.requests)) == ([SUCCESS], IDLE + found_dead + 1)
