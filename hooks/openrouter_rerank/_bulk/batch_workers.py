"""
A document set in parts that are ranked together: `client.rerank.rerank_batched`.

What is sent and what follows is decided by `Batch` for both halves; they differ in how they read,
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

from .batches import Batch, Part

AnyDocuments = Iterable[Document] | AsyncIterable[Document]
AnySource = Iterator[Document] | AsyncIterator[Document]


def run_batched(
    caller: Caller, batch: Batch, documents: Iterable[Document]
) -> CreateRerankResponseBody:
    """
    Send the parts from threads, and return the reply to the whole.

    Raises:
        BaseException: See `Batch.conclude`.
    """
    require_iterable(documents)
    source = iter(documents)
    slots = threading.Semaphore(batch.max_concurrency)

    def work(part: Part) -> None:
        try:
            batch.finish(part, caller.call(part.request, batch.options))
        except BaseException as error:  # noqa: BLE001 - it is raised in the caller's thread
            batch.fail(part.number, error, len(part.request.documents))
        finally:
            slots.release()

    with ThreadPoolExecutor(batch.max_concurrency, "rerank_batched") as executor:
        number = 0
        while part := read_part(batch, number, source):
            slots.acquire()
            if batch.has_failed:
                break
            executor.submit(contextvars.copy_context().run, work, part)
            number += 1
    return batch.conclude()


async def run_batched_async(
    caller: Caller, batch: Batch, documents: AnyDocuments
) -> CreateRerankResponseBody:
    """
    Send the parts from tasks, and return the reply to the whole.

    Raises:
        BaseException: See `Batch.conclude`.
    """
    source: AnySource
    if isinstance(documents, AsyncIterable):
        source = aiter(documents)
    else:
        require_iterable(documents)
        source = iter(documents)
    slots = anyio.Semaphore(batch.max_concurrency)

    async def work(part: Part) -> None:
        try:
            batch.finish(part, await caller.call_async(part.request, batch.options))
        except Exception as error:  # noqa: BLE001 - it is raised once no part is under way
            batch.fail(part.number, error, len(part.request.documents))
        finally:
            slots.release()

    async with anyio.create_task_group() as tasks:
        number = 0
        while part := await read_part_async(batch, number, source):
            await slots.acquire()
            if batch.has_failed:
                break
            tasks.start_soon(work, part)
            number += 1
    return batch.conclude()


def read_part(batch: Batch, number: int, source: Iterator[Document]) -> Part | None:
    """Read the next part; None when there is none, or when reading it failed."""
    documents: list[Document] = []
    try:
        documents.extend(islice(source, batch.batch_size))
        return batch.make_part(number, documents)
    except Exception as error:  # noqa: BLE001 - other parts may be paid for, whatever is raised
        batch.fail(number, error, len(documents))
        return None


async def read_part_async(batch: Batch, number: int, source: AnySource) -> Part | None:
    """Do what `read_part` does, from an async iterator, too."""
    if not isinstance(source, AsyncIterator):
        return read_part(batch, number, source)
    documents: list[Document] = []
    try:
        async for document in source:
            documents.append(document)
            if len(documents) == batch.batch_size:
                break
        return batch.make_part(number, documents)
    except Exception as error:  # noqa: BLE001 - as above
        batch.fail(number, error, len(documents))
        return None
