"""One run over jobs that come in batches."""

from collections.abc import Iterator, Sequence
from itertools import islice
from queue import SimpleQueue

from openrouter_rerank._bulk.jobs import RerankJob, RerankOutcome
from openrouter_rerank._bulk.threads import RerankOutcomes
from openrouter_rerank._client import OpenRouter
from openrouter_rerank._codec.request import require_count

# One of a run's workers waits for the next batch while the others see to the retries of this one.
LEAST_CONCURRENCY = 2


class JobStream:
    """
    A run of `rerank_many` that goes on from one batch to the next.

    So does its rate: no batch begins with requests that the rate would not allow, and what was
    learnt of the server's limit is kept. It belongs to one thread.
    """

    def __init__(
        self, client: OpenRouter, *, max_concurrency: int, requests_per_minute: float | None
    ) -> None:
        """
        Begin nothing yet.

        Args:
            client: What sends; closed with this.
            max_concurrency: How many requests may be under way at once, at least 2.
            requests_per_minute: Limit for the requests, retries included; None for none.

        Raises:
            TypeError: `max_concurrency` is not a whole number.
            ValueError: `max_concurrency` is less than 2.
        """
        if require_count(max_concurrency, "max_concurrency") < LEAST_CONCURRENCY:
            raise ValueError(f"max_concurrency: must be at least {LEAST_CONCURRENCY}")
        self._client = client
        self._max_concurrency = max_concurrency
        self._requests_per_minute = requests_per_minute
        self._queue: SimpleQueue[RerankJob | None] = SimpleQueue()
        self._outcomes: RerankOutcomes | None = None

    def run(self, jobs: Sequence[RerankJob]) -> Iterator[RerankOutcome]:
        """
        Yield the outcome of each job, as soon as it is there.

        Raises:
            RunStoppedError: A call was answered with 401 or 402; there are no further outcomes.
            Exception: What a hook or the function for the key raised. The next batch begins a new
                run.
        """
        if self._outcomes is None:
            self._outcomes = self._client.rerank.rerank_many(
                iter(self._queue.get, None),
                max_concurrency=self._max_concurrency,
                ordered=False,
                requests_per_minute=self._requests_per_minute,
            )
        for job in jobs:
            self._queue.put(job)
        try:
            yield from islice(self._outcomes, len(jobs))
        except BaseException:
            self._end()
            raise

    def close(self) -> None:
        """End the run, if there is one, and close the client."""
        self._end()
        self._client.close()

    def _end(self) -> None:
        """End the run, and leave its jobs to it."""
        if self._outcomes is not None:
            self._queue.put(None)
            self._outcomes.close()
            self._queue, self._outcomes = SimpleQueue(), None
