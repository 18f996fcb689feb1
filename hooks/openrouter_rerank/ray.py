"""
Ray Data: `Reranker`, the callable for `ray.data.Dataset.map_batches`.

It needs `pip install "openrouter-rerank[ray]"` wherever the job runs. This module does not import
Ray; Ray calls it.
"""

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar, cast

from attrs import evolve, frozen

from ._bulk.jobs import RerankJob, RerankOutcome, prepare_job
from ._call.config import read_on_failure
from ._client import OpenRouter
from ._codec.documents import Unrankable
from ._codec.fields import require_fields
from ._codec.values import require_count, require_positive, require_str
from ._integrations.items import describe_span, limit_count
from ._integrations.job_stream import JobStream
from ._integrations.ray_columns import (
    COLUMNS,
    PASSAGES_COLUMN,
    prepare_columns,
    read_column,
    read_documents,
    require_columns,
)
from ._integrations.request_settings import REQUEST_FIELDS, drop_none
from ._policy.failures import OnFailure, is_recoverable
from .errors import RunStoppedError

__all__ = ["Reranker"]

BatchT = TypeVar("BatchT")


@frozen
class Row:
    """
    What one row gains; the attributes are the names of the columns.

    Attributes:
        order: Positions in the row's documents, the most relevant first, or in their own order if
            the row failed and keeps it; None if it failed.
        scores: The score of each document that `order` names, in the same order, None for one
            without; None if the row has no order.
        model: The model that answered; None if none did.
        cost: The price in credits; None if the reply does not state it, or if the row failed.
        error: The error's class and message; None if there was none.
        passages: Where the best passage of each document that `order` names stands, in the same
            order, None for one that was not split; None if the row has no order.
    """

    order: list[int] | None = None
    scores: list[float | None] | None = None
    model: str | None = None
    cost: float | None = None
    error: str | None = None
    passages: list[dict[str, int] | None] | None = None


class Reranker:
    """
    Reranks the documents in each row of a batch; give the class to `map_batches`.

    Ray makes one for each actor, with one client, and gives it one batch after another:

        dataset.map_batches(
            Reranker,
            fn_constructor_kwargs={"model": model, "requests_per_minute": 600, "actors": 2},
            compute=ray.data.ActorPoolStrategy(size=2),
            num_cpus=0.5,
            batch_size=512,
            batch_format="pyarrow",
        )

    It adds five columns, null where there is nothing to say:

    - `order`, a list of whole numbers: positions in the row's documents, from 0, the most relevant
      first, no more than `top_n`;
    - `scores`, a list of numbers: the score of each document that `order` names, in the same order;
    - `model`, text: the model that answered, which a fallback can be;
    - `cost`, a number: the price in credits (`usage.cost` of the reply);
    - `error`, text: class and message of the error that the row ended in, such as
      "TooManyRequestsResponseError: ..."; null if it did not.

    With the option `passages` there is one more:

    - `passages`, a list of structs: for each document that `order` names, in the same order, the
      `start` and the `end` of its best passage in its text, null for one without.

    A row that fails has its `error`, and so has a row whose query or documents cannot be sent. With
    `on_failure="keep_order"` a row that fails has its documents' own `order` all the same, and null
    for each score.
    After a 401 or a 402, the actor sends nothing more: each of its further rows ends in a
    `RunStoppedError`. If an actor dies, Ray runs its batch again: what was billed for it is billed
    twice.

    Batches of all three formats work. With "pyarrow" the other columns stay as they are and the new
    ones have their types even when they are all null; with "numpy" and "pandas" Ray chooses the
    types from the values.

    Each row is one request: all requests of an actor share its rate, which counts a row's batches
    no more. If a row can have more documents than the provider takes, give each row a part of them,
    and sort the scores of the parts together afterwards.

    The rows of a batch are reranked together, and the next batch starts only after the last of
    them: batches of many times `max_concurrency` rows keep the actor busy.
    """

    def __init__(
        self,
        model: str,
        *,
        query_column: str = "query",
        documents_column: str = "documents",
        top_n: int | None = None,
        requests_per_minute: float | None = None,
        actors: int | None = None,
        max_concurrency: int = 8,
        api_key: Callable[[], str | None] | None = None,
        server_url: str | None = None,
        unrankable: Unrankable = "set_aside",
        extra_body: Mapping[str, Any] | None = None,
        fields: Sequence[str] | None = None,
        on_failure: OnFailure = "raise",
        **options: Any,
    ) -> None:
        """
        Set up without connecting.

        Args:
            model: Slug of the rerank model, such as "cohere/rerank-5-fast".
            query_column: The column of text that holds the queries.
            documents_column: The column that holds a list in each row, of texts or of structs with
                `text`, `image` or both; a null field of a struct counts as absent.
            top_n: How many documents to return, at least 1; None returns all.
            requests_per_minute: Limit for the whole job, retries included; each actor keeps to its
                share. None sets none; each actor finds out a server's own limit by itself.
            actors: How many actors share the limit: the pool's `size`, or its `max_size`. An
                actor cannot learn it from Ray. None if there is no limit.
            max_concurrency: How many requests an actor may have under way at once, at least 2.
            api_key: A function that returns the key, called in the actor for every request. None
                reads `OPENROUTER_API_KEY` there. Text is refused: Ray keeps the arguments of a job
                in its records.
            server_url: Where the API is served; None uses `OPENROUTER_BASE_URL`, in the actor, else
                the contract's server.
            unrankable: What becomes of documents with nothing to rank, such as blank ones:
                "set_aside" puts them at the end of `order`, with null in `scores`, and a row
                without documents has an empty `order`; "raise" makes the row fail.
            extra_body: Fields that this release does not know, added to each body; None adds none.
            fields: Names of fields of the structs, which can then hold anything: these are sent, as
                YAML text in this order. None takes `text` and `image`.
            on_failure: What becomes of a row whose call fails, with all its fallbacks: "raise"
                gives it an `error` alone, "keep_order" an `order`, too, but not after a 401, a 403
                without moderation reasons, or where it cannot be sent.
            options: Optional fields of the request, such as `provider`; `client.rerank.rerank`
                explains them, and None sends nothing. Also further arguments of `OpenRouter`, such
                as `fallback_models`, `follow_fallbacks`, `min_score`, `passages`, `deadline_ms`,
                and `cache`, of which each actor opens its own.

        Raises:
            TypeError: An argument has the wrong type, or `api_key` is text.
            ValueError: An argument has a value that cannot work, or `requests_per_minute` is given
                without `actors`.
        """
        if isinstance(api_key, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                "api_key: text would stand in Ray's records of the job; "
                "set OPENROUTER_API_KEY for the actors, or give a function that returns the key"
            )
        self._query_column = require_str(query_column, "query_column")
        self._documents_column = require_str(documents_column, "documents_column")
        rate_per_actor = share_rate(requests_per_minute, actors)
        is_split = options.get("passages") is not None
        self._columns = (*COLUMNS, PASSAGES_COLUMN) if is_split else COLUMNS
        given = {name: options.pop(name) for name in REQUEST_FIELDS if name in options}
        self._template_job = RerankJob(
            query="query",
            documents=["document"],
            model=model,
            top_n=top_n,
            unrankable=unrankable,
            extra_body=extra_body,
            fields=None if fields is None else list(require_fields(fields)),
            on_failure=read_on_failure(on_failure),
            **drop_none(given),
        )
        # An argument that is wrong for every row raises here, once, before the first row.
        prepare_job(self._template_job)
        # Why nothing more is sent.
        self._stop: RunStoppedError | None = None
        self._job_stream = JobStream(
            OpenRouter(api_key, server_url=server_url, **options),
            max_concurrency=max_concurrency,
            requests_per_minute=rate_per_actor,
        )
        # Ray only drops the callable when an actor ends; it calls no method of it.
        self._finalizer = weakref.finalize(self, self._job_stream.close)

    def __call__(self, batch: BatchT) -> BatchT:
        """
        Rerank each row of a batch.

        Args:
            batch: A `pyarrow.Table`, a mapping of arrays or a `pandas.DataFrame`.

        Returns:
            A batch of the same kind, its rows in the same order, with the further columns.

        Raises:
            ValueError: A column to read is missing, or a column to add exists.
            Exception: What a hook or the function for the key raised.
        """
        read = [self._query_column, self._documents_column]
        require_columns(batch, present=read, absent=self._columns)
        add_columns = prepare_columns(batch)
        rows = self._rerank(self._make_jobs(batch))
        columns = {name: [getattr(row, name) for row in rows] for name in self._columns}
        return cast("BatchT", add_columns(columns))

    def close(self) -> None:
        """Close the client, as the end of the actor does."""
        self._finalizer()

    def __reduce__(self) -> NoReturn:
        """
        Refuse to be pickled.

        Raises:
            TypeError: Always, because Ray would make a client for each task, and no limit would be
                shared.
        """
        raise TypeError("give map_batches the class, and its arguments as fn_constructor_kwargs")

    def _make_jobs(self, batch: object) -> list[RerankJob]:
        """Return the job of each row."""
        queries = read_column(batch, self._query_column)
        documents = read_documents(batch, self._documents_column)
        return [
            self._make_job(row, query, row_documents)
            for row, (query, row_documents) in enumerate(zip(queries, documents, strict=True))
        ]

    def _make_job(self, row: int, query: Any, documents: Any) -> RerankJob:
        """Return the job of a row, whose cells may be of any type."""
        top_n = self._template_job.top_n
        if isinstance(documents, list) and documents:
            top_n = limit_count(top_n, len(cast("list[object]", documents)))
        return evolve(self._template_job, id=row, query=query, documents=documents, top_n=top_n)

    def _rerank(self, jobs: list[RerankJob]) -> list[Row]:
        """Return what the row of each job gains."""
        rows: dict[str | int | None, Row] = {}
        if self._stop is None:
            try:
                for outcome in self._job_stream.run(jobs):
                    rows[outcome.job.id] = make_row(outcome)
            except RunStoppedError as error:
                self._stop = error
        if self._stop is not None:
            rows = {job.id: make_unsent_row(job, self._stop) for job in jobs} | rows
        return [rows[job.id] for job in jobs]


def share_rate(requests_per_minute: float | None, actors: int | None) -> float | None:
    """
    Return one actor's share of the rate; None if there is no limit.

    Raises:
        TypeError: One of them is not a number.
        ValueError: One of them is out of range, or `actors` is missing.
    """
    if actors is not None:
        require_count(actors, "actors")
    if requests_per_minute is None:
        return None
    if actors is None:
        raise ValueError("actors: needed to share requests_per_minute out among them")
    return require_positive(requests_per_minute, "requests_per_minute") / actors


def make_row(outcome: RerankOutcome) -> Row:
    """Return what a row gains from its outcome; what was set aside comes last, without a score."""
    ranking, error = outcome.ranking, outcome.error
    said = None if error is None else describe_error(error)
    if ranking is None:
        return Row(error=said)
    top_n = outcome.job.top_n
    left = ranking.set_aside if ranking.reranked else ()
    return Row(
        order=[*(ranked.index for ranked in ranking), *left][:top_n],
        scores=[*(ranked.score for ranked in ranking), *([None] * len(left))][:top_n],
        model=ranking.model if ranking.reranked else None,
        cost=ranking.cost,
        error=said,
        passages=[*(describe_span(each.span) for each in ranking), *([None] * len(left))][:top_n],
    )


def make_unsent_row(job: RerankJob, stop: RunStoppedError) -> Row:
    """Return what a row gains that was not sent, since the run has stopped."""
    said = describe_error(stop)
    if job.on_failure != "keep_order" or stop.cause is None or not is_recoverable(stop.cause):
        return Row(error=said)
    # A cell that is no list has no order to keep.
    documents = job.documents if isinstance(job.documents, list) else []
    order = list(range(len(documents)))[: job.top_n]
    unknown = [None for _ in order]
    return Row(order=order, scores=list(unknown), error=said, passages=list(unknown))


def describe_error(error: Exception) -> str:
    """Return an error's class and message."""
    return f"{type(error).__name__}: {error}"
