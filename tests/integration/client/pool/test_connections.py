"""Connections of the pool: which are used again, and when they are closed."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest
from integration.client import faults
from integration.client.conftest import Serve
from integration.client.fault_server import Exchange, closed_port
from integration.client.pool.pools import OK, ask, finish, make_async_pool, make_pool
from openrouter_rerank import OpenRouter, RetryConfig, errors


def leave(release: threading.Event) -> Callable[[Exchange], bool]:
    """Make a server that answers, and hangs up after an event."""

    def fault(exchange: Exchange) -> bool:
        OK(exchange)
        release.wait()
        return False

    return fault


def test_connections_that_grew_old_are_closed(serve: Serve) -> None:
    """A connection that the server closed while it was idle is dropped with the next reply."""
    release = threading.Event()
    server = serve(leave(release), OK)
    pool = make_pool(server, 2)
    old, young = (pool.handle_request(ask(server)) for _ in range(2))
    finish(old)
    release.set()
    assert server.wait_for_open(1)
    finish(young)
    finish(pool.handle_request(ask(server)))

    assert server.opened == 2
    assert server.wait_for_open(1)
    pool.close()
    assert server.wait_for_open(0)


@pytest.mark.anyio
async def test_connections_that_were_idle_too_long_are_not_used(
    serve: Serve,
) -> None:
    """A connection that the server may be about to close is closed and replaced."""
    server = serve(OK)
    pool, async_pool = make_pool(server, 1, 0.0), make_async_pool(server, 1, 0.0)

    for _ in range(2):
        finish(pool.handle_request(ask(server)))
        response = await async_pool.handle_async_request(ask(server))
        await response.aread()
        await response.aclose()

    assert server.opened == 4
    pool.close()
    await async_pool.aclose()
    assert server.wait_for_open(0)


@pytest.mark.anyio
async def test_reply_closes_what_was_idle_too_long(
    serve: Serve,
) -> None:
    """A connection that comes back closes those that nobody has used for the keep-alive."""
    server = serve(OK)
    pool: Any = make_pool(server, 2)
    async_pool: Any = make_async_pool(server, 2)
    old, young = (pool.handle_request(ask(server)) for _ in range(2))
    async_old, async_young = [await async_pool.handle_async_request(ask(server)) for _ in range(2)]
    finish(old)
    await async_old.aread()
    await async_old.aclose()
    pool._keepalive = async_pool._keepalive = 0.0

    finish(young)
    await async_young.aread()
    await async_young.aclose()

    assert await anyio.to_thread.run_sync(server.wait_for_open, 2)
    pool.close()
    await async_pool.aclose()


def test_connection_in_use_is_closed_when_it_comes_back(serve: Serve) -> None:
    """Closing the pool does not cut a reply off that is being read."""
    server = serve(OK)
    pool = make_pool(server)
    response = pool.handle_request(ask(server))
    pool.close()

    assert response.read() == b"{}"
    response.close()
    assert server.wait_for_open(0)


@pytest.mark.anyio
async def test_async_connections_that_grew_old_are_closed(serve: Serve) -> None:
    """The async pool drops what the server has closed."""
    release = threading.Event()
    server = serve(leave(release), OK)
    pool = make_async_pool(server, 2)
    old = await pool.handle_async_request(ask(server))
    young = await pool.handle_async_request(ask(server))
    for response in (old, young):
        await response.aread()
        if response is young:
            release.set()
            assert await anyio.to_thread.run_sync(server.wait_for_open, 1)
        await response.aclose()
    last = await pool.handle_async_request(ask(server))
    await last.aread()
    await last.aclose()
    await pool.aclose()

    assert server.opened == 2
    assert server.wait_for_open(0)


@pytest.mark.anyio
async def test_connections_to_a_proxy_are_kept(serve: Serve) -> None:
    """Requests through a forwarding proxy use one connection to it for each half."""
    server = serve(faults.ok)
    async with OpenRouter(
        "k", server_url="http://api.invalid/api/v1", proxy=server.origin
    ) as client:
        for _ in range(2):
            client.rerank.rerank(documents=["a", "b", "c"], model="m", query="q")
            await client.rerank.rerank_async(documents=["a", "b", "c"], model="m", query="q")

    assert [request.target for request in server.requests] == [
        "http://api.invalid/api/v1/rerank"
    ] * 4
    assert server.opened == 2


@pytest.mark.anyio
async def test_requests_without_a_body_are_sent(serve: Serve) -> None:
    """A head that no body follows goes out before the reply is waited for."""
    server = serve(OK)
    request = httpx.Request("GET", server.url)
    pool, async_pool = make_pool(server), make_async_pool(server)
    finish(pool.handle_request(request))
    response = await async_pool.handle_async_request(request)
    await response.aread()
    await response.aclose()
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)
    await stream.aclose()
    pool.close()
    await async_pool.aclose()

    assert [request.method for request in server.requests] == ["GET", "GET"]


def test_client_may_be_closed_after_its_loop_has_ended_its_generators(serve: Serve) -> None:
    """Closing in a loop that has closed the connections already does nothing."""
    server = serve(faults.ok)

    async def call() -> None:
        client = OpenRouter("k", server_url=server.url)
        await client.rerank.rerank_async(documents=["a", "b", "c"], model="m", query="q")
        await asyncio.get_running_loop().shutdown_asyncgens()
        await client.aclose()

    asyncio.run(call())

    assert server.wait_for_open(0)


@pytest.mark.anyio
async def test_socks_proxy_that_refuses() -> None:
    """A SOCKS proxy is asked by both halves, and a refusal is a failed connection."""
    with closed_port() as port:
        async with OpenRouter(
            "k", proxy=f"socks5://127.0.0.1:{port}", retry_config=RetryConfig("none")
        ) as client:
            with pytest.raises(errors.ConnectionFailedError):
                client.rerank.rerank(documents=["a"], model="m", query="q")
            with pytest.raises(errors.ConnectionFailedError):
                await client.rerank.rerank_async(documents=["a"], model="m", query="q")
