"""
Decides what a run does next, for its threads and its tasks. Pure: no I/O, no clock.

A scheduler must not be used from two threads at once.
"""

import heapq
import math
from collections import deque
from collections.abc import Callable
from enum import Enum, auto

from openrouter_rerank._events.hooks import RetryEvent
from openrouter_rerank._policy.retries import MILLISECONDS, NEVER_RETRIED
from openrouter_rerank.errors import (
    OpenRouterError,
    RequestCancelledError,
    ResponseValidationError,
    RunStoppedError,
)

from .job_state import JobState
from .jobs import RerankJob, RerankOutcome, RunProgress
from .rate_limiter import AdaptiveRateLimiter

THROTTLING_STATUSES = frozenset({429, 503})
# How many jobs may be taken and not yet returned: at least, and for each request in flight.
MIN_WINDOW = 64
JOBS_PER_WORKER = 4

Progress = Callable[[RunProgress], object]


class Action(Enum):
    """What a worker does when it has nothing to send."""

    TAKE_JOB = auto()
    END = auto()


class Scheduler:
    """
    Holds the jobs of a run from when they are taken to when their outcomes are returned.

    Attributes:
        taken: How many jobs were taken from the caller's iterable.
        in_flight: How many requests are in flight.
        cost: Sum of the costs in the replies, in credits.
        is_stopped: Whether the run sends no more requests.
    """

    def __init__(
        self,
        rate_limiter: AdaptiveRateLimiter,
        *,
        max_concurrency: int,
        ordered: bool,
        max_cost: float | None,
        max_unread: int | None,
    ) -> None:
        """Start without jobs; the arguments are those of `rerank_many`."""
        self.taken = self.in_flight = 0
        self.cost = 0.0
        self.is_stopped = False
        self._rate_limiter = rate_limiter
        self._max_concurrency = max_concurrency
        self._max_cost = max_cost
        self._max_unread = math.inf if max_unread is None else max_unread
        self._window = max(MIN_WINDOW, max_concurrency * JOBS_PER_WORKER)
        self._ordered = ordered
        self._unreturned = self._unread = self._failed = self._done = self._retried = 0
        self._is_exhausted = self._is_taking = self._is_closed = False
        self._new_jobs: deque[JobState] = deque()
        self._retry_queue: list[tuple[float, int, JobState]] = []
        self._abandoned: deque[JobState] = deque()
        self._ready: deque[RerankOutcome] = deque()
        self._out_of_order: dict[int, RerankOutcome] = {}
        self._next_position = 0
        self._failure: BaseException | None = None
        self._stop_reason = ""
        self._stop_cause: OpenRouterError | None = None
        self._unsent: list[RerankJob] = []

    @property
    def busy(self) -> int:
        """How many workers are sending a request or taking a job."""
        return self.in_flight + self._is_taking

    @property
    def is_finished(self) -> bool:
        """Whether no further outcome can come."""
        if self.in_flight or self._abandoned:
            return False
        return self.is_stopped or not (
            self._new_jobs or self._retry_queue or self._is_taking or not self._is_exhausted
        )

    @property
    def has_output(self) -> bool:
        """Whether there is an outcome to return, or the run has ended."""
        return bool(self._ready) or self.is_finished

    def next_action(self, now: float) -> JobState | Action | float:
        """
        Decide what a worker does now.

        Returns:
            The job to send, or to end if it is abandoned, which is in flight from now on; or
            `TAKE_JOB`, after which the worker calls `on_job` or `on_exhausted`; or `END`; or the
            seconds to wait, infinity to wait until something happens.
        """
        if not self.is_stopped:
            self._abandon_expired(now)
        is_full = self.in_flight + self._unread >= self._max_unread
        if self._abandoned and self.in_flight < self._max_concurrency:
            self.in_flight += 1
            return self._abandoned.popleft()
        if self.is_finished or self._is_closed:
            return Action.END
        if self.is_stopped or is_full or self.in_flight >= self._max_concurrency:
            return math.inf
        is_due = bool(self._retry_queue) and self._retry_queue[0][0] <= now
        may_take = not (self._is_exhausted or self._is_taking or self._unreturned >= self._window)
        if not (is_due or self._new_jobs or may_take):
            return self._retry_queue[0][0] - now if self._retry_queue else math.inf
        if self._max_cost is not None and self.cost >= self._max_cost:
            return self._stop_at_max_cost()
        wait = self._rate_limiter.wait(now)
        if wait > 0:
            return wait
        if is_due:
            self._retried += 1
            return self._send(heapq.heappop(self._retry_queue)[2], now)
        if self._new_jobs:
            return self._send(self._new_jobs.popleft(), now)
        self._is_taking = True
        return Action.TAKE_JOB

    def on_job(self, job: JobState | RerankOutcome) -> None:
        """Add the job that a worker took, or its outcome if it was refused."""
        self._is_taking = False
        self.taken += 1
        self._unreturned += 1
        if isinstance(job, RerankOutcome):
            self._add_outcome(job)
        elif self.is_stopped:
            self._unsent.append(job.job)
        else:
            self._new_jobs.append(job)

    def on_exhausted(self, failure: BaseException | None = None) -> None:
        """Record that there are no more jobs, or what the caller's iterable raised."""
        self._is_taking = False
        self._is_exhausted = True
        self._failure = self._failure or failure

    def on_attempt(self, state: JobState, result: RerankOutcome | RetryEvent, now: float) -> None:
        """Record how an attempt ended: with the job's outcome, or with a retry to follow."""
        self.in_flight -= 1
        if state.is_abandoned and isinstance(result, RerankOutcome):
            self._add_outcome(result)
            return
        error = result.error
        if isinstance(error, OpenRouterError) and is_throttling(error):
            self._rate_limiter.record_throttled(state.sent_at, now, limit_pause(state, error))
        else:
            self._rate_limiter.record_answer(state.sent_at, now, is_success=error is None)
        if isinstance(result, RerankOutcome):
            self._record_outcome(result)
        elif self.is_stopped:
            self._abandon(state)
        else:
            state.due_at = now + result.delay
            heapq.heappush(self._retry_queue, (state.due_at, state.position, state))

    def on_crash(self, failure: BaseException) -> None:
        """End the run with an error that is no job's outcome, such as one that a hook raised."""
        self.in_flight -= 1
        self._failure = self._failure or failure
        self._stop_sending()

    def abort(self, failure: BaseException) -> None:
        """End at once, with the failure unless all is done; replies still to come are lost."""
        if not self.is_finished:
            if isinstance(failure, RequestCancelledError):
                self._stop("cancelled", failure)
            else:
                self._failure = self._failure or failure
        self.in_flight = 0
        self.close()

    def stop(self) -> None:
        """Send nothing more; the caller still wants the outcomes of what is in flight."""
        if not self.is_finished:
            self._stop("stopped", None)

    def close(self) -> None:
        """Send nothing more, and call no hooks; the caller wants no more outcomes."""
        self._is_closed = True
        self._stop_sending()
        while self._abandoned:
            self._add_outcome(self._abandoned.popleft().abandon())

    def take_outcomes(self) -> list[RerankOutcome]:
        """Return the outcomes that are ready, and make room for as many jobs."""
        outcomes = list(self._ready)
        self._ready.clear()
        if self.is_finished and self._out_of_order:
            # The gaps between them belong to jobs that have no outcome.
            outcomes += [
                self._out_of_order.pop(position) for position in sorted(self._out_of_order)
            ]
        self._unreturned -= len(outcomes)
        return outcomes

    def on_returned(self, outcome: RerankOutcome) -> None:
        """Count an outcome that was returned to the caller, who has asked for the next one."""
        self._done += 1
        self._unread -= outcome.error is None
        self._failed += outcome.error is not None

    def progress(self, elapsed: float) -> RunProgress:
        """Return how far the run is."""
        return RunProgress(
            taken=self.taken,
            done=self._done,
            failed=self._failed,
            retried=self._retried,
            in_flight=self.in_flight,
            cost=self.cost,
            elapsed=elapsed,
            concurrency=1 if self._rate_limiter.is_probing else self._max_concurrency,
            rate=self._rate_limiter.limit,
        )

    def find_failure(self) -> BaseException | None:
        """Return the error that the run ends with; None for none."""
        if self._failure is not None or not self._stop_reason:
            return self._failure
        return RunStoppedError(
            describe_stop(self._stop_reason, self._stop_cause, self.cost),
            reason=self._stop_reason,
            cause=self._stop_cause,
            done=self._done,
            cost=self.cost,
            unsent=self._unsent,
        )

    def _send(self, state: JobState, now: float) -> JobState:
        self.in_flight += 1
        self._rate_limiter.record_sent(now)
        state.sent_at = now
        return state

    def _stop_at_max_cost(self) -> Action:
        """Stop the run if there is another job; take one to find out."""
        if self._new_jobs or self._retry_queue:
            self._stop("max_cost", None)
            return Action.END
        self._is_taking = True
        return Action.TAKE_JOB

    def _abandon_expired(self, now: float) -> None:
        """Abandon the jobs whose deadline passed while the rate limiter kept the run waiting."""
        while (
            self._retry_queue
            and self._retry_queue[0][0] <= now
            and self._retry_queue[0][2].call.state.is_too_late(now)
        ):
            self._abandon(heapq.heappop(self._retry_queue)[2])

    def _abandon(self, state: JobState) -> None:
        """Have a worker end a job whose next attempt will not be made, with the user's hooks."""
        if self._is_closed:
            self._add_outcome(state.abandon())
            return
        state.is_abandoned = True
        self._abandoned.append(state)

    def _record_outcome(self, outcome: RerankOutcome) -> None:
        """Add the outcome of a job that was sent, and its cost; stop the run if it must."""
        self._add_outcome(outcome)
        error, cost = outcome.error, outcome.cost
        if cost is not None:
            self.cost += cost
        if not isinstance(error, OpenRouterError):
            if cost is None and self._max_cost is not None:
                self._stop("unknown_cost", None)
        elif error.status_code in NEVER_RETRIED:
            self._stop("refused", error)
        elif self._max_cost is not None and isinstance(error, ResponseValidationError):
            self._stop("unknown_cost", error)

    def _add_outcome(self, outcome: RerankOutcome) -> None:
        if not self._ordered:
            self._make_ready(outcome)
            return
        self._out_of_order[outcome.position] = outcome
        while self._next_position in self._out_of_order:
            self._make_ready(self._out_of_order.pop(self._next_position))
            self._next_position += 1

    def _make_ready(self, outcome: RerankOutcome) -> None:
        self._ready.append(outcome)
        self._unread += outcome.error is None

    def _stop(self, reason: str, cause: OpenRouterError | None) -> None:
        if not self._stop_reason:
            self._stop_reason, self._stop_cause = reason, cause
        self._stop_sending()

    def _stop_sending(self) -> None:
        """Send nothing more; abandon the jobs that wait for a retry."""
        self.is_stopped = True
        for _, _, state in self._retry_queue:
            self._abandon(state)
        self._retry_queue.clear()
        self._unsent += [state.job for state in self._new_jobs]
        self._new_jobs.clear()


def is_throttling(error: OpenRouterError) -> bool:
    """Return whether the server asks for fewer requests."""
    return error.status_code in THROTTLING_STATUSES or error.retry_after is not None


def limit_pause(state: JobState, error: OpenRouterError) -> float | None:
    """Return the server's Retry-After in seconds, cut to the policy's maximum; None for none."""
    if not error.retry_after:
        return None
    longest = state.call.settings.retry_config.max_retry_after_ms / MILLISECONDS
    return min(error.retry_after, longest)


def describe_stop(reason: str, cause: OpenRouterError | None, cost: float) -> str:
    """Return the message of the error for a stopped run."""
    if reason == "max_cost":
        return f"max_cost: reached with {cost:g} credits, and there are more jobs"
    if reason == "unknown_cost":
        return "max_cost: a reply did not tell its cost"
    if reason == "stopped":
        return "the run was stopped by its caller"
    if reason == "cancelled":
        return f"the run was cancelled: {cause}"
    return f"the run was refused: {cause}"
