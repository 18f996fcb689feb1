"""One client between many threads, many tasks, several event loops and two processes."""

import asyncio
import functools
import gc
import itertools
import multiprocessing
import random
import threading
import warnings
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.connection import Connection
from typing import Any

import anyio
import httpx
import pytest
from integration.client import faults
from integration.client.calling import DOCUMENTS, KEY, ONCE
from integration.client.conftest import Serve
from integration.client.fault_server import Exchange, Fault, FaultServer
from openrouter_rerank import BackoffStrategy, OpenRouter, RetryConfig
from openrouter_rerank.errors import PaymentRequiredResponseError

THREADS = 32
CALLS = 8
TASKS = 500
POOL_SIZE = 100
CANCELLED_SHARE = 0.4
LONGEST_LIFE_SECONDS = 0.3
STEPS = 30
SEED = 20_261_122
PATIENT = RetryConfig(
    backoff=BackoffStrategy(1, 5, 1.5, 60_000), max_attempts=50, retry_read_timeouts=True
)
# What the queries begin with that are refused, and those that are never answered.
REFUSED = "refused"
HELD = "held"
TICKS = 20


def mix_faults(seed: int) -> Fault:
    """Answer most requests; break off, refuse or delay the others, by chance."""
    chance = random.Random(seed)  # noqa: S311 - the same every time
    lock = threading.Lock()
    bad: tuple[Fault, ...] = (
        faults.hang_up,
        faults.reset_after(b""),
        faults.page(503),
        faults.error(429, {"Retry-After": "0"}),
        faults.raw(faults.LONG_HEAD + b"{"),
        faults.raw(faults.CHUNKED_HEAD + b"7\r\n"),
    )

    def act(exchange: Exchange) -> bool:
        if exchange.request.json["query"].startswith(REFUSED):
            return faults.error(402)(exchange)
        if exchange.request.json["query"].startswith(HELD):
            return faults.stall(exchange)
        with lock:
            fault = chance.choice(bad) if chance.random() < 0.3 else faults.ok
            seconds = chance.random() / 50
        exchange.pause(seconds)
        return fault(exchange)

    return act


def make_queries(count: int) -> list[str]:
    """Make queries of which every seventh is to be refused."""
    return [f"{REFUSED if number % 7 == 0 else 'query'} {number}" for number in range(count)]


def ask(client: OpenRouter, query: str) -> str | None:
    """Return the id of the answer, which is the query it answers; for a refusal its mark."""
    try:
        result = client.rerank.rerank(documents=[query, *DOCUMENTS], model="m", query=query)
    except PaymentRequiredResponseError:
        return REFUSED
    assert result.results[0].document.text == query
    return str(result.id)


async def ask_async(client: OpenRouter, query: str) -> str | None:
    """Do what `ask` does, in an event loop."""
    try:
        result = await client.rerank.rerank_async(
            documents=[query, *DOCUMENTS], model="m", query=query
        )
    except PaymentRequiredResponseError:
        return REFUSED
    assert result.results[0].document.text == query
    return str(result.id)


def expect(query: str) -> str:
    """Return what `ask` is to return."""
    return REFUSED if query.startswith(REFUSED) else query


def test_threads_share_a_client(serve: Serve) -> None:
    """Each of 32 threads gets the answers to its own questions, and no connection is left over."""
    server = serve(mix_faults(SEED))
    queries = make_queries(THREADS * CALLS)

    with OpenRouter(KEY, server_url=server.url, retry_config=PATIENT) as client:
        with ThreadPoolExecutor(THREADS) as pool:
            answers = list(pool.map(functools.partial(ask, client), queries))
        assert server.wait_for_open(20)

    assert answers == [expect(query) for query in queries]
    assert server.wait_for_open(0)


async def share_between_tasks(
    url: str, cancel: Callable[[float], AbstractContextManager[object]]
) -> tuple[dict[str, str | None], list[str | None]]:
    """Ask in 500 tasks of which many are cancelled, then ask as often as the pool has room."""
    chance = random.Random(SEED)  # noqa: S311 - the same every time
    answers: dict[str, str | None] = {}
    later: list[str | None] = [None] * POOL_SIZE

    async def live(client: OpenRouter, query: str, seconds: float) -> None:
        with cancel(seconds):
            answers[query] = await ask_async(client, query)

    async def keep(client: OpenRouter, number: int) -> None:
        later[number] = await ask_async(client, f"after {number}")

    async with OpenRouter(KEY, server_url=url, retry_config=PATIENT, deadline_ms=60_000) as client:
        async with anyio.create_task_group() as tasks:
            for number, own in enumerate(make_queries(TASKS)):
                is_cancelled = chance.random() < CANCELLED_SHARE
                # However fast the machine is, some calls are under way when they are cancelled.
                query = f"{HELD} {number}" if is_cancelled and number % 3 == 0 else own
                seconds = chance.random() * LONGEST_LIFE_SECONDS if is_cancelled else 60
                tasks.start_soon(live, client, query, seconds)
        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                for number in range(POOL_SIZE):
                    tasks.start_soon(keep, client, number)
    return answers, later


@contextmanager
def cancel_task(seconds: float) -> Generator[None]:
    """Cancel the asyncio task as `asyncio.timeout` does, which no shield of anyio holds off."""
    task = asyncio.current_task()
    assert task is not None
    timer = asyncio.get_running_loop().call_later(seconds, task.cancel)
    try:
        yield
    except asyncio.CancelledError:
        task.uncancel()
    finally:
        timer.cancel()


@pytest.mark.parametrize(
    ("backend", "cancel"),
    [("asyncio", anyio.move_on_after), ("asyncio", cancel_task), ("trio", anyio.move_on_after)],
)
def test_tasks_share_a_client(
    backend: str, cancel: Callable[[float], AbstractContextManager[object]], serve: Serve
) -> None:
    """Each of 500 tasks that is not cancelled gets its own answer, and the pool is whole after."""
    server = serve(mix_faults(SEED))

    answers, later = anyio.run(share_between_tasks, server.url, cancel, backend=backend)

    assert answers == {query: expect(query) for query in answers}
    assert TASKS / 2 < len(answers) < TASKS * 0.95
    assert later == [f"after {number}" for number in range(POOL_SIZE)]
    assert server.wait_for_open(0)


class CancelledAt:
    """Awaits a call, and cancels the task by asyncio's own means at one of the call's steps."""

    def __init__(self, call: Coroutine[Any, Any, str | None], step: int) -> None:
        self.call = call
        self.step = step

    def __await__(self) -> Generator[Any, Any, str | None]:
        """Drive the call step by step."""
        send: Callable[[], Any] = lambda: self.call.send(None)  # noqa: E731 - replaced below
        for step in itertools.count(1):
            try:
                waited_for = send()
            except StopIteration as end:
                return str(end.value)
            task = asyncio.current_task()
            if step == self.step and task is not None:
                task.cancel()
            try:
                yield waited_for
            except asyncio.CancelledError as error:
                send = functools.partial(self.call.throw, error)
            else:
                send = functools.partial(self.call.send, None)
        raise AssertionError


async def is_cancelled(call: Coroutine[Any, Any, str | None]) -> bool:
    """Run a call in a task of its own; tell whether it ended cancelled instead of answered."""
    task = asyncio.create_task(call)
    await asyncio.wait([task])
    if task.cancelled():
        return True
    assert task.result() == "query"
    return False


async def cancel_at_each_step(server: FaultServer) -> tuple[int, bool]:
    """
    Cancel calls at their first step, their second and so on, until one has no more.

    Returns:
        How many were cancelled, and whether all connections were closed at the end.
    """

    async def call(step: int) -> str | None:
        return await CancelledAt(ask_async(client, "query"), step)

    async def find_key() -> str:
        await asyncio.sleep(0)
        return KEY

    async with OpenRouter(find_key, server_url=server.url, retry_config=ONCE) as client:
        cancelled = 0
        while await is_cancelled(call(cancelled + 1)):
            cancelled += 1
        return cancelled, await asyncio.to_thread(server.wait_for_open, 0)


def test_task_may_be_cancelled_at_any_step(serve: Serve) -> None:
    """A call gives its connection back, whichever of its steps asyncio's `cancel()` meets."""
    server = serve(faults.answer(headers={"Connection": "close"}))

    cancelled, is_whole = asyncio.run(cancel_at_each_step(server))

    assert is_whole
    assert cancelled > 5


async def settle() -> None:
    """Let all tasks come as far as they can."""
    # On asyncio the last line looks only every tenth of a second whether they have.
    for _ in range(TICKS):
        await anyio.lowlevel.checkpoint()
    await anyio.wait_all_tasks_blocked()


async def cancel_waiting_calls(server: FaultServer) -> bool:
    """Cancel calls just as a place in a full pool becomes theirs; tell if all places serve."""

    async def hold(scope: anyio.CancelScope) -> None:
        with scope:
            await ask_async(client, "query")

    async with (
        OpenRouter(KEY, server_url=server.url, retry_config=ONCE) as client,
        anyio.create_task_group() as tasks,
    ):

        def start() -> anyio.CancelScope:
            scope = anyio.CancelScope()
            tasks.start_soon(hold, scope)
            return scope

        holders = [start() for _ in range(POOL_SIZE)]
        await anyio.to_thread.run_sync(server.wait_for_requests, POOL_SIZE)
        for ticks in range(STEPS):
            waiting = start()
            await settle()
            holders.pop().cancel()
            for _ in range(ticks):
                await anyio.lowlevel.checkpoint()
            waiting.cancel()
            await settle()
            sent = len(server.requests)
            holders.append(start())
            if not await anyio.to_thread.run_sync(server.wait_for_requests, sent + 1):
                tasks.cancel_scope.cancel()
                return False
        tasks.cancel_scope.cancel()
    return True


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_waiting_call_may_be_cancelled(backend: str, serve: Serve) -> None:
    """A call that is cancelled while it waits for a connection takes none out of the pool."""
    server = serve(faults.stall)

    is_whole = anyio.run(cancel_waiting_calls, server, backend=backend)

    assert is_whole
    assert server.wait_for_open(0)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_client_serves_one_event_loop_after_another(backend: str, serve: Serve) -> None:
    """An event loop's connections are closed with it, and the next loop opens its own."""
    server = serve(faults.ok)

    with OpenRouter(KEY, server_url=server.url) as client:
        first = anyio.run(ask_async, client, "first", backend=backend)
        is_closed = server.wait_for_open(0)
        second = anyio.run(ask_async, client, "second", backend=backend)
        gc.collect()

    assert (first, is_closed, second) == ("first", True, "second")
    assert server.opened == 2
    assert server.wait_for_open(0)


def use_inherited(client: OpenRouter, result: Connection) -> None:
    """Ask over a client that was made in another process."""
    with warnings.catch_warnings(record=True) as caught, client:
        warnings.simplefilter("always")
        answer = ask(client, "child")
        gc.collect()
    result.send((answer, [str(warning.message) for warning in caught]))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
def test_client_survives_a_fork(serve: Serve) -> None:
    """A forked process opens its own connection, and the first one's is as it was."""
    # On a busy machine the child takes longer than an idle connection is kept.
    limits = httpx.Limits(keepalive_expiry=None)
    server = serve(faults.ok)
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    with OpenRouter(KEY, server_url=server.url, limits=limits) as client, receiver, sender:
        before = ask(client, "before")
        with warnings.catch_warnings():
            # Python warns of forks in a process with threads; this one's are the server's.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = context.Process(target=use_inherited, args=(client, sender))
            child.start()
        child.join(20)
        answer = receiver.recv()
        after = ask(client, "after")

    assert (before, answer, after) == ("before", ("child", []), "after")
    assert server.opened == 2
    assert server.wait_for_open(0)
