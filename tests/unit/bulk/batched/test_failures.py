"""Parts that fail: what is named, what is kept, and what is no longer sent."""

import asyncio
import json
import pickle
import threading
import traceback
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest
from openrouter_rerank import OpenRouter, RetryConfig, errors
from openrouter_rerank.testing import FakeOpenRouter, Step, answer
from unit.bulk.batched.parts import (
    ASK,
    SECRET,
    Half,
    every_half,
    number_texts,
    rank_by_text,
    refuse,
    run_async,
    run_sync,
)


@every_half
def test_failed_part_is_named(half: Half) -> None:
    """The error names the part and its documents, says what its cause says, keeps what is done."""
    script = [refuse("x" * 7)] * 3
    with FakeOpenRouter(*script) as client, pytest.raises(errors.BatchError) as caught:
        half(client, documents=number_texts(9), batch_size=3, max_concurrency=1)

    error = caught.value
    assert str(error) == "part 2 (documents 6 to 8): 402: scripted error"
    assert (error.part, error.positions, error.status_code) == (2, range(6, 9), 402)
    assert isinstance(error.cause, errors.PaymentRequiredResponseError)
    assert error.__cause__ is error.cause
    assert error.attempts == error.cause.attempts == 1
    assert error.raw_response is error.cause.raw_response
    assert list(error.responses) == [0, 1]
    assert [each.index for each in error.responses[1].results] == [5, 4, 3]


def test_failed_part_leaves_the_best_of_the_others() -> None:
    """With `top_n`, what could not be among the best is no longer in the parts' replies."""
    script = [refuse("xxxxx")] * 3
    with FakeOpenRouter(*script) as client, pytest.raises(errors.BatchError) as caught:
        run_sync(client, documents=number_texts(6), batch_size=2, max_concurrency=1, top_n=2)

    kept = {
        part: [each.index for each in response.results]
        for part, response in caught.value.responses.items()
    }
    assert kept == {0: [], 1: [3, 2]}


@every_half
def test_failure_ends_the_sending(half: Half) -> None:
    """After a failed part no further one is sent, and the documents are not read to their end."""
    documents = iter(number_texts(20))
    script: list[Step] = [rank_by_text, 402]
    with FakeOpenRouter(*script) as client, pytest.raises(errors.BatchError):
        half(client, documents=documents, batch_size=2, max_concurrency=1)

    assert len(client.requests) == 2
    # The part that was read ahead is gone.
    assert len(list(documents)) == 14


class LateTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers the part that holds "x" last, when another one has been refused."""

    def __init__(self, status: int) -> None:
        """Take the status of the late answer."""
        self.late = answer(status)
        self.has_refused = threading.Event()
        self.has_refused_async = anyio.Event()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a part."""
        if json.loads(request.content)["documents"] == ["x"]:
            assert self.has_refused.wait(10)
            return self.late.build(request)
        self.has_refused.set()
        return answer(402).build(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a part."""
        if json.loads(request.content)["documents"] == ["x"]:
            with anyio.fail_after(10):
                await self.has_refused_async.wait()
        self.has_refused_async.set()
        return self.handle_request(request)


@every_half
@pytest.mark.parametrize(("status", "part", "done"), [(200, 1, [0]), (401, 0, [])])
def test_failure_waits_for_what_is_under_way(
    half: Half, status: int, part: int, done: list[int]
) -> None:
    """A part under way when another fails ends by itself; of two failures the first is named."""
    transport = LateTransport(status)
    client = OpenRouter(SECRET, transport=transport, async_transport=transport)
    with client, pytest.raises(errors.BatchError) as caught:
        half(client, documents=number_texts(2), batch_size=1)

    assert (caught.value.part, list(caught.value.responses)) == (part, done)


@every_half
def test_hook_that_raises(half: Half) -> None:
    """What a hook raises is the cause as well, and passes as it is if no part succeeded."""
    for last, kind in ((2, errors.BatchError), (1, LookupError)):
        with FakeOpenRouter() as client:

            def refuse_last(request: httpx.Request, last: int = last) -> None:
                if "x" * last in json.loads(request.content)["documents"]:
                    raise LookupError("hooked")

            client.hooks.before_request(refuse_last)
            with pytest.raises(kind, match="hooked"):
                half(client, documents=number_texts(last), batch_size=1)


def test_exit_in_a_thread_is_raised() -> None:
    """What is not to be caught leaves a thread, too."""
    with FakeOpenRouter() as client:

        def leave(_request: httpx.Request) -> None:
            raise SystemExit(3)

        client.hooks.before_request(leave)
        with pytest.raises(SystemExit):
            run_sync(client, documents=number_texts(4), batch_size=1)


def test_error_survives_pickle_without_the_key() -> None:
    """The error comes back whole from a pickle, and shows the key in no form."""
    client = FakeOpenRouter(*[refuse("xx", 429)] * 2, api_key=SECRET)
    with client, pytest.raises(errors.BatchError) as caught:
        run_sync(client, documents=number_texts(2), batch_size=1, retries=RetryConfig("none"))

    pickled = pickle.dumps(caught.value)
    found = pickle.loads(pickled)  # noqa: S301 - written by the line above
    assert client.requests[0].headers["Authorization"] == f"Bearer {SECRET}"
    shown = [*traceback.format_exception(caught.value), repr(vars(caught.value)), repr(pickled)]
    assert not any(SECRET in text for text in shown)
    assert (found.part, found.positions, found.responses) == (
        caught.value.part,
        caught.value.positions,
        caught.value.responses,
    )
    assert isinstance(found.__cause__, errors.TooManyRequestsResponseError)
    assert found.__cause__ is found.cause


@every_half
@pytest.mark.parametrize("make", [list, iter])
def test_failed_batch_has_the_callers_positions(half: Half, make: Callable[..., Any]) -> None:
    """Documents that were set aside count, whether all are there or are read one by one."""
    documents = make(["x", " ", "xx", "", "xxx", "xxxx"])
    with FakeOpenRouter(*[refuse("xxx")] * 2) as client, pytest.raises(errors.BatchError) as caught:
        half(client, documents=documents, batch_size=2, max_concurrency=1, unrankable="set_aside")

    assert (caught.value.part, caught.value.positions) == (1, range(4, 6))
    assert [each.index for each in caught.value.responses[0].results] == [2, 0]


@pytest.mark.parametrize("batch", [0, 2])
def test_cancelled_batch_is_a_failed_one(batch: int) -> None:
    """A call never returns fewer results because something cancelled the task of one batch."""
    documents = number_texts(8)

    async def cancel(request: httpx.Request) -> None:
        if documents[2 * batch] in json.loads(request.content)["documents"]:
            await cancel_a_task()

    async def cancel_a_task() -> None:
        task = asyncio.ensure_future(asyncio.sleep(0))
        task.cancel()
        await task

    with FakeOpenRouter(*[rank_by_text] * 4) as client:
        client.hooks.before_request(cancel)
        with pytest.raises(errors.BatchError) as caught:
            run_async("asyncio", client, documents=documents, batch_size=2, max_concurrency=1)

    assert isinstance(caught.value.cause, errors.RequestCancelledError)
    assert (caught.value.part, list(caught.value.responses)) == (batch, list(range(batch)))


def test_cancelled_task_of_a_batch_is_a_failed_batch() -> None:
    """The same when a watchdog cancels the task itself, while its request is under way."""
    begun: list[asyncio.Task[object]] = []

    async def work() -> None:
        async with FakeOpenRouter(*[rank_by_text] * 4) as client:
            client.hooks.before_request(stop_the_second)
            await client.rerank.rerank_batched_async(
                **ASK, documents=number_texts(8), batch_size=2, max_concurrency=4
            )

    async def stop_the_second(_request: httpx.Request) -> None:
        task = asyncio.current_task()
        assert task is not None
        begun.append(task)
        if len(begun) == 2:
            task.cancel()
        await asyncio.sleep(0)

    with pytest.raises(errors.BatchError) as caught:
        asyncio.run(work())

    assert isinstance(caught.value.cause, errors.RequestCancelledError)


def test_cancelled_batched_call_stays_cancelled() -> None:
    """The caller's own cancellation is no error of a batch."""

    async def work() -> bool:
        async with FakeOpenRouter(*[rank_by_text] * 4) as client:
            with anyio.CancelScope() as scope:
                client.hooks.before_request(lambda _: scope.cancel())
                await client.rerank.rerank_batched_async(
                    **ASK, documents=number_texts(8), batch_size=2
                )
            return scope.cancelled_caught

    assert asyncio.run(work())
