"""The rerank operation as users call it: `client.rerank`."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, cast, overload

# These two import a name only when something asks for it, as typing.get_type_hints does.
from . import _lazy_types, operations
from ._call.arguments import (
    Document,
    Documents,
    RerankArguments,
    choose_unrankable,
    prepare,
)
from ._call.caller import Caller
from ._call.signatures import list_rerank_arguments
from ._codec.documents import find_set_aside, require_iterable
from ._policy.failures import OnFailure, is_recoverable
from .errors import OpenRouterError

if TYPE_CHECKING:
    from ._frames import FrameReader

DEFAULT_BATCH_SIZE = 1000

T = TypeVar("T")


class Rerank:
    """Orders documents by their relevance to a query."""

    def __init__(self, caller: Caller) -> None:
        """Keep the caller, which makes the requests."""
        self._caller = caller

    @cached_property
    def with_raw_response(self) -> _lazy_types.RawRerank:
        """
        The same operation, but each reply comes with its headers, its attempts and the time waited.

        `parse()` returns the model.
        """
        return _lazy_types.RawRerank(self._caller)

    @list_rerank_arguments
    def rerank(
        self,
        *,
        documents: Documents,
        model: str,
        query: str,
        top_n: int | None = None,
        **arguments: Unpack[RerankArguments],
    ) -> operations.CreateRerankResponseBody:
        """
        Order documents by how relevant a model finds each one to a query.

        The fields of the request are those of `#/components/schemas/CreateRerankRequestBody` in
        openapi.yaml.

        Args:
            documents: Any iterable of texts, `DocumentRequest` or mappings with `text`, `image` or
                both. It is read once. A table, a mapping, a set, bytes and a single text are
                refused: pass one column, or a list.
            model: Slug of the rerank model, such as "cohere/rerank-5-fast".
            query: The text to compare the documents with.
            http_referer: URL of the calling app; None uses the client's, "" sends none.
            x_open_router_title: The app's name; None uses the client's, "" sends none.
            x_open_router_categories: The app's categories, separated by commas; None uses the
                client's, "" sends none.
            provider: How to choose among providers, as a model or a mapping. None sends null, UNSET
                sends nothing.
            session_id: Groups related requests, at most 256 characters; None sends nothing.
            top_n: How many results to return, at least 1; None returns all.
            trace: Names for observability tools, as a model or a mapping; None sends nothing.
            user: Your own end user; None sends nothing.
            retries: When to try again; None and UNSET use the client's policy.
            server_url: Where to send this call and its key; None uses the client's server.
            accept_header_override: Exists because the official SDK has it; only "application/json"
                and None are accepted.
            timeout_ms: Limit for connecting, for one read and for one write, in milliseconds; None
                uses the client's.
            http_headers: Further headers. They override all others except `Authorization`,
                `Content-Length` and those of the connection, such as `Transfer-Encoding`, which
                they cannot set.
            timeout: What `timeout_ms` sets, but in seconds or as an `httpx.Timeout`.
            deadline_ms: Limit for the whole call with all its attempts, in milliseconds; None sets
                no limit, UNSET uses the client's. It ends a call while a name is resolved, too. On
                sync it does not cover a single read of an `httpx.Client` or transport of your own,
                your hooks, your function for the key, and a SOCKS proxy.
            min_score: Drop results that score lower. A number is for every model, a mapping of
                slugs for those that it names: the scores of one model mean little for another.
                Calibrated models, such as Cohere's, give about 0 to what is irrelevant whatever the
                query; those of others differ by query, so try on your own data. None drops
                nothing, UNSET uses the client's.
            cache: False neither looks the answer up in the client's cache nor keeps it; a cache
                takes the place of the client's. An answer from a cache is given before anything is
                sent, and `usage` says that it cost nothing: the price that was paid is the
                `saved_cost` of what `rank` and the raw reply return. `session_id`, `trace`, `user`
                and what your hooks change make no difference to what is found; nor does the key.
                While a request is sent, equal calls wait for its reply, each until its own
                deadline. None uses the client's.
            passages: How documents that are too long for the model are split, as
                `Passages(max_tokens=128)`: their passages are ranked, and each document has the
                score of its best one. `top_n` and `min_score` are for documents;
                `results[i].additional_properties["passage"]` says where the best passage stands in
                the document's text as it was sent, as `{"start": ..., "end": ...}` in characters.
                All results are asked for, and a model billed by the document counts passages. None
                sends documents as they are, UNSET does what the client says.
            fallback_models: Models to ask in turn when this one has failed: when its own retries
                are over, or the error says that another try is of no use. Slugs, or a `Ranker` such
                as `openrouter_rerank.local.LOCAL`, which ranks in this process; the slug
                "local/minilm" asks a server that `openrouter-rerank serve` runs. They share the
                deadline: each has an equal part of the time left. After a 401, a 403 without
                moderation reasons or a setting that cannot work none is asked, after a 402 only a
                `Ranker`. `provider` and other fields go to each. The reply is that of one model,
                named in `model`; `usage.cost` is the sum, absent if unknown. None uses the
                client's, an empty list is for none.
            follow_fallbacks: Whether to ask the models that an error names as able to serve the
                request (`availability.fallback_models`), after yours and before a `Ranker`. A
                part of the time is kept for them. None uses the client's.
            extra_body: Fields that this release does not know, added to the body unchanged.
            fields: Names of fields of the documents, which can then be mappings with any values, or
                objects with such attributes: these fields are sent, as YAML text in this order.
                What a document lacks is left out. None sends documents as they are.
            unrankable: What becomes of documents with nothing to rank, which are None, blank or
                not encodable: "raise" refuses them all before anything is sent, "set_aside" leaves
                them out of the results, with a warning in the log; if none is left, nothing is
                sent, and there are no results.

        Returns:
            The results, the most relevant first and equal scores in the order of `documents`, no
            more than `top_n`, even if the server neither sorts nor cuts. `results[i].index` is a
            position in `documents`, from 0; `results[i].document` is always set, from the reply or
            else from your own documents. `model` is the requested one if the reply names none.
            What else the reply has of the wrong type counts as absent, and a line of the log names
            it. There may be fewer results than `top_n`.

        Raises:
            TypeError: An argument has the wrong type; nothing was sent.
            ValueError: An argument has a value that the API would refuse; nothing was sent.
            ResponseValidationError: The reply is a success but does not have the contract's shape.
            NoResponseError: No reply arrived; its subclasses say why.
            OpenRouterError: The API answered with an error; the status decides the subclass (see
                `openrouter_rerank.errors`).
        """
        encoded, options = prepare(
            "Rerank.rerank",
            documents=documents,
            model=model,
            query=query,
            top_n=top_n,
            **arguments,
        )
        return self._caller.rank(self._caller.resolve(options), encoded).response

    @list_rerank_arguments
    async def rerank_async(
        self,
        *,
        documents: Documents,
        model: str,
        query: str,
        top_n: int | None = None,
        **arguments: Unpack[RerankArguments],
    ) -> operations.CreateRerankResponseBody:
        """
        Async `rerank`, on asyncio or trio.

        The deadline also holds through an `httpx.AsyncClient` of your own. A cancelled call gives
        its connection back; the request may have been billed.
        """
        encoded, options = prepare(
            "Rerank.rerank_async",
            documents=documents,
            model=model,
            query=query,
            top_n=top_n,
            **arguments,
        )
        return (await self._caller.rank_async(self._caller.resolve(options), encoded)).response

    def rerank_many(
        self,
        jobs: Iterable[_lazy_types.RerankJob],
        *,
        max_concurrency: int = 8,
        ordered: bool = True,
        requests_per_minute: float | None = None,
        max_cost: float | None = None,
        max_unread: int | None = None,
        on_progress: _lazy_types.Progress | None = None,
    ) -> _lazy_types.RerankOutcomes:
        """
        Rerank any number of jobs, several at a time, and return an iterator of their outcomes.

        The run reads `jobs` only as fast as it sends requests and you take outcomes, at most 64
        ahead or, if that is more, four times `max_concurrency`. Only one of its threads reads at a
        time. A failed job is an outcome with its error, and so is a job that `rerank` would refuse;
        the run goes on.

        The run retries by the policy of the client or the job. Attempts and deadline count for each
        job, and a job that waits for its next attempt holds up no other job. All requests share one
        rate. A 429, a 503 or a `Retry-After` pauses them all for as long as the server asks, but no
        longer than the policy's `max_retry_after_ms`. Then one request at a time tests whether the
        server answers. The run goes on a little below the rate that the server managed before, and
        climbs again.

        If you may leave the iterator early, use it as a context manager or `close()` it. Use it
        from one thread only. `client.hooks` are called in the threads of the run.

        Args:
            jobs: Any iterable of `RerankJob`. A run that ends early leaves the rest unread.
            max_concurrency: How many requests may be under way at once, at least 1 and at most the
                client's `limits.max_connections`.
            ordered: Whether outcomes come in the order of the jobs. With False each comes as soon
                as it is there, so a slow job delays no other outcome.
            requests_per_minute: Limit for the requests of the run, retries included, evenly spaced;
                above 0, None sets no limit.
            max_cost: Credits after which nothing more is sent, above 0; None sets no limit. Once
                the summed `usage.cost` of the replies reaches it, the requests under way finish, so
                the total may exceed it. A reply without a cost also stops the run. The cost of a
                lost reply is unknown and not counted.
            max_unread: Limit for the requests under way and the results that you have not finished
                with, at least 1: what a crash of your program can lose. A result counts until you
                ask for the next outcome; with `ordered`, not while it waits for an earlier job.
                None sets no limit.
            on_progress: Called with a `RunProgress` for each outcome, when you ask for the next
                one. An exception that it raises ends the run.

        Returns:
            An iterator of `RerankOutcome`. If you leave it early, the requests under way are lost.

        Raises:
            TypeError: An argument has the wrong type; nothing was sent. The iterator raises it for
                something in `jobs` that is not a `RerankJob`.
            ValueError: An argument has a value that cannot work; nothing was sent.
            RunStoppedError: From the iterator, after all outcomes, the failed one among them: a
                call was answered with 401 or 402, the costs have reached `max_cost` and there are
                more jobs, or, with `max_cost`, a reply has no cost.
            ClientClosedError: From the iterator: the client was closed during the run.
            Exception: From the iterator: what `jobs`, `on_progress`, a hook or the function for the
                key raised. Requests under way finish and are given out first, unless `on_progress`
                raised it; after an exception from `jobs`, retries are made too.
        """
        from ._bulk.options import read_run_options, require_jobs
        from ._bulk.thread_workers import RerankOutcomes

        options = read_run_options(
            max_concurrency=max_concurrency,
            ordered=ordered,
            requests_per_minute=requests_per_minute,
            max_cost=max_cost,
            max_unread=max_unread,
            on_progress=on_progress,
        )
        require_jobs(jobs)
        self._caller.require_connections(options.max_concurrency, is_async=False)
        return RerankOutcomes(self._caller, jobs, options)

    def rerank_many_async(
        self,
        jobs: Iterable[_lazy_types.RerankJob] | AsyncIterable[_lazy_types.RerankJob],
        *,
        max_concurrency: int = 8,
        ordered: bool = True,
        requests_per_minute: float | None = None,
        max_cost: float | None = None,
        max_unread: int | None = None,
        on_progress: _lazy_types.Progress | None = None,
    ) -> _lazy_types.AsyncRerankOutcomes:
        """
        Async `rerank_many`, in tasks of asyncio or trio.

        `jobs` may be an async iterable too; the tasks of the run take turns at reading it. If
        `on_progress` returns an awaitable, it is awaited. Use the outcomes with `async for`. If you
        may leave early, use `async with` or `aclose()`, which cancels the requests under way.
        Cancelling the task that waits for an outcome cancels them too.
        """
        from ._bulk.options import read_run_options, require_async_jobs
        from ._bulk.task_workers import AsyncRerankOutcomes

        options = read_run_options(
            max_concurrency=max_concurrency,
            ordered=ordered,
            requests_per_minute=requests_per_minute,
            max_cost=max_cost,
            max_unread=max_unread,
            on_progress=on_progress,
        )
        require_async_jobs(jobs)
        self._caller.require_connections(options.max_concurrency, is_async=True)
        return AsyncRerankOutcomes(self._caller, jobs, options)

    @overload
    def rank(
        self,
        items: _lazy_types.FrameT,
        *,
        query: str,
        model: str,
        key: str | None = None,
        top_n: int | None = None,
        batch_size: int | None = None,
        on_failure: OnFailure | None = None,
        **arguments: Unpack[RerankArguments],
    ) -> _lazy_types.FrameRanking[_lazy_types.FrameT]: ...

    @overload
    def rank(
        self,
        items: Iterable[T],
        *,
        query: str,
        model: str,
        key: Callable[[T], Document] | None = None,
        top_n: int | None = None,
        batch_size: int | None = None,
        on_failure: OnFailure | None = None,
        **arguments: Unpack[RerankArguments],
    ) -> _lazy_types.Ranking[T]: ...

    @list_rerank_arguments
    def rank(  # noqa: D417  it documents only what `rerank` does not
        self,
        items: Iterable[T] | _lazy_types.FrameT,
        *,
        query: str,
        model: str,
        key: Callable[[T], Document] | str | None = None,
        top_n: int | None = None,
        batch_size: int | None = None,
        on_failure: OnFailure | None = None,
        **arguments: Unpack[RerankArguments],
    ) -> _lazy_types.Ranking[T] | _lazy_types.FrameRanking[_lazy_types.FrameT]:
        """
        Order any objects by how relevant a model finds each one to a query.

        All other arguments are those of `rerank`.

        For a DataFrame, `unrankable` is "set_aside" unless given: rows whose text is missing are
        left out, and a frame without rows gives a ranking without any.

        Args:
            items: Any iterable; it is read once. Or a DataFrame of pandas or polars, whose rows are
                ranked by the column that `key` names, or by the columns that `fields` names.
            key: Returns the document of an item: text, a `DocumentRequest` or a mapping. None if
                the items are documents themselves, or have `fields`. For a DataFrame, the name of
                the column with the documents.
            top_n: How many items to return, at least 1; None returns all.
            batch_size: How many items to send in one request, at least 1, such as the provider's
                maximum; more are sent in batches, as by `rerank_batched`, and merged by score. None
                sends them all in one. With `passages`, it counts these.
            on_failure: What becomes of a call that has failed, with all its fallbacks. "raise"
                raises its error. "keep_order" returns the items in the order in which they came,
                without scores and cut to `top_n`, with `reranked` False and the error as `failure`:
                a search goes on as if there were no reranker. One line in the log says so, at ERROR
                after a 402 and else at WARNING. `deadline_ms` is then how long the search waits at
                most. `unrankable` is "set_aside" unless given. None uses the client's.

        Returns:
            Your own objects as a `Ranking`: the most relevant first, or in the order in which they
            came. Of a DataFrame, its rows as a `FrameRanking`, whose `to_frame()` is a DataFrame.

        Raises:
            TypeError: An argument has the wrong type; nothing was sent.
            ValueError: An argument has a value that the API would refuse; nothing was sent.
            OpenRouterError: The call ended in an error; with `batch_size`, in a `BatchError` if a
                batch failed. With "keep_order", only a 401, a 403 without moderation reasons, a
                setting that cannot work, such as a bad certificate, and `ClientClosedError`.
        """
        # Before anything is sent: a process may have no file left to open when the reply is there.
        from ._ranking import keep_order, pair_with_scores

        item_list, documents, frame = read_items(items, key, arguments.pop("fields", None))
        on_failure = self._caller.choose(on_failure)
        unrankable = arguments.setdefault(
            "unrankable", "set_aside" if frame is not None else choose_unrankable(on_failure)
        )
        try:
            if batch_size is None:
                encoded, options = prepare(
                    "Rerank.rank",
                    documents=documents,
                    model=model,
                    query=query,
                    top_n=top_n,
                    **arguments,
                )
                answer = self._caller.rank(self._caller.resolve(options, on_failure), encoded)
            else:
                from ._bulk.in_batches import rerank_in_batches

                answer = rerank_in_batches(
                    self._caller,
                    "Rerank.rank",
                    documents,
                    arguments,
                    model=model,
                    query=query,
                    batch_size=batch_size,
                    top_n=top_n,
                    on_failure=on_failure,
                )
        except OpenRouterError as error:
            if on_failure == "raise" or not is_recoverable(error):
                raise
            self._caller.record_kept_order(model, error)
            set_aside = find_set_aside(documents, unrankable)
            ranking = keep_order(item_list, error, model=model, top_n=top_n, set_aside=set_aside)
        else:
            ranking = pair_with_scores(item_list, answer)
        return ranking if frame is None else _lazy_types.FrameRanking(frame, ranking)

    @overload
    async def rank_async(
        self,
        items: _lazy_types.FrameT,
        *,
        query: str,
        model: str,
        key: str | None = None,
        top_n: int | None = None,
        batch_size: int | None = None,
        on_failure: OnFailure | None = None,
        **arguments: Unpack[RerankArguments],
    ) -> _lazy_types.FrameRanking[_lazy_types.FrameT]: ...

    @overload
    async def rank_async(
        self,
        items: Iterable[T],
        *,
        query: str,
        model: str,
        key: Callable[[T], Document] | None = None,
        top_n: int | None = None,
        batch_size: int | None = None,
        on_failure: OnFailure | None = None,
        **arguments: Unpack[RerankArguments],
    ) -> _lazy_types.Ranking[T]: ...

    @list_rerank_arguments
    async def rank_async(
        self,
        items: Iterable[T] | _lazy_types.FrameT,
        *,
        query: str,
        model: str,
        key: Callable[[T], Document] | str | None = None,
        top_n: int | None = None,
        batch_size: int | None = None,
        on_failure: OnFailure | None = None,
        **arguments: Unpack[RerankArguments],
    ) -> _lazy_types.Ranking[T] | _lazy_types.FrameRanking[_lazy_types.FrameT]:
        """Async `rank`, on asyncio or trio."""
        # Before anything is sent: a process may have no file left to open when the reply is there.
        from ._ranking import keep_order, pair_with_scores

        item_list, documents, frame = read_items(items, key, arguments.pop("fields", None))
        on_failure = self._caller.choose(on_failure)
        unrankable = arguments.setdefault(
            "unrankable", "set_aside" if frame is not None else choose_unrankable(on_failure)
        )
        try:
            if batch_size is None:
                encoded, options = prepare(
                    "Rerank.rank_async",
                    documents=documents,
                    model=model,
                    query=query,
                    top_n=top_n,
                    **arguments,
                )
                settings = self._caller.resolve(options, on_failure)
                answer = await self._caller.rank_async(settings, encoded)
            else:
                from ._bulk.in_batches import rerank_in_batches_async

                answer = await rerank_in_batches_async(
                    self._caller,
                    "Rerank.rank_async",
                    documents,
                    arguments,
                    model=model,
                    query=query,
                    batch_size=batch_size,
                    top_n=top_n,
                    on_failure=on_failure,
                )
        except OpenRouterError as error:
            if on_failure == "raise" or not is_recoverable(error):
                raise
            self._caller.record_kept_order(model, error)
            set_aside = find_set_aside(documents, unrankable)
            ranking = keep_order(item_list, error, model=model, top_n=top_n, set_aside=set_aside)
        else:
            ranking = pair_with_scores(item_list, answer)
        return ranking if frame is None else _lazy_types.FrameRanking(frame, ranking)

    @list_rerank_arguments
    def rerank_batched(  # noqa: D417  it documents only what `rerank` does not
        self,
        *,
        documents: Documents,
        model: str,
        query: str,
        batch_size: int = DEFAULT_BATCH_SIZE,
        max_concurrency: int | None = None,
        top_n: int | None = None,
        **arguments: Unpack[RerankArguments],
    ) -> operations.CreateRerankResponseBody:
        """
        Order more documents than a provider takes at once, by sending them in batches.

        The results of all batches are merged by score. **That is sound for models that score each
        document by itself**, as cross-encoders do: the outcome is then that of a single call. It is
        not sound for listwise models and LLMs that judge documents against each other, nor where a
        provider scales the scores of each reply, because a score then depends on its batch.

        The documents are read as the batches are sent, one batch ahead. After a failure, or on
        Ctrl-C, no further batch is sent, and those under way finish before the error is raised:
        they are billed in any case.

        All other arguments are those of `rerank`; `extra_body` goes into each request.

        Args:
            documents: Any iterable of documents as `rerank` takes them. It is read once, in
                your thread.
            batch_size: How many documents to send in one request, at least 1, or passages of them.
                Only the last batch may have fewer.
            max_concurrency: How many batches may be under way at once, at least 1 and at most the
                client's `limits.max_connections`; each has a thread. None takes 4, or as many as
                there are connections if those are fewer.
            top_n: How many results to return in all, at least 1; None returns all. No more results
                than that are held in memory, besides those of the batches under way; with
                `passages`, all documents and results are.
            arguments: `deadline_ms` is for the whole call, including the time to read the
                documents; `retries` count for each batch.

        Returns:
            What `rerank` returns; with a single batch it is that batch's reply. With several,
            `results[i].index` is the position among all the documents, equal scores keep that
            order, and `usage` is the sum: each field over the batches that have it, absent if none
            has, and without the fields that this release does not know. `model` and `id` are the
            first batch's; `provider` and further fields are set if all batches agree.

        Raises:
            TypeError: An argument has the wrong type; nothing was sent. Documents that are all
                there, as in a list, are checked before the first batch is sent.
            ValueError: An argument has a value that the API would refuse; nothing was sent.
            BatchError: A batch failed. It has the error as its `cause`, and the replies of the
                batches that succeeded. The cause can also be a wrong document of an iterator
                that was found after a batch was sent, or what reading the documents raised.
        """
        from ._bulk.in_batches import rerank_in_batches

        return rerank_in_batches(
            self._caller,
            "Rerank.rerank_batched",
            documents,
            arguments,
            model=model,
            query=query,
            batch_size=batch_size,
            max_concurrency=max_concurrency,
            top_n=top_n,
        ).response

    @list_rerank_arguments
    async def rerank_batched_async(
        self,
        *,
        documents: Documents | AsyncIterable[Document],
        model: str,
        query: str,
        batch_size: int = DEFAULT_BATCH_SIZE,
        max_concurrency: int | None = None,
        top_n: int | None = None,
        **arguments: Unpack[RerankArguments],
    ) -> operations.CreateRerankResponseBody:
        """
        Async `rerank_batched`, on asyncio or trio; each batch has a task.

        `documents` may be an async iterable too; an object that is both is read as an async one.
        Cancelling the call cancels the batches under way, which may have been billed.
        """
        from ._bulk.in_batches import rerank_in_batches_async

        answer = await rerank_in_batches_async(
            self._caller,
            "Rerank.rerank_batched_async",
            documents,
            arguments,
            model=model,
            query=query,
            batch_size=batch_size,
            max_concurrency=max_concurrency,
            top_n=top_n,
        )
        return answer.response


def read_items(
    items: object, key: Callable[[Any], Document] | str | None, fields: Iterable[str] | None
) -> tuple[Sequence[Any], Sequence[Document], FrameReader | None]:
    """
    Return the items as a list, the document of each, and what reads them if they are a DataFrame.

    The items of a DataFrame are the positions of its rows.

    Raises:
        TypeError: They are no list of items: a text, a mapping, a table, or not iterable; or the
            key does not fit them.
        ValueError: A name of a field cannot be one, or is no column.
    """
    # `rerank` needs neither frames nor rankings.
    from ._frames import find_reader, read_documents, refuse_column

    frame = find_reader(items)
    if frame is not None:
        return range(frame.count_rows()), read_documents(frame, key, fields), frame
    if isinstance(key, str):
        raise TypeError(refuse_column(items))
    item_list = list(require_iterable(items, "items"))
    documents = cast(
        "Sequence[Document]", item_list if key is None else [key(item) for item in item_list]
    )
    if fields is not None:
        from ._codec.fields import require_fields, select_fields

        documents = list(select_fields(documents, require_fields(fields)))
    return item_list, documents, None
