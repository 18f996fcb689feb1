"""How long connections live: clients that are dropped, loops that end, signals, idle time."""

import asyncio
import gc
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, cast

import anyio
import httpx
import pytest
from integration.client import faults
from integration.client.conftest import Serve
from integration.client.fault_server import Exchange, FaultServer
from integration.client.pool.pools import OK, ask, finish, make_async_pool, make_pool
from openrouter_rerank import OpenRouter, RerankJob, errors

BOUND_SECONDS = 20.0
NO_EXPIRY = httpx.Limits(keepalive_expiry=None)
CALL: dict[str, Any] = {"documents": ["a", "b", "c"], "model": "m", "query": "q"}


async def wait_for_open(server: FaultServer, most: int) -> bool:
    """Wait until a server has no more open connections than that, beside the event loop."""
    return await anyio.to_thread.run_sync(server.wait_for_open, most)


@pytest.mark.anyio
async def test_dropped_async_clients_leave_no_connection(serve: Serve) -> None:
    """A client that nobody closes gives its connections back when Python drops it."""
    server = serve(faults.ok)
    for _ in range(20):
        client = OpenRouter("k", server_url=server.url)
        await client.rerank.rerank_async(**CALL)
        del client
    gc.collect()

    assert await wait_for_open(server, 0)


@pytest.mark.anyio
async def test_sync_close_reaches_async_connections(serve: Serve) -> None:
    """`with` in async code closes the connections of the async calls, too."""
    server = serve(faults.ok)
    with OpenRouter("k", server_url=server.url) as client:
        await client.rerank.rerank_async(**CALL)
        assert server.count_open() == 1

    assert await wait_for_open(server, 0)
    # Closing once more, in any way, does nothing.
    client.close()
    await client.aclose()


@pytest.mark.anyio
async def test_closing_twice_at_once_closes_once(serve: Serve) -> None:
    """What the event loop is about to close may be closed meanwhile."""
    server = serve(faults.ok)
    client = OpenRouter("k", server_url=server.url)
    await client.rerank.rerank_async(**CALL)
    client.close()
    await client.aclose()

    assert await wait_for_open(server, 0)


def test_event_loops_of_a_shared_client_are_freed(serve: Serve) -> None:
    """A client that serves one event loop after another keeps none that has ended."""
    server = serve(faults.ok)
    loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []

    async def call() -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        await client.rerank.rerank_async(**CALL)

    with OpenRouter("k", server_url=server.url) as client:
        for _ in range(3):
            asyncio.run(call())
        gc.collect()
        assert [loop() for loop in loops] == [None] * 3
    assert server.wait_for_open(0)


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_event_loops_that_do_not_end_their_generators_are_freed(serve: Serve) -> None:
    """A loop that is merely closed is forgotten as soon as another one is used."""
    server = serve(faults.ok)
    loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []
    with OpenRouter("k", server_url=server.url) as client:
        for _ in range(3):
            loop = asyncio.new_event_loop()
            loop.run_until_complete(client.rerank.rerank_async(**CALL))
            loop.close()
            loops.append(weakref.ref(loop))
            del loop
        gc.collect()

        assert [loop() for loop in loops[:2]] == [None] * 2
    del client
    gc.collect()

    assert server.wait_for_open(0)


def test_event_loops_that_are_open_keep_their_connections(serve: Serve) -> None:
    """A second event loop opens a connection of its own, and the first finds its own again."""
    server = serve(faults.ok)
    with OpenRouter("k", server_url=server.url, limits=NO_EXPIRY) as client:
        loops = [asyncio.new_event_loop() for _ in range(2)]
        for loop in [*loops, *loops]:
            loop.run_until_complete(client.rerank.rerank_async(**CALL))
        opened = server.opened
        for loop in loops:
            loop.run_until_complete(client.aclose())
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    assert opened == len(loops)


def test_client_closed_in_another_event_loop_leaves_no_connection(serve: Serve) -> None:
    """`aclose` in an event loop without connections has the others close theirs."""
    server = serve(faults.ok)
    client = OpenRouter("k", server_url=server.url, limits=NO_EXPIRY)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(client.rerank.rerank_async(**CALL))
    assert server.count_open() == 1

    asyncio.run(client.aclose())

    assert loop.run_until_complete(wait_for_open(server, 0))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def test_asyncio_is_served_where_trio_is_not_there(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that has not imported trio runs in asyncio."""
    server = serve(faults.ok)
    monkeypatch.delitem(sys.modules, "trio", raising=False)

    async def call() -> None:
        async with OpenRouter("k", server_url=server.url) as client:
            await client.rerank.rerank_async(**CALL)

    asyncio.run(call())

    assert len(server.requests) == 1


@contextmanager
def handling(function: Callable[[], object]) -> Generator[None]:
    """Call a function when SIGUSR1 comes; what hangs is ended by an alarm."""

    def give_up(*_: object) -> None:
        raise TimeoutError

    def call(*_: object) -> None:
        function()

    handlers = {signal.SIGUSR1: call, signal.SIGALRM: give_up}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    signal.setitimer(signal.ITIMER_REAL, BOUND_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def test_signal_handler_may_close_the_pool(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that closes while its own thread holds the pool's lock waits for nothing."""
    server = serve(OK)
    pool: Any = make_pool(server, 2)
    idle, used = (pool.handle_request(ask(server)) for _ in range(2))
    finish(idle)
    release = pool._state.release

    def release_slowly(*arguments: Any) -> Any:
        signal.raise_signal(signal.SIGUSR1)
        return release(*arguments)

    monkeypatch.setattr(pool._state, "release", release_slowly)
    with handling(pool.close):
        finish(used)

    assert server.wait_for_open(0)


def test_signal_handler_may_close_the_client(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """During a call of its own thread, a handler may close the client; the call still ends."""
    server = serve(faults.ok)
    with OpenRouter("k", server_url=server.url) as client, handling(client.close):
        pools = cast("Any", client)._caller._sender._pools
        pool = pools.sync_pool(httpx.URL(server.url))
        acquire = pool._state.acquire

        def acquire_slowly() -> Any:
            signal.raise_signal(signal.SIGUSR1)
            return acquire()

        monkeypatch.setattr(pool._state, "acquire", acquire_slowly)
        response = client.rerank.rerank(**CALL)

    assert len(response.results) == 3
    assert server.wait_for_open(0)


def test_exception_of_a_signal_handler_loses_no_place(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can come between any two steps, also between taking a place and using it."""
    server = serve(OK)
    pool: Any = make_pool(server)
    acquire = pool._acquire

    def acquire_slowly(seconds: float | None) -> Any:
        place = acquire(seconds)
        signal.raise_signal(signal.SIGUSR1)
        return place

    def interrupt() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, handling(interrupt):
        patched.setattr(pool, "_acquire", acquire_slowly)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                pool.handle_request(ask(server, 0.01))

    finish(pool.handle_request(ask(server, 0.01)))
    pool.close()


def test_idle_connections_are_closed_in_time(serve: Serve) -> None:
    """After a burst, connections do not stay open until the next call comes."""
    server = serve(OK)
    pool = make_pool(server, 3, 0.05)
    for response in [pool.handle_request(ask(server)) for _ in range(3)]:
        finish(response)

    assert server.wait_for_open(0)
    assert server.opened == 3
    # The place is free, and the next burst ends the same.
    finish(pool.handle_request(ask(server)))
    assert server.wait_for_open(0)


def test_timer_goes_on_for_connections_that_are_younger(serve: Serve) -> None:
    """When the timer finds some that may stay a while, it will look again."""
    server = serve(OK)
    pool: Any = make_pool(server, 2, BOUND_SECONDS)
    for response in [pool.handle_request(ask(server)) for _ in range(2)]:
        finish(response)

    pool._on_timer()

    assert pool._has_timer
    finish(pool.handle_request(ask(server)))
    assert server.opened == 2
    pool.close()


@pytest.mark.anyio
async def test_idle_async_connections_are_closed_in_time(serve: Serve) -> None:
    """The async pool does the same, on asyncio and trio."""
    server = serve(OK)
    pool = make_async_pool(server, 3, 0.05)
    for _ in range(2):
        for response in [await pool.handle_async_request(ask(server)) for _ in range(3)]:
            await response.aread()
            await response.aclose()

        assert await wait_for_open(server, 0)
    assert server.opened == 6


@pytest.mark.anyio
async def test_async_timer_goes_on_for_connections_that_are_younger(serve: Serve) -> None:
    """When the timer of an async pool finds some that may stay a while, it will look again."""
    server = serve(OK)
    pool: Any = make_async_pool(server, 2, BOUND_SECONDS)
    for response in [await pool.handle_async_request(ask(server)) for _ in range(2)]:
        await response.aread()
        await response.aclose()

    pool._on_timer()

    assert pool._has_timer
    response = await pool.handle_async_request(ask(server))
    await response.aread()
    await response.aclose()
    assert server.opened == 2
    await pool.aclose()


def test_idle_connections_outlive_a_system_without_threads(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no thread can be started, the call succeeds and the next one closes them."""

    def refuse(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    server = serve(OK)
    pool = make_pool(server)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Timer, "start", refuse)
        response = pool.handle_request(ask(server))
        finish(response)
    finish(pool.handle_request(ask(server)))

    assert server.opened == 1
    pool.close()


def test_limits_are_those_of_the_client(serve: Serve) -> None:
    """A call that finds all connections taken waits for the pool timeout, and no longer."""
    held = threading.Event()

    def hold(exchange: Exchange) -> bool:
        held.wait(BOUND_SECONDS)
        return faults.ok(exchange)

    server = serve(hold)
    limits = httpx.Limits(max_connections=1)
    timeout = httpx.Timeout(BOUND_SECONDS, pool=0.01)
    with OpenRouter("k", server_url=server.url, limits=limits, timeout=timeout) as client:
        thread = threading.Thread(target=lambda: client.rerank.rerank(**CALL))
        thread.start()
        server.wait_for_requests(1)
        with pytest.raises(errors.ConnectionFailedError, match="no connection became free"):
            client.rerank.rerank(**CALL, retries=None)
        held.set()
        thread.join()

    assert server.opened == 1


@pytest.mark.parametrize("half", ["sync", "asyncio", "trio"])
def test_run_has_as_many_connections_as_it_was_promised(half: str, serve: Serve) -> None:
    """With `limits`, more than 100 requests can be under way at once."""
    count = 120
    barrier = threading.Barrier(count, timeout=BOUND_SECONDS)

    def act(exchange: Exchange) -> bool:
        barrier.wait()
        return faults.ok(exchange)

    server = serve(act)
    jobs = [RerankJob(**CALL) for _ in range(count)]

    async def run() -> int:
        async with OpenRouter("k", server_url=server.url, limits=limits) as client:
            outcomes = client.rerank.rerank_many_async(jobs, max_concurrency=count)
            return len([outcome async for outcome in outcomes if outcome.error is None])

    limits = httpx.Limits(max_connections=count)
    if half == "sync":
        with OpenRouter("k", server_url=server.url, limits=limits) as client:
            outcomes = client.rerank.rerank_many(jobs, max_concurrency=count)
            done = len([outcome for outcome in outcomes if outcome.error is None])
    else:
        done = anyio.run(run, backend=half)

    assert done == count


@pytest.mark.anyio
async def test_more_at_once_than_connections_is_refused() -> None:
    """Requests that would wait for each other are refused, with what to do."""
    limits = httpx.Limits(max_connections=3)
    async with OpenRouter("k", limits=limits) as client:
        rerank, refused = client.rerank, r"4 is more than the client's 3 connections.*limits="
        with pytest.raises(ValueError, match=refused):
            rerank.rerank_many([], max_concurrency=4)
        with pytest.raises(ValueError, match=refused):
            rerank.rerank_many_async([], max_concurrency=4)
        with pytest.raises(ValueError, match=refused):
            rerank.rerank_batched(**CALL, max_concurrency=4)
        with pytest.raises(ValueError, match=refused):
            await rerank.rerank_batched_async(**CALL, max_concurrency=4)
    unlimited = OpenRouter("k", limits=httpx.Limits())
    with unlimited.rerank.rerank_many([], max_concurrency=1000) as outcomes:
        assert list(outcomes) == []


def test_limits_of_another_kind_are_refused() -> None:
    """The error names the argument and the type that it takes."""
    with pytest.raises(TypeError, match=r"limits: expected httpx\.Limits, got int"):
        OpenRouter("k", limits=3)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
