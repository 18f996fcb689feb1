"""One run over the jobs of many batches; here a batch is Ray's batch of rows."""

from collections.abc import Iterator, Sequence
from itertools import islice
from queue import SimpleQueue

from openrouter_rerank._bulk.jobs import RerankJob, RerankOutcome
from openrouter_rerank._bulk.thread_workers import RerankOutcomes
from openrouter_rerank._client import OpenRouter
from openrouter_rerank._codec.values import require_count

# One of a run's workers waits for the next batch while the others send the retries of this one.
MIN_CONCURRENCY = 2


class JobStream:
    """
    A run of `rerank_many` that continues from one batch to the next.

    Its rate continues too: what it learnt of the server's limit is kept, so no batch starts with
    more requests than the rate allows. It must be used from one thread only.
    """

    def __init__(
        self, client: OpenRouter, *, max_concurrency: int, requests_per_minute: float | None
    ) -> None:
        """
        Prepare a run, without starting it.

        Args:
            client: The client that sends; `close` closes it too.
            max_concurrency: How many requests may be in flight at once, at least 2.
            requests_per_minute: Limit for requests, retries included; None for none.

        Raises:
            TypeError: `max_concurrency` is not a whole number.
            ValueError: `max_concurrency` is less than 2.
        """
        if require_count(max_concurrency, "max_concurrency") < MIN_CONCURRENCY:
            raise ValueError(f"max_concurrency: must be at least {MIN_CONCURRENCY}")
        self._client = client
        self._max_concurrency = max_concurrency
        self._requests_per_minute = requests_per_minute
        self._queue: SimpleQueue[RerankJob | None] = SimpleQueue()
        self._outcomes: RerankOutcomes | None = None

    def run(self, jobs: Sequence[RerankJob]) -> Iterator[RerankOutcome]:
        """
        Yield the outcome of each job as soon as there is one.

        Raises:
            RunStoppedError: A call was answered with 401 or 402; there are no more outcomes.
            Exception: What a hook or the function for the key raised. The next batch starts a new
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
            self._end_run()
            raise

    def close(self) -> None:
        """End the run, if there is one, and close the client."""
        self._end_run()
        self._client.close()

    def _end_run(self) -> None:
        """End the run; a later one has a queue of its own."""
        if self._outcomes is not None:
            self._queue.put(None)
            self._outcomes.close()
            self._queue, self._outcomes = SimpleQueue(), None
