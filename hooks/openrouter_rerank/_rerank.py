"""The operation as users call it: `client.rerank`."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Unpack, cast

import httpx
from attrs import frozen

# These two import a model when it is asked for, as typing.get_type_hints does.
from . import components, operations
from ._call.arguments import Document, Documents, RerankOptions, prepare
from ._call.caller import Caller
from ._codec.request import encode_request, require_iterable
from ._policy.retries import RetryConfig
from .types import UNSET, Unset

# What few calls need is imported by those that do.
if TYPE_CHECKING:
    from ._bulk.jobs import RerankJob
    from ._bulk.scheduler import Progress
    from ._bulk.tasks import AsyncRerankOutcomes
    from ._bulk.threads import RerankOutcomes
    from ._raw_response import RawRerank

DEFAULT_BATCH_SIZE = 1000
DEFAULT_BATCHES_AT_ONCE = 4

T = TypeVar("T")


@frozen
class Ranked(Generic[T]):
    """
    One of the caller's objects with its score.

    Attributes:
        item: The object itself.
        score: How relevant it is, higher is better; scores of different models do not compare.
        index: Its position among the items, from 0.
    """

    item: T
    score: float
    index: int


class Rerank:
    """Orders documents by their relevance to a query."""

    def __init__(self, caller: Caller) -> None:
        """Take what makes the calls."""
        self._caller = caller

    @cached_property
    def with_raw_response(self) -> RawRerank:
        """
        The same operation, returning each reply with its headers, its attempts and the time waited.

        `parse()` gives the model.
        """
        from ._raw_response import RawRerank

        return RawRerank(self._caller)

    def rerank(
        self,
        *,
        documents: Documents,
        model: str,
        query: str,
        http_referer: str | None = None,
        x_open_router_title: str | None = None,
        x_open_router_categories: str | None = None,
        provider: components.ProviderPreferences | Mapping[str, Any] | Unset | None = UNSET,
        session_id: str | None = None,
        top_n: int | None = None,
        trace: components.TraceConfig | Mapping[str, Any] | None = None,
        user: str | None = None,
        retries: RetryConfig | Unset | None = UNSET,
        server_url: str | None = None,
        accept_header_override: str | None = None,
        timeout_ms: float | None = None,
        http_headers: Mapping[str, str] | None = None,
        timeout: httpx.Timeout | float | None = None,
        deadline_ms: float | Unset | None = UNSET,
        extra_body: Mapping[str, Any] | None = None,
    ) -> operations.CreateRerankResponseBody:
        """
        Order documents by how relevant a model finds each one to a query.

        The fields of the request are those of `#/components/schemas/CreateRerankRequestBody` in
        openapi.yaml.

        Args:
            documents: Any iterable of texts, `DocumentRequest` or mappings with `text`, `image` or
                both. It is read once.
            model: Slug of the rerank model, such as "cohere/rerank-v3.5".
            query: What the documents are compared with.
            http_referer: URL of the calling app; None is the client's, "" sends none.
            x_open_router_title: The app's name; None is the client's, "" sends none.
            x_open_router_categories: The app's categories, separated by commas; None is the
                client's, "" sends none.
            provider: How to choose among providers, as a model or a mapping. None sends null, UNSET
                sends nothing.
            session_id: Groups related requests, at most 256 characters; None sends nothing.
            top_n: How many results to return, at least 1; None returns all.
            trace: Names for observability tools, as a model or a mapping; None sends nothing.
            user: The caller's own end user; None sends nothing.
            retries: When to try again; None and UNSET are the client's policy.
            server_url: Where this call goes, the key with it; None is the client's server.
            accept_header_override: Taken for the official SDK's sake; only "application/json" and
                None are possible.
            timeout_ms: Limit for connecting, for one read and for one write, in milliseconds; None
                is the client's.
            http_headers: Further headers. They win over every other header but `Authorization` and
                `Content-Length`, which they cannot set.
            timeout: What `timeout_ms` sets, in seconds or as an `httpx.Timeout`.
            deadline_ms: Limit for the whole call with all its attempts, in milliseconds; None for
                none, UNSET is the client's. Through an `httpx.Client` of the caller's own, a single
                read can outlast it.
            extra_body: Fields that this release does not know, added to the body as they are.

        Returns:
            The results, the most relevant first. `results[i].index` is a position in `documents`,
            from 0; `results[i].document` is always there, from the reply, else the caller's own.
            There may be fewer results than `top_n`.

        Raises:
            TypeError: An argument has the wrong type; nothing was sent.
            ValueError: An argument has a value that the API would refuse; nothing was sent.
            ResponseValidationError: The reply is a success but not the contract's shape.
            NoResponseError: No reply arrived; its subclasses say why.
            OpenRouterError: The API answered with an error; the status decides the subclass (see
                `openrouter_rerank.errors`).
        """
        encoded, options = prepare(
            documents=documents,
            model=model,
            query=query,
            provider=provider,
            session_id=session_id,
            top_n=top_n,
            trace=trace,
            user=user,
            extra_body=extra_body,
            http_referer=http_referer,
            x_open_router_title=x_open_router_title,
            x_open_router_categories=x_open_router_categories,
            retries=retries,
            server_url=server_url,
            accept_header_override=accept_header_override,
            timeout_ms=timeout_ms,
            timeout=timeout,
            deadline_ms=deadline_ms,
            http_headers=http_headers,
        )
        reply = self._caller.call(encoded, options)
        return reply.decode(encoded.documents)

    async def rerank_async(
        self,
        *,
        documents: Documents,
        model: str,
        query: str,
        http_referer: str | None = None,
        x_open_router_title: str | None = None,
        x_open_router_categories: str | None = None,
        provider: components.ProviderPreferences | Mapping[str, Any] | Unset | None = UNSET,
        session_id: str | None = None,
        top_n: int | None = None,
        trace: components.TraceConfig | Mapping[str, Any] | None = None,
        user: str | None = None,
        retries: RetryConfig | Unset | None = UNSET,
        server_url: str | None = None,
        accept_header_override: str | None = None,
        timeout_ms: float | None = None,
        http_headers: Mapping[str, str] | None = None,
        timeout: httpx.Timeout | float | None = None,
        deadline_ms: float | Unset | None = UNSET,
        extra_body: Mapping[str, Any] | None = None,
    ) -> operations.CreateRerankResponseBody:
        """
        Do what `rerank` does, on asyncio or trio.

        The deadline holds here through an `httpx.AsyncClient` of the caller's own, too. A call that
        is cancelled gives its connection back; the request may have been billed.

        Args:
            documents: See `rerank`, as for all the arguments.
            model: See `rerank`.
            query: See `rerank`.
            http_referer: See `rerank`.
            x_open_router_title: See `rerank`.
            x_open_router_categories: See `rerank`.
            provider: See `rerank`.
            session_id: See `rerank`.
            top_n: See `rerank`.
            trace: See `rerank`.
            user: See `rerank`.
            retries: See `rerank`.
            server_url: See `rerank`.
            accept_header_override: See `rerank`.
            timeout_ms: See `rerank`.
            http_headers: See `rerank`.
            timeout: See `rerank`.
            deadline_ms: See `rerank`.
            extra_body: See `rerank`.

        Returns:
            What `rerank` returns.

        Raises:
            TypeError: See `rerank`, as for all the errors.
            ValueError: See `rerank`.
            OpenRouterError: See `rerank`.
        """
        encoded, options = prepare(
            documents=documents,
            model=model,
            query=query,
            provider=provider,
            session_id=session_id,
            top_n=top_n,
            trace=trace,
            user=user,
            extra_body=extra_body,
            http_referer=http_referer,
            x_open_router_title=x_open_router_title,
            x_open_router_categories=x_open_router_categories,
            retries=retries,
            server_url=server_url,
            accept_header_override=accept_header_override,
            timeout_ms=timeout_ms,
            timeout=timeout,
            deadline_ms=deadline_ms,
            http_headers=http_headers,
        )
        reply = await self._caller.call_async(encoded, options)
        return reply.decode(encoded.documents)

    def rerank_many(
        self,
        jobs: Iterable[RerankJob],
        *,
        max_concurrency: int = 8,
        ordered: bool = True,
        requests_per_minute: float | None = None,
        max_cost: float | None = None,
        on_progress: Progress | None = None,
    ) -> RerankOutcomes:
        """
        Work off any number of jobs, several at a time, and return an iterator of their outcomes.

        Jobs are taken from the iterable only as fast as they are worked off and given out, at most
        64 ahead or four times `max_concurrency`, by one of the run's threads at a time. A failed
        job is an outcome with its error, and so is one that `rerank` would refuse; the run goes on.

        The run retries, by the policy of the client or the job, attempts and deadline counted for
        each job: a job that waits for its next attempt holds nobody up. All calls keep to one
        rate.
        A 429, a 503 or a `Retry-After` stops them all, for as long as the server asks (at most the
        policy's `max_retry_after_ms`); then one request at a time tests whether the server answers,
        and the run goes on a little below the rate that the server was able to deliver, and climbs
        again.

        Use it as a context manager, or `close()` it, if it may be left early. It belongs to one
        thread. `client.hooks` run in the threads of the run.

        Args:
            jobs: Any iterable of `RerankJob`. It is left where it stands when the run ends early.
            max_concurrency: How many requests may be under way at once, at least 1.
            ordered: Whether outcomes come in the order of the jobs; False gives each one out as
                soon as it is there. A slow job then holds up only itself.
            requests_per_minute: Limit for the requests of the run, retries included, sent at even
                distances; above 0, None for none.
            max_cost: Credits after which nothing more is sent, above 0: once the summed
                `usage.cost` of the replies reaches it, the requests under way finish, and may
                exceed it. A reply without a cost stops the run, too. None for no limit. What a
                lost reply cost is not known, and not counted.
            on_progress: Called with a `RunProgress` for each outcome, when the caller asks for the
                next one. What it raises ends the run.

        Returns:
            An iterator of `RerankOutcome`. When it is left early, requests under way are lost.

        Raises:
            TypeError: An argument has the wrong type; nothing was sent. The iterator raises it
                for something in `jobs` that is not a `RerankJob`.
            ValueError: An argument has a value that cannot work; nothing was sent.
            RunStoppedError: By the iterator, after all outcomes, the failed one among them: a call
                was answered with 401 or 402, the costs have reached `max_cost` and there are more
                jobs, or a reply told no cost under `max_cost`.
            ClientClosedError: By the iterator: the client was closed meanwhile.
            Exception: By the iterator: what `jobs`, `on_progress`, a hook or the function for the
                key raised. What is under way is given out before; after an exception of `jobs`,
                retries included.
        """
        from ._bulk.options import read_run_options, require_jobs
        from ._bulk.threads import RerankOutcomes

        options = read_run_options(
            max_concurrency=max_concurrency,
            ordered=ordered,
            requests_per_minute=requests_per_minute,
            max_cost=max_cost,
            on_progress=on_progress,
        )
        require_jobs(jobs)
        return RerankOutcomes(self._caller, jobs, options)

    def rerank_many_async(
        self,
        jobs: Iterable[RerankJob] | AsyncIterable[RerankJob],
        *,
        max_concurrency: int = 8,
        ordered: bool = True,
        requests_per_minute: float | None = None,
        max_cost: float | None = None,
        on_progress: Progress | None = None,
    ) -> AsyncRerankOutcomes:
        """
        Do what `rerank_many` does, in tasks of asyncio or trio.

        Use it with `async for`, if it may be left early inside an `async with` or with `aclose()`:
        requests under way are then cancelled. So they are when the task that waits for an outcome
        is cancelled. An async iterable is advanced by one task of the run at a time.

        Args:
            jobs: Any iterable or async iterable of `RerankJob`.
            max_concurrency: See `rerank_many`.
            ordered: See `rerank_many`.
            requests_per_minute: See `rerank_many`.
            max_cost: See `rerank_many`.
            on_progress: See `rerank_many`; what it returns is awaited if it can be.

        Returns:
            An async iterator of `RerankOutcome`.

        Raises:
            TypeError: See `rerank_many`, as for all the errors.
            ValueError: See `rerank_many`.
            RunStoppedError: See `rerank_many`.
            ClientClosedError: See `rerank_many`.
            Exception: See `rerank_many`.
        """
        from ._bulk.options import read_run_options, require_async_jobs
        from ._bulk.tasks import AsyncRerankOutcomes

        options = read_run_options(
            max_concurrency=max_concurrency,
            ordered=ordered,
            requests_per_minute=requests_per_minute,
            max_cost=max_cost,
            on_progress=on_progress,
        )
        require_async_jobs(jobs)
        return AsyncRerankOutcomes(self._caller, jobs, options)

    def rank(
        self,
        items: Iterable[T],
        *,
        query: str,
        model: str,
        key: Callable[[T], Document] | None = None,
        provider: components.ProviderPreferences | Mapping[str, Any] | Unset | None = UNSET,
        session_id: str | None = None,
        top_n: int | None = None,
        trace: components.TraceConfig | Mapping[str, Any] | None = None,
        user: str | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **options: Unpack[RerankOptions],
    ) -> list[Ranked[T]]:
        """
        Order any objects by how relevant a model finds each one to a query.

        Args:
            items: Any iterable; it is read once.
            query: What the items are compared with.
            model: Slug of the rerank model.
            key: Gives the document of an item: text, a `DocumentRequest` or a mapping. None if the
                items are documents themselves.
            provider: See `rerank`, as for all the arguments below.
            session_id: See `rerank`.
            top_n: How many items to return, at least 1; None returns all.
            trace: See `rerank`.
            user: See `rerank`.
            extra_body: See `rerank`.
            options: How the call is made: every further argument of `rerank`.

        Returns:
            The caller's own objects, the most relevant first.

        Raises:
            TypeError: An argument has the wrong type; nothing was sent.
            ValueError: An argument has a value that the API would refuse; nothing was sent.
            OpenRouterError: The call ended in an error.
        """
        chosen = read_items(items)
        response = self.rerank(
            documents=read_documents(chosen, key),
            model=model,
            query=query,
            provider=provider,
            session_id=session_id,
            top_n=top_n,
            trace=trace,
            user=user,
            extra_body=extra_body,
            **options,
        )
        return pair(chosen, response)

    async def rank_async(
        self,
        items: Iterable[T],
        *,
        query: str,
        model: str,
        key: Callable[[T], Document] | None = None,
        provider: components.ProviderPreferences | Mapping[str, Any] | Unset | None = UNSET,
        session_id: str | None = None,
        top_n: int | None = None,
        trace: components.TraceConfig | Mapping[str, Any] | None = None,
        user: str | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **options: Unpack[RerankOptions],
    ) -> list[Ranked[T]]:
        """
        Do what `rank` does, on asyncio or trio.

        Args:
            items: Any iterable; it is read once.
            query: What the items are compared with.
            model: Slug of the rerank model.
            key: Gives the document of an item: text, a `DocumentRequest` or a mapping. None if the
                items are documents themselves.
            provider: See `rerank`, as for all the arguments below.
            session_id: See `rerank`.
            top_n: How many items to return, at least 1; None returns all.
            trace: See `rerank`.
            user: See `rerank`.
            extra_body: See `rerank`.
            options: How the call is made: every further argument of `rerank`.

        Returns:
            The caller's own objects, the most relevant first.

        Raises:
            TypeError: An argument has the wrong type; nothing was sent.
            ValueError: An argument has a value that the API would refuse; nothing was sent.
            OpenRouterError: The call ended in an error.
        """
        chosen = read_items(items)
        response = await self.rerank_async(
            documents=read_documents(chosen, key),
            model=model,
            query=query,
            provider=provider,
            session_id=session_id,
            top_n=top_n,
            trace=trace,
            user=user,
            extra_body=extra_body,
            **options,
        )
        return pair(chosen, response)

    def rerank_batched(
        self,
        *,
        documents: Documents,
        model: str,
        query: str,
        batch_size: int = DEFAULT_BATCH_SIZE,
        max_concurrency: int = DEFAULT_BATCHES_AT_ONCE,
        provider: components.ProviderPreferences | Mapping[str, Any] | Unset | None = UNSET,
        session_id: str | None = None,
        top_n: int | None = None,
        trace: components.TraceConfig | Mapping[str, Any] | None = None,
        user: str | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **options: Unpack[RerankOptions],
    ) -> operations.CreateRerankResponseBody:
        """
        Order more documents than a provider takes at once, in parts that are ranked together.

        The parts' results are merged by score. **That is sound for models that score each document
        by itself**, as cross-encoders do: the outcome is then that of a single call. It is not for
        listwise models and LLMs that judge documents against each other, nor where a provider
        scales the scores of each reply, since a score then depends on the part it came from.

        The documents are read as the parts are sent, one part ahead. After a failure no further
        part is sent, and those under way come to their end before the error is raised, as they do
        on Ctrl-C: they are billed in any case.

        Args:
            documents: Any iterable of documents as `rerank` takes them. It is read once, in the
                caller's thread.
            model: Slug of the rerank model.
            query: What the documents are compared with.
            batch_size: How many documents to send in one request, at least 1. Every part but the
                last has as many.
            max_concurrency: How many parts may be under way at once, at least 1; each has a thread.
            provider: See `rerank`, as for all the arguments below but those said otherwise.
            session_id: See `rerank`.
            top_n: How many results to return of the whole, at least 1; None returns all. No more
                results than that are held in memory, those of the parts under way aside.
            trace: See `rerank`.
            user: See `rerank`.
            extra_body: See `rerank`; each request has it.
            options: How the calls are made: every further argument of `rerank`. `deadline_ms` is
                for the whole, the time that reading the documents takes included; `retries` are
                for each part.

        Returns:
            What `rerank` returns; of a single part it is that part's reply. Of several,
            `results[i].index` is the position among all the documents, equal scores keep the
            caller's order, and `usage` is the sum: each field over the parts that have it, absent
            if none has, and without the fields that this release does not know. `model` and `id`
            are the first part's; `provider` and further fields are there if all parts agree.

        Raises:
            TypeError: An argument has the wrong type; nothing was sent.
            ValueError: An argument has a value that the API would refuse; nothing was sent.
            BatchError: A part failed. It has the error as its `cause`, and the replies of the parts
                that succeeded. A wrong document is such a cause if it is met after a part was sent,
                and so is what reading the documents raises.
        """
        from ._bulk.batch_workers import run_batched
        from ._bulk.batches import BatchedCall

        call = BatchedCall(
            partial(
                encode_request,
                model=model,
                query=query,
                provider=provider,
                session_id=session_id,
                trace=trace,
                user=user,
                extra_body=extra_body,
            ),
            self._caller.clock,
            options,
            batch_size=batch_size,
            max_concurrency=max_concurrency,
            top_n=top_n,
        )
        return run_batched(self._caller, call, documents)

    async def rerank_batched_async(
        self,
        *,
        documents: Documents | AsyncIterable[Document],
        model: str,
        query: str,
        batch_size: int = DEFAULT_BATCH_SIZE,
        max_concurrency: int = DEFAULT_BATCHES_AT_ONCE,
        provider: components.ProviderPreferences | Mapping[str, Any] | Unset | None = UNSET,
        session_id: str | None = None,
        top_n: int | None = None,
        trace: components.TraceConfig | Mapping[str, Any] | None = None,
        user: str | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **options: Unpack[RerankOptions],
    ) -> operations.CreateRerankResponseBody:
        """
        Do what `rerank_batched` does, on asyncio or trio.

        When the call is cancelled, so are the parts under way; they may have been billed.

        Args:
            documents: Any iterable or async iterable; an async one wins where an object is both.
            model: See `rerank_batched`, as for all the arguments below.
            query: See `rerank_batched`.
            batch_size: See `rerank_batched`.
            max_concurrency: See `rerank_batched`; each part has a task.
            provider: See `rerank_batched`.
            session_id: See `rerank_batched`.
            top_n: See `rerank_batched`.
            trace: See `rerank_batched`.
            user: See `rerank_batched`.
            extra_body: See `rerank_batched`.
            options: See `rerank_batched`.

        Returns:
            What `rerank_batched` returns.

        Raises:
            TypeError: See `rerank_batched`, as for all the errors.
            ValueError: See `rerank_batched`.
            BatchError: See `rerank_batched`.
        """
        from ._bulk.batch_workers import run_batched_async
        from ._bulk.batches import BatchedCall

        call = BatchedCall(
            partial(
                encode_request,
                model=model,
                query=query,
                provider=provider,
                session_id=session_id,
                trace=trace,
                user=user,
                extra_body=extra_body,
            ),
            self._caller.clock,
            options,
            batch_size=batch_size,
            max_concurrency=max_concurrency,
            top_n=top_n,
        )
        return await run_batched_async(self._caller, call, documents)


def read_items(items: Iterable[T]) -> list[T]:
    """
    Read the items once.

    Raises:
        TypeError: They are one text or one mapping, or cannot be iterated.
    """
    require_iterable(items, "items")
    return list(items)


def read_documents(items: Sequence[T], key: Callable[[T], Document] | None) -> Documents:
    """Return the document of each item."""
    return cast("Documents", items) if key is None else map(key, items)


def pair(items: Sequence[T], response: operations.CreateRerankResponseBody) -> list[Ranked[T]]:
    """Return the items in the order of the results."""
    return [
        Ranked(items[result.index], result.relevance_score, result.index)
        for result in response.results
    ]
