"""
A document set in parts that are ranked together: `client.rerank.rerank_batched`.

`BatchedCall` decides what is sent and what follows, for both halves; they differ in how they read,
send and wait.
"""

import contextvars
import threading
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import anyio

from openrouter_rerank._call.arguments import Document
from openrouter_rerank._call.caller import Caller
from openrouter_rerank._codec.request import require_iterable
from openrouter_rerank.operations import CreateRerankResponseBody

from .batches import Batch, BatchedCall

AnyDocuments = Iterable[Document] | AsyncIterable[Document]
AnySource = Iterator[Document] | AsyncIterator[Document]


def run_batched(
    caller: Caller, call: BatchedCall, documents: Iterable[Document]
) -> CreateRerankResponseBody:
    """
    Send the parts from threads, and return the reply to the whole.

    Raises:
        BaseException: See `BatchedCall.conclude`.
    """
    require_iterable(documents)
    source = iter(documents)
    slots = threading.Semaphore(call.max_concurrency)

    def work(batch: Batch) -> None:
        try:
            call.finish(batch, caller.call(batch.request, call.options))
        except BaseException as error:  # noqa: BLE001 - it is raised in the caller's thread
            call.fail(batch.number, error, len(batch.request.documents))
        finally:
            slots.release()

    with ThreadPoolExecutor(call.max_concurrency, "rerank_batched") as executor:
        number = 0
        while batch := read_batch(call, number, source):
            slots.acquire()
            if call.has_failed:
                break
            executor.submit(contextvars.copy_context().run, work, batch)
            number += 1
    return call.conclude()


async def run_batched_async(
    caller: Caller, call: BatchedCall, documents: AnyDocuments
) -> CreateRerankResponseBody:
    """
    Send the parts from tasks, and return the reply to the whole.

    Raises:
        BaseException: See `BatchedCall.conclude`.
    """
    source: AnySource
    if isinstance(documents, AsyncIterable):
        source = aiter(documents)
    else:
        require_iterable(documents)
        source = iter(documents)
    slots = anyio.Semaphore(call.max_concurrency)

    async def work(batch: Batch) -> None:
        try:
            call.finish(batch, await caller.call_async(batch.request, call.options))
        except Exception as error:  # noqa: BLE001 - it is raised once no part is under way
            call.fail(batch.number, error, len(batch.request.documents))
        finally:
            slots.release()

    async with anyio.create_task_group() as tasks:
        number = 0
        while batch := await read_batch_async(call, number, source):
            await slots.acquire()
            if call.has_failed:
                break
            tasks.start_soon(work, batch)
            number += 1
    return call.conclude()


def read_batch(call: BatchedCall, number: int, source: Iterator[Document]) -> Batch | None:
    """Read the next part; None when there is none, or when reading it failed."""
    documents: list[Document] = []
    try:
        documents.extend(islice(source, call.batch_size))
        return call.make_batch(number, documents)
    except Exception as error:  # noqa: BLE001 - other parts may be paid for, whatever is raised
        call.fail(number, error, len(documents))
        return None


async def read_batch_async(call: BatchedCall, number: int, source: AnySource) -> Batch | None:
    """Do what `read_batch` does, from an async iterator, too."""
    if not isinstance(source, AsyncIterator):
        return read_batch(call, number, source)
    documents: list[Document] = []
    try:
        async for document in source:
            documents.append(document)
            if len(documents) == call.batch_size:
                break
        return call.make_batch(number, documents)
    except Exception as error:  # noqa: BLE001 - as above
        call.fail(number, error, len(documents))
        return None
