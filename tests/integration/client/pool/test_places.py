"""Places in the pool: which request waits for one, gets it, and gives it back."""

import signal
import threading

import anyio
import httpx
import pytest
from integration.client.conftest import Serve
from integration.client.pool.pools import (
    OK,
    ask,
    finish,
    make_async_pool,
    make_limits,
    make_pool,
    make_route,
)
from openrouter_rerank._network.async_pool import AsyncPool
from openrouter_rerank._network.event_loop import find_event_loop
from openrouter_rerank._network.pool import Pool
from openrouter_rerank._network.pool_state import Waiter


def test_waiting_request_gets_the_returned_connection(serve: Serve) -> None:
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


def test_waiting_too_long_is_a_pool_timeout(serve: Serve) -> None:
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


def test_interrupted_request_leaves_the_queue(serve: Serve) -> None:
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
    """A request that gets its place while it gives up returns the place."""
    server = serve(OK)
    pool = make_pool(server)
    first = pool.handle_request(ask(server))
    waiter: Waiter[object] = Waiter(threading.Event())
    pool._state.enqueue(waiter)  # type: ignore[arg-type]
    finish(first)
    assert waiter.slot is not None

    pool._dequeue(waiter)  # type: ignore[arg-type]
    finish(pool.handle_request(ask(server, 0.01)))
    pool.close()

    assert server.opened == 1


def test_place_without_a_connection_is_given_back(serve: Serve) -> None:
    """When no connection can be made, the place is free for the next request."""
    server = serve(OK)
    route = make_route(server)
    pool = Pool(route, make_limits())
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
    route = make_route(server)
    pool = AsyncPool(route, find_event_loop(), make_limits())
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
