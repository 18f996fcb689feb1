"""The arguments of `rerank_many`, checked when it is called."""

from typing import cast

from attrs import frozen

from openrouter_rerank._codec.documents import require_iterable
from openrouter_rerank._codec.values import require_count, require_positive

from .rate_limiter import AdaptiveRateLimiter
from .scheduler import Progress, Scheduler


@frozen(kw_only=True)
class RunOptions:
    """The arguments of `rerank_many`, checked."""

    max_concurrency: int
    ordered: bool
    requests_per_minute: float | None
    max_cost: float | None
    max_unread: int | None
    on_progress: Progress | None

    def make_scheduler(self, now: float) -> Scheduler:
        """Return the scheduler of a run that starts now."""
        return Scheduler(
            AdaptiveRateLimiter(now=now, requests_per_minute=self.requests_per_minute),
            max_concurrency=self.max_concurrency,
            ordered=self.ordered,
            max_cost=self.max_cost,
            max_unread=self.max_unread,
        )


def read_run_options(
    *,
    max_concurrency: int,
    ordered: bool,
    requests_per_minute: float | None,
    max_cost: float | None,
    max_unread: int | None,
    on_progress: Progress | None,
) -> RunOptions:
    """
    Check the arguments of a run.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument has a value that cannot work.
    """
    if not isinstance(cast("object", ordered), bool):
        raise TypeError(f"ordered: expected bool, got {type(ordered).__name__}")
    if on_progress is not None and not callable(cast("object", on_progress)):
        raise TypeError(f"on_progress: expected a function, got {type(on_progress).__name__}")
    if requests_per_minute is not None:
        require_positive(requests_per_minute, "requests_per_minute")
    if max_cost is not None:
        require_positive(max_cost, "max_cost")
    return RunOptions(
        max_concurrency=require_count(max_concurrency, "max_concurrency"),
        ordered=ordered,
        requests_per_minute=requests_per_minute,
        max_cost=max_cost,
        max_unread=None if max_unread is None else require_count(max_unread, "max_unread"),
        on_progress=on_progress,
    )


def require_jobs(jobs: object) -> None:
    """Refuse what is no iterable of jobs."""
    require_iterable(jobs, "jobs", "RerankJob")


def require_async_jobs(jobs: object) -> None:
    """Refuse what is no iterable of jobs, sync or async."""
    if not hasattr(jobs, "__aiter__"):
        require_jobs(jobs)
