"""
Sends one call's documents in batches: `client.rerank.rerank_batched`.

`BatchedCall` decides what is sent and what follows. The sync and the async half differ in how they
read, send and wait.
"""

import contextvars
import threading
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import cast

import anyio

from openrouter_rerank._call.arguments import Document
from openrouter_rerank._call.caller import Caller
from openrouter_rerank._codec.documents import require_iterable
from openrouter_rerank.errors import RequestCancelledError
from openrouter_rerank.operations import CreateRerankResponseBody

from .batches import Batch, BatchedCall

AnyDocuments = Iterable[Document] | AsyncIterable[Document]
DocumentIterator = Iterator[Document] | AsyncIterator[Document]


def run_batched(
    caller: Caller, call: BatchedCall, documents: Iterable[Document]
) -> CreateRerankResponseBody:
    """
    Send the batches from threads, and return the merged reply.

    Raises:
        BatchError: A batch failed.
        BaseException: What is no outcome of a call; see `BatchedCall.build_response`.
    """
    iterator = iter(call.check(require_documents(documents)))
    semaphore = threading.Semaphore(call.max_concurrency)

    def send(batch: Batch) -> None:
        try:
            call.record_reply(batch, caller.send(call.limit_settings(), batch.request))
        except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
            call.record_failure(batch.number, error, len(batch.request.documents))
        finally:
            semaphore.release()

    with ThreadPoolExecutor(call.max_concurrency, "rerank_batched") as executor:
        number = 0
        while batch := read_batch(call, number, iterator):
            semaphore.acquire()
            if call.has_failed:
                break
            executor.submit(contextvars.copy_context().run, send, batch)
            number += 1
    return call.build_response()


async def run_batched_async(
    caller: Caller, call: BatchedCall, documents: AnyDocuments
) -> CreateRerankResponseBody:
    """Async `run_batched`, with tasks for threads."""
    iterator: DocumentIterator
    if isinstance(documents, AsyncIterable):
        iterator = aiter(documents)
    else:
        iterator = iter(call.check(require_documents(documents)))
    semaphore = anyio.Semaphore(call.max_concurrency)

    async def send(batch: Batch) -> None:
        try:
            call.record_reply(batch, await caller.send_async(call.limit_settings(), batch.request))
        except Exception as error:  # noqa: BLE001 - raised when all batches have ended
            call.record_failure(batch.number, error, len(batch.request.documents))
        except anyio.get_cancelled_exc_class():
            # A task group swallows a child's cancellation unless it was cancelled itself.
            cancelled = RequestCancelledError("the batch's task was cancelled by somebody else")
            call.record_failure(batch.number, cancelled, len(batch.request.documents))
            raise
        finally:
            semaphore.release()

    async with anyio.create_task_group() as tasks:
        number = 0
        while batch := await read_batch_async(call, number, iterator):
            await semaphore.acquire()
            if call.has_failed:
                break
            tasks.start_soon(send, batch)
            number += 1
    return call.build_response()


def require_documents(documents: Iterable[Document]) -> Iterable[Document]:
    """Refuse what is no list of documents."""
    return cast("Iterable[Document]", require_iterable(documents))


def read_batch(call: BatchedCall, number: int, iterator: Iterator[Document]) -> Batch | None:
    """Read the next batch; None if there is none, or if reading it failed."""
    documents: list[Document] = []
    try:
        documents.extend(islice(filter(call.takes, iterator), call.batch_size))
        return call.make_batch(number, documents)
    except Exception as error:  # noqa: BLE001 - other batches may be paid for
        call.record_failure(number, error, len(documents))
        return None


async def read_batch_async(
    call: BatchedCall, number: int, iterator: DocumentIterator
) -> Batch | None:
    """Async `read_batch`; the iterator may be sync or async."""
    if not isinstance(iterator, AsyncIterator):
        return read_batch(call, number, iterator)
    documents: list[Document] = []
    try:
        async for document in iterator:
            if call.takes(document):
                documents.append(document)
            if len(documents) == call.batch_size:
                break
        return call.make_batch(number, documents)
    except Exception as error:  # noqa: BLE001 - as above
        call.record_failure(number, error, len(documents))
        return None
