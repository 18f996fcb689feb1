"""
Ray Data: `Reranker`, the callable for `ray.data.Dataset.map_batches`.

It needs `pip install "openrouter-rerank[ray]"` wherever the job runs. This module does not import
Ray; Ray calls it.
"""

import weakref
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar, cast

from attrs import evolve, frozen

from ._bulk.jobs import RerankJob, RerankOutcome, prepare_job
from ._call.config import require_positive
from ._client import OpenRouter
from ._codec.documents import Unrankable, is_unrankable
from ._codec.values import require_count, require_str
from ._integrations.items import limit_count
from ._integrations.job_stream import JobStream
from ._integrations.ray_columns import (
    COLUMNS,
    prepare_columns,
    read_column,
    read_documents,
    require_columns,
)
from ._integrations.request_settings import REQUEST_FIELDS, drop_none
from .errors import RunStoppedError

__all__ = ["Reranker"]

BatchT = TypeVar("BatchT")


@frozen
class Row:
    """
    What one row gains; the attributes are the names of the columns.

    Attributes:
        order: Positions in the row's documents, the most relevant first; None if the row failed.
        scores: The score of each document that `order` names, in the same order; None if the row
            failed.
        cost: The price in credits; None if the reply does not state it, or if the row failed.
        error: The error's class and message; None if there was none.
    """

    order: list[int] | None = None
    scores: list[float | None] | None = None
    cost: float | None = None
    error: str | None = None


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

    It adds four columns, null where there is nothing to say:

    - `order`, a list of whole numbers: positions in the row's documents, from 0, the most relevant
      first, no more than `top_n`;
    - `scores`, a list of numbers: the score of each document that `order` names, in the same order;
    - `cost`, a number: the price in credits (`usage.cost` of the reply);
    - `error`, text: class and message of the error that the row ended in, such as
      "TooManyRequestsResponseError: ..."; null if it did not.

    A row that fails has its `error`, and so has a row whose query or documents cannot be sent.
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
        **options: Any,
    ) -> None:
        """
        Set up without connecting.

        Args:
            model: Slug of the rerank model, such as "cohere/rerank-v3.5".
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
            options: Optional fields of the request, such as `provider`; `client.rerank.rerank`
                explains them, and None sends nothing. Also further arguments of `OpenRouter`.

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
        fields = {name: options.pop(name) for name in REQUEST_FIELDS if name in options}
        self._template_job = RerankJob(
            query="query",
            documents=["document"],
            model=model,
            top_n=top_n,
            unrankable=unrankable,
            extra_body=extra_body,
            **drop_none(fields),
        )
        # An argument that is wrong for every row raises here, once, before the first row.
        prepare_job(self._template_job)
        # The row for all that is not sent after the run has stopped.
        self._stopped_row: Row | None = None
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
        require_columns(batch, present=[self._query_column, self._documents_column], absent=COLUMNS)
        add_columns = prepare_columns(batch)
        rows = self._rerank(self._make_jobs(batch))
        columns = {name: [getattr(row, name) for row in rows] for name in COLUMNS}
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
        if self._stopped_row is None:
            try:
                for outcome in self._job_stream.run(jobs):
                    rows[outcome.job.id] = make_row(outcome, self._template_job.top_n)
            except RunStoppedError as error:
                self._stopped_row = make_failed_row(error)
        if self._stopped_row is not None:
            rows = {job.id: self._stopped_row for job in jobs} | rows
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


def make_row(outcome: RerankOutcome, top_n: int | None) -> Row:
    """Return what a row gains from its outcome; what was set aside comes last, without a score."""
    if outcome.error is not None:
        return make_failed_row(outcome.error)
    results = outcome.unwrap().results
    # The run did not fail, so with "raise" none of them is unrankable.
    set_aside = [at for at, each in enumerate(outcome.job.documents) if is_unrankable(each)]
    scores = [*(result.relevance_score for result in results), *([None] * len(set_aside))]
    return Row(
        order=[*(result.index for result in results), *set_aside][:top_n],
        scores=scores[:top_n],
        cost=outcome.cost,
    )


def make_failed_row(error: Exception) -> Row:
    """Return a row with its error."""
    return Row(error=f"{type(error).__name__}: {error}")
