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

from openrouter_rerank._call.answer import Answer
from openrouter_rerank._call.arguments import Document
from openrouter_rerank._call.caller import Caller
from openrouter_rerank._call.fallbacks import (
    Candidate,
    FallbackChain,
    follow_fallbacks,
    follow_fallbacks_async,
)
from openrouter_rerank._codec.documents import require_iterable
from openrouter_rerank.errors import RequestCancelledError

from .batches import Batch, BatchedCall

AnyDocuments = Iterable[Document] | AsyncIterable[Document]
DocumentIterator = Iterator[Document] | AsyncIterator[Document]


def run_batched(caller: Caller, call: BatchedCall, documents: Iterable[Document]) -> Answer:
    """
    Send the batches from threads, and return the answer with the merged reply.

    With fallbacks, all documents are read first: another model gets all of them.

    Raises:
        BatchError: A batch failed.
        BaseException: What is no outcome of a call; see `BatchedCall.build_answer`.
    """
    documents = require_documents(documents)
    if not call.settings.has_fallbacks:
        return _send_batches(caller, call, documents)
    chain = FallbackChain(call.settings, call.model, caller.clock.now)
    kept = list(documents)

    def ask(candidate: Candidate) -> Answer:
        if isinstance(candidate.model, str):
            chosen = call.for_model(candidate.model, candidate.settings)
            return _send_batches(caller, chosen, kept)
        return caller.ask(candidate, call.encode_all(kept))

    return follow_fallbacks(chain, ask)


async def run_batched_async(caller: Caller, call: BatchedCall, documents: AnyDocuments) -> Answer:
    """Async `run_batched`, with tasks for threads."""
    if not call.settings.has_fallbacks:
        return await _send_batches_async(caller, call, documents)
    chain = FallbackChain(call.settings, call.model, caller.clock.now)
    if isinstance(documents, AsyncIterable):
        kept = [document async for document in documents]
    else:
        kept = list(require_documents(documents))

    async def ask(candidate: Candidate) -> Answer:
        if isinstance(candidate.model, str):
            chosen = call.for_model(candidate.model, candidate.settings)
            return await _send_batches_async(caller, chosen, kept)
        return await caller.ask_async(candidate, call.encode_all(kept))

    return await follow_fallbacks_async(chain, ask)


def _send_batches(caller: Caller, call: BatchedCall, documents: Iterable[Document]) -> Answer:
    """Send the batches to one model."""
    iterator = iter(call.check(documents))
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
    return call.build_answer()


async def _send_batches_async(caller: Caller, call: BatchedCall, documents: AnyDocuments) -> Answer:
    """Async `_send_batches`."""
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
    return call.build_answer()


def require_documents(documents: Iterable[Document]) -> Iterable[Document]:
    """Refuse what is no list of documents."""
    return cast("Iterable[Document]", require_iterable(documents))


def read_batch(call: BatchedCall, number: int, iterator: Iterator[Document]) -> Batch | None:
    """Read the next batch; None if there is none, or if reading it failed."""
    documents: list[Document] = []
    try:
        documents.extend(islice(call.read(iterator), call.batch_size))
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
        documents.extend(islice(call.read(()), call.batch_size))
        while len(documents) < call.batch_size:
            try:
                document = await anext(iterator)
            except StopAsyncIteration:
                break
            documents.extend(islice(call.read((document,)), call.batch_size - len(documents)))
        return call.make_batch(number, documents)
    except Exception as error:  # noqa: BLE001 - as above
        call.record_failure(number, error, len(documents))
        return None
