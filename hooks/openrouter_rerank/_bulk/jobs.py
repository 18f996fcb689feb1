"""What a run takes and returns: `RerankJob`, `RerankOutcome`, `RunProgress`."""

from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Any, cast

from attrs import field, fields_dict, frozen

# The annotations that RerankJob inherits name it, and are read here.
from openrouter_rerank_api import models  # noqa: F401  # pyright: ignore[reportUnusedImport]
from openrouter_rerank_api.request_bases import JobFields

from openrouter_rerank import operations
from openrouter_rerank._cache.store import Cache
from openrouter_rerank._call.answer import Answer
from openrouter_rerank._call.arguments import (
    CallOptions,
    Documents,
    choose_unrankable,
    prepare,
)
from openrouter_rerank._call.config import FallbackModel
from openrouter_rerank._codec.documents import Unrankable
from openrouter_rerank._codec.passages import Passages
from openrouter_rerank._codec.reply_cost import read_cost
from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._network.httpx2_types import Timeout
from openrouter_rerank._policy.failures import OnFailure
from openrouter_rerank._policy.retry_config import RetryConfig
from openrouter_rerank._ranking import Ranking, pair_with_scores
from openrouter_rerank.errors import OpenRouterError
from openrouter_rerank.types import UNSET, Unset


@frozen(kw_only=True, repr=False)
class RerankJob(JobFields):
    """
    One call of a run: the arguments of `OpenRouter.rerank.rerank`, and the caller's own id.

    It is one request: a job has no `batch_size`. If its documents are more than the provider takes,
    make several jobs of them, or call `rerank_batched`.

    Nothing is checked here; what `rerank` would refuse becomes the error of the job's outcome.

    Attributes:
        documents: The documents, read once, when the run takes the job.
        id: The caller's name for the job; it is not sent. None for none.
        retries: How often the run sends this job again, and after what; None and UNSET use the
            client's policy.
        on_failure: "keep_order" gives the outcome of a job that has failed a `ranking` in the order
            in which its documents came; see `rank`. None uses the client's.
        unrankable: As for `rerank`; None is "raise", with "keep_order" it is "set_aside".
        deadline_ms: Limit for the job from its first attempt to the end of its last, with the waits
            between them, in milliseconds; None for none, UNSET uses the client's.
    """

    query: str
    documents: Documents
    model: str
    id: str | int | None = None
    http_referer: str | None = None
    x_open_router_title: str | None = None
    x_open_router_categories: str | None = None
    top_n: int | None = None
    retries: RetryConfig | Unset | None = UNSET
    server_url: str | None = None
    accept_header_override: str | None = None
    timeout_ms: float | None = None
    http_headers: Mapping[str, str] | None = None
    timeout: Timeout | float | None = None
    deadline_ms: float | Unset | None = UNSET
    min_score: float | Mapping[str, float] | Unset | None = UNSET
    cache: Cache | bool | None = None
    passages: Passages | Unset | None = UNSET
    fallback_models: Iterable[FallbackModel] | None = None
    follow_fallbacks: bool | None = None
    on_failure: OnFailure | None = None
    extra_body: Mapping[str, Any] | None = None
    fields: Iterable[str] | None = None
    unrankable: Unrankable | None = None

    def __repr__(self) -> str:
        """Name the job, without its content and its headers, which may hold secrets."""
        return f"RerankJob(id={self.id!r}, model={self.model!r})"


_ARGUMENTS = tuple(name for name in fields_dict(RerankJob) if name not in {"id", "on_failure"})
_read_arguments = attrgetter(*_ARGUMENTS)


def prepare_job(
    job: RerankJob, on_failure: OnFailure = "raise"
) -> tuple[EncodedRequest, CallOptions]:
    """
    Check a job and split it into the request's body and its options.

    Args:
        job: The job.
        on_failure: What becomes of it when it has failed.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument has a value that the API would refuse.
    """
    arguments = dict(zip(_ARGUMENTS, _read_arguments(job), strict=True))
    if arguments["unrankable"] is None:
        arguments["unrankable"] = choose_unrankable(on_failure)
    return prepare("RerankJob", **cast("Any", arguments))


@frozen(repr=False)
class RerankOutcome:
    """
    A job with its end: either `result` or `error` is set.

    Attributes:
        job: The job, the same object that the caller's iterable gave.
        position: The job's position among the jobs, from 0.
        result: What `rerank` would have returned; None if the job failed.
        error: What `rerank` would have raised: the `OpenRouterError` of the last attempt, or the
            TypeError or ValueError of a job that was refused before anything was sent; None if the
            job succeeded.
        attempts: How many times the job was tried, by all models; 0 if nothing was sent.
    """

    job: RerankJob
    position: int
    result: operations.CreateRerankResponseBody | None
    error: OpenRouterError | TypeError | ValueError | None
    attempts: int
    _answer: Answer | None = field(default=None, alias="answer")
    _kept_order: Ranking[int] | None = field(default=None, alias="kept_order")

    @property
    def ranking(self) -> Ranking[int] | None:
        """
        The positions of the documents as `rank` would give them; None if the job failed.

        With `on_failure="keep_order"` a job that failed has one, too, in the order in which its
        documents came; `error` is set all the same.
        """
        if self._answer is None:
            return self._kept_order
        return pair_with_scores(range(self._answer.document_count), self._answer)

    @property
    def cost(self) -> float | None:
        """The price in credits (`usage.cost` of the reply); None if the reply has none."""
        return None if self.result is None else read_cost(self.result)

    def unwrap(self) -> operations.CreateRerankResponseBody:
        """
        Return the result.

        Raises:
            OpenRouterError: The job failed.
            TypeError: The job was refused for an argument of the wrong type.
            ValueError: The job was refused for an argument with a wrong value.
        """
        if self.error is not None:
            raise self.error
        return cast("operations.CreateRerankResponseBody", self.result)

    def __repr__(self) -> str:
        """Name the job and the kind of its outcome, without content."""
        ending = "result" if self.error is None else type(self.error).__name__
        return (
            f"RerankOutcome(job={self.job!r}, position={self.position}, {ending}, "
            f"attempts={self.attempts})"
        )


@frozen(kw_only=True)
class RunProgress:
    """
    How far a run is, after it returned one of its outcomes.

    Attributes:
        taken: How many jobs were taken from the caller's iterable.
        done: How many outcomes were returned, failed ones included.
        failed: How many of those hold an error.
        retried: How many requests were retries.
        in_flight: How many requests are being sent or wait for their reply.
        cost: Sum of the costs in the replies so far, in credits.
        elapsed: Seconds since the run began.
        concurrency: How many requests may be in flight at once; 1 while single requests test
            whether the server answers again.
        rate: The run's limit for requests per second; None for none.
    """

    taken: int
    done: int
    failed: int
    retried: int
    in_flight: int
    cost: float
    elapsed: float
    concurrency: int
    rate: float | None
