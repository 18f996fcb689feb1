"""The pool over real connections: who waits, who is served, and what is given up."""

import asyncio
import signal
import threading
from collections.abc import Callable

import anyio
import httpx
import pytest
from client import faults
from client.conftest import Serve
from client.fault_server import Exchange, FaultServer, closed_port
from openrouter_rerank import OpenRouter, RetryConfig, errors
from openrouter_rerank._network.connection import Route
from openrouter_rerank._network.pool import AsyncPool, Pool
from openrouter_rerank._network.pool_state import PoolState, Waiter

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


def test_who_waits_gets_the_connection_that_comes_back(serve: Serve) -> None:
    """With one place, a second request waits for the first reply's end and takes its connection."""
    server = serve(OK)
    pool = make_pool(server)
    first = pool.handle_request(ask(server))
    statuses: list[int] = []

    def wait() -> None:
        second = pool.handle_request(ask(server))
        statuses.append(second.status_code)
        finish(second)

    thread = threading.Thread(target=wait)
    thread.start()
    finish(first)
    thread.join()
    pool.close()

    assert statuses == [200]
    assert server.opened == 1


def test_who_waits_too_long_is_told(serve: Serve) -> None:
    """The pool timeout is an error of httpx's, and takes no place."""
    server = serve(OK)
    pool = make_pool(server)
    first = pool.handle_request(ask(server))

    with pytest.raises(httpx.PoolTimeout, match=r"within 0\.01 s"):
        pool.handle_request(ask(server, 0.01))
    finish(first)
    finish(pool.handle_request(ask(server, 0.01)))
    pool.close()

    assert server.opened == 1


def test_who_is_interrupted_leaves_the_queue(serve: Serve) -> None:
    """Ctrl-C while waiting for a connection takes no place with it."""
    server = serve(OK)
    pool = make_pool(server)
    first = pool.handle_request(ask(server))
    main = threading.main_thread().ident
    assert main is not None
    before = signal.signal(signal.SIGUSR1, signal.default_int_handler)
    timer = threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGUSR1))
    try:
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            pool.handle_request(ask(server))
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)

    finish(first)
    finish(pool.handle_request(ask(server, 0.01)))
    pool.close()


def test_place_that_comes_while_leaving_is_given_back(serve: Serve) -> None:
    """Who is served in the moment of giving up hands the place on."""
    server = serve(OK)
    pool = make_pool(server)
    first = pool.handle_request(ask(server))
    waiter: Waiter[object] = Waiter(threading.Event())
    pool._state.enqueue(waiter)  # type: ignore[arg-type]
    finish(first)
    assert waiter.has_slot

    pool._dequeue(waiter)  # type: ignore[arg-type]
    finish(pool.handle_request(ask(server, 0.01)))
    pool.close()

    assert server.opened == 1


def test_place_without_a_connection_is_given_back(serve: Serve) -> None:
    """When no connection can be made, the place is free for the next request."""
    server = serve(OK)
    route = Route(httpx.URL(server.url), True, None)
    pool = Pool(route, PoolState(1, 1))
    route.proxy = "odd"  # type: ignore[assignment]
    for _ in range(2):
        with pytest.raises(AttributeError):
            pool.handle_request(ask(server, 0.01))
    route.proxy = None

    finish(pool.handle_request(ask(server, 0.01)))
    pool.close()


@pytest.mark.anyio
async def test_place_of_a_call_that_is_cancelled_early_is_given_back(serve: Serve) -> None:
    """Whatever ends an async call before it has its connection leaves the place free."""
    server = serve(OK)
    route = Route(httpx.URL(server.url), True, None)
    pool = AsyncPool(route, PoolState(1, 1))
    route.proxy = "odd"  # type: ignore[assignment]
    for _ in range(2):
        with pytest.raises(AttributeError):
            await pool.handle_async_request(ask(server, 0.01))
    route.proxy = None

    response = await pool.handle_async_request(ask(server, 0.01))
    await response.aread()
    await response.aclose()
    await pool.aclose()


def test_stream_may_be_closed_twice(serve: Serve) -> None:
    """A second close does not give the place back a second time."""
    server = serve(OK)
    pool = make_pool(server)
    response = pool.handle_request(ask(server))
    finish(response)
    stream = response.stream
    assert isinstance(stream, httpx.SyncByteStream)
    stream.close()
    second = pool.handle_request(ask(server))

    with pytest.raises(httpx.PoolTimeout):
        pool.handle_request(ask(server, 0.01))
    finish(second)
    pool.close()


def leave(release: threading.Event) -> Callable[[Exchange], bool]:
    """Make a server that answers, and hangs up when it is told to."""

    def fault(exchange: Exchange) -> bool:
        OK(exchange)
        release.wait()
        return False

    return fault


def test_connections_that_grew_old_are_closed(serve: Serve) -> None:
    """A connection that the server has closed while it rested is given up with the next reply."""
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
async def test_connections_that_rested_too_long_are_not_used(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that the server may be about to close is closed here and made anew."""
    monkeypatch.setattr("openrouter_rerank._network.pool.KEEPALIVE_SECONDS", -1.0)
    server = serve(OK)
    pool, async_pool = make_pool(server), make_async_pool(server)

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
async def test_httpcore_is_spared_its_own_protocol(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both halves speak HTTP/1.1 by our own class; httpcore would use its own unnoticed."""
    for name in ("_sync.connection.HTTP11Connection", "_async.connection.AsyncHTTP11Connection"):
        monkeypatch.delattr(f"httpcore.{name}")
    server = serve(OK)
    pool, async_pool = make_pool(server), make_async_pool(server)

    finish(pool.handle_request(ask(server)))
    response = await async_pool.handle_async_request(ask(server))
    body = await response.aread()
    await response.aclose()

    assert (body, server.opened) == (b"{}", 2)
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
async def test_async_waiters_are_served_in_order(serve: Serve) -> None:
    """Tasks that wait for the one place get it in the order in which they came."""
    server = serve(OK)
    pool = make_async_pool(server)
    order: list[int] = []

    async def call(number: int) -> None:
        response = await pool.handle_async_request(ask(server))
        order.append(number)
        await response.aread()
        await response.aclose()

    async with anyio.create_task_group() as tasks:
        first = await pool.handle_async_request(ask(server))
        for number in range(5):
            tasks.start_soon(call, number)
            await anyio.wait_all_tasks_blocked()
        await first.aread()
        await first.aclose()
    await pool.aclose()

    assert order == [0, 1, 2, 3, 4]
    assert server.opened == 1


@pytest.mark.anyio
async def test_async_waiter_that_is_cancelled_takes_no_place(serve: Serve) -> None:
    """Cancelling before a place came, and in the moment when it comes, leaves the pool whole."""
    server = serve(OK)
    pool = make_async_pool(server)
    for _ in range(3):
        first = await pool.handle_async_request(ask(server))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(pool.handle_async_request, ask(server))
            await anyio.wait_all_tasks_blocked()
            await first.aread()
            await first.aclose()
            tasks.cancel_scope.cancel()
        blocked = await pool.handle_async_request(ask(server))
        with pytest.raises(httpx.PoolTimeout):
            await pool.handle_async_request(ask(server, 0.01))
        await blocked.aread()
        await blocked.aclose()
        await blocked.aclose()
    await pool.aclose()

    assert server.wait_for_open(0)


@pytest.mark.anyio
async def test_async_connections_that_grew_old_are_closed(serve: Serve) -> None:
    """The async pool gives up what the server has closed."""
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
