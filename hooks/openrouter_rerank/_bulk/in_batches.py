"""One call in batches, from the arguments that `rerank_batched` and `rank` are given."""

from collections.abc import AsyncIterable
from functools import partial
from typing import Required, TypedDict, Unpack

from openrouter_rerank._call.answer import Answer
from openrouter_rerank._call.arguments import (
    Document,
    Documents,
    RerankArguments,
    split_arguments,
)
from openrouter_rerank._call.caller import Caller
from openrouter_rerank._codec.documents import require_iterable
from openrouter_rerank._codec.fields import require_fields, select_fields, select_fields_async
from openrouter_rerank._codec.request import encode_request
from openrouter_rerank._policy.failures import OnFailure

from .batch_workers import run_batched, run_batched_async
from .batches import BatchedCall

DEFAULT_BATCHES_AT_ONCE = 4


class BatchOptions(TypedDict, total=False):
    """How a call is made in batches."""

    model: Required[str]
    query: Required[str]
    batch_size: Required[int]
    max_concurrency: int | None
    top_n: Required[int | None]
    on_failure: OnFailure


def rerank_in_batches(
    caller: Caller,
    method: str,
    documents: Documents,
    arguments: RerankArguments,
    **options: Unpack[BatchOptions],
) -> Answer:
    """
    Make the call, for a public method of a name.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument has a value that the API would refuse.
        BatchError: A batch failed.
    """
    fields = arguments.pop("fields", None)
    call = _begin(caller, method, arguments, is_async=False, **options)
    if fields is not None:
        documents = select_fields(require_iterable(documents), require_fields(fields))
    return run_batched(caller, call, documents)


async def rerank_in_batches_async(
    caller: Caller,
    method: str,
    documents: Documents | AsyncIterable[Document],
    arguments: RerankArguments,
    **options: Unpack[BatchOptions],
) -> Answer:
    """Async `rerank_in_batches`."""
    fields = arguments.pop("fields", None)
    call = _begin(caller, method, arguments, is_async=True, **options)
    if fields is not None:
        if not isinstance(documents, AsyncIterable):
            require_iterable(documents)
        documents = select_fields_async(documents, require_fields(fields))
    return await run_batched_async(caller, call, documents)


def _begin(
    caller: Caller,
    method: str,
    arguments: RerankArguments,
    *,
    model: str,
    query: str,
    batch_size: int,
    max_concurrency: int | None = None,
    top_n: int | None,
    on_failure: OnFailure = "raise",
    is_async: bool,
) -> BatchedCall:
    """Check the arguments, but the documents, and start the call's time."""
    fields, options = split_arguments(method, arguments)
    if max_concurrency is None:
        most = caller.count_connections(is_async=is_async)
        max_concurrency = min(DEFAULT_BATCHES_AT_ONCE, most or DEFAULT_BATCHES_AT_ONCE)
    call = BatchedCall(
        partial(encode_request, query=query, **fields),
        caller.clock,
        caller.resolve(options, on_failure),
        model=model,
        batch_size=batch_size,
        max_concurrency=max_concurrency,
        top_n=top_n,
        unrankable=fields.get("unrankable", "raise"),
    )
    caller.require_connections(call.max_concurrency, is_async=is_async)
    return call
