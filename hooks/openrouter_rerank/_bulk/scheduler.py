"""
What a run does next, for its sync and its async half: one pure place for every decision.

Whoever has it must not use it from two threads at once.
"""

import heapq
import math
from collections import deque
from collections.abc import Callable
from enum import Enum, auto

from openrouter_rerank._policy.retries import MILLISECONDS, NEVER_RETRIED
from openrouter_rerank.errors import OpenRouterError, ResponseValidationError, RunStoppedError

from .job_state import JobState
from .jobs import RerankJob, RerankOutcome, RunProgress
from .rate_limiter import AdaptiveRateLimiter

THROTTLED = frozenset({429, 503})
# How many jobs may be taken and not yet given out, at least and for each request under way.
LEAST_WINDOW = 64
JOBS_PER_WORKER = 4

Progress = Callable[[RunProgress], object]


class Action(Enum):
    """What a worker does that has nothing to send."""

    TAKE_JOB = auto()
    END = auto()


class Scheduler:
    """
    Holds the jobs of a run between their taking and their outcomes.

    Attributes:
        taken: How many jobs were taken from the caller's iterable.
        in_flight: How many requests are under way.
        cost: Sum of the costs that replies have told, in credits.
        is_stopped: Whether nothing new is sent any more.
    """

    def __init__(
        self,
        rate_limiter: AdaptiveRateLimiter,
        *,
        max_concurrency: int,
        ordered: bool,
        max_cost: float | None,
    ) -> None:
        """Begin without jobs; the arguments are those of `rerank_many`."""
        self.taken = self.in_flight = 0
        self.cost = 0.0
        self.is_stopped = False
        self._rate_limiter = rate_limiter
        self._max_concurrency = max_concurrency
        self._max_cost = max_cost
        self._window = max(LEAST_WINDOW, max_concurrency * JOBS_PER_WORKER)
        self._ordered = ordered
        self._held = self._failed = self._done = self._retried = 0
        self._is_exhausted = self._is_taking = False
        self._fresh: deque[JobState] = deque()
        self._waiting: list[tuple[float, int, JobState]] = []
        self._ready: deque[RerankOutcome] = deque()
        self._early: dict[int, RerankOutcome] = {}
        self._next_position = 0
        self._failure: BaseException | None = None
        self._reason = ""
        self._cause: OpenRouterError | None = None
        self._unsent: list[RerankJob] = []

    @property
    def is_finished(self) -> bool:
        """Whether no further outcome can come."""
        if self.in_flight:
            return False
        return self.is_stopped or not (
            self._fresh or self._waiting or self._is_taking or not self._is_exhausted
        )

    @property
    def has_output(self) -> bool:
        """Whether there is an outcome to give out, or the end."""
        return bool(self._ready) or self.is_finished

    def next_action(self, now: float) -> JobState | Action | float:
        """
        Decide what a worker does now.

        Returns:
            What to send, which counts as sent from here on; or to take a job, and then to `add` it
            or to say that there is none; or to end; or the seconds to wait, infinity until
            something happens.
        """
        if self.is_stopped or self.is_finished:
            return Action.END
        self._fail_expired(now)
        is_due = bool(self._waiting) and self._waiting[0][0] <= now
        may_take = not (self._is_exhausted or self._is_taking or self._held >= self._window)
        if not (is_due or self._fresh or may_take):
            return self._waiting[0][0] - now if self._waiting else math.inf
        if self._max_cost is not None and self.cost >= self._max_cost:
            return self._spend(may_take=may_take)
        wait = self._rate_limiter.wait(now)
        if wait > 0:
            return wait
        if is_due:
            self._retried += 1
            return self._send(heapq.heappop(self._waiting)[2], now)
        if self._fresh:
            return self._send(self._fresh.popleft(), now)
        self._is_taking = True
        return Action.TAKE_JOB

    def on_job(self, job: JobState | RerankOutcome) -> None:
        """Take the job that a worker was told to take, or the outcome of one that was refused."""
        self._is_taking = False
        self.taken += 1
        self._held += 1
        if isinstance(job, RerankOutcome):
            self._put(job)
        elif self.is_stopped:
            self._unsent.append(job.job)
        else:
            self._fresh.append(job)

    def on_exhausted(self, failure: BaseException | None = None) -> None:
        """Note that there are no further jobs, or what the caller's iterable raised."""
        self._is_taking = False
        self._is_exhausted = True
        self._failure = self._failure or failure

    def on_success(self, state: JobState, outcome: RerankOutcome, now: float) -> None:
        """Note a success."""
        self.in_flight -= 1
        self._rate_limiter.record_answer(state.sent_at, now, is_success=True)
        self._put(outcome)
        cost = outcome.cost
        if cost is not None:
            self.cost += cost
        elif self._max_cost is not None:
            self._stop("unknown_cost", None)

    def on_failure(
        self, state: JobState, error: OpenRouterError, now: float, *, is_retried: bool
    ) -> None:
        """Note a failed attempt, which is the job's last unless it is retried."""
        self.in_flight -= 1
        if error.status_code in THROTTLED or error.retry_after is not None:
            self._rate_limiter.record_throttled(state.sent_at, now, limit_pause(state, error))
        else:
            self._rate_limiter.record_answer(state.sent_at, now, is_success=False)
        if is_retried and not self.is_stopped:
            heapq.heappush(self._waiting, (state.due_at, state.position, state))
            return
        self._put(state.fail(error))
        if error.status_code in NEVER_RETRIED:
            self._stop("refused", error)
        elif self._max_cost is not None and isinstance(error, ResponseValidationError):
            self._stop("unknown_cost", error)

    def on_refused(self, state: JobState, outcome: RerankOutcome, now: float) -> None:
        """Note that nothing could be sent for a job."""
        self.in_flight -= 1
        self._rate_limiter.record_answer(state.sent_at, now, is_success=False)
        self._put(outcome)

    def on_crash(self, failure: BaseException, *, is_sent: bool) -> None:
        """Note what ends the run: not an outcome of a job, but what a hook raised, or the like."""
        self.in_flight -= is_sent
        self._failure = self._failure or failure
        self._stop_sending()

    def abort(self, failure: BaseException) -> None:
        """End at once, in a failure unless all is done: nobody works on, what was sent is lost."""
        if not self.is_finished:
            self._failure = self._failure or failure
        self.in_flight = 0
        self._stop_sending()

    def close(self) -> None:
        """Send nothing more; nobody waits for outcomes."""
        self._stop_sending()

    def take_outcomes(self) -> list[RerankOutcome]:
        """Return the outcomes that can be given out now, and make room for as many jobs."""
        outcomes = list(self._ready)
        self._ready.clear()
        if self.is_finished and self._early:
            # The places between them are those of jobs that came to no outcome.
            outcomes += [self._early.pop(position) for position in sorted(self._early)]
        self._held -= len(outcomes)
        return outcomes

    def on_given_out(self, outcome: RerankOutcome) -> None:
        """Count an outcome that was given out."""
        self._done += 1
        self._failed += outcome.error is not None

    def progress(self, elapsed: float) -> RunProgress:
        """Return how far the run has come."""
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
        """Return what the run ends in; None if all jobs were worked off."""
        if self._failure is not None or not self._reason:
            return self._failure
        return RunStoppedError(
            describe_stop(self._reason, self._cause, self.cost),
            reason=self._reason,
            cause=self._cause,
            done=self._done,
            cost=self.cost,
            unsent=self._unsent,
        )

    def _send(self, state: JobState, now: float) -> JobState:
        self.in_flight += 1
        self._rate_limiter.record_sent(now)
        state.begin(now)
        return state

    def _spend(self, *, may_take: bool) -> Action | float:
        """Stop, as nothing is left to spend, unless there is no further job anyway."""
        if self._fresh or self._waiting:
            self._stop("max_cost", None)
            return Action.END
        if may_take:
            self._is_taking = True
            return Action.TAKE_JOB
        return math.inf

    def _fail_expired(self, now: float) -> None:
        """Give up the jobs whose time ran out while the run was not allowed to send."""
        while self._waiting and self._waiting[0][0] <= now and self._waiting[0][2].is_expired(now):
            self._put(heapq.heappop(self._waiting)[2].fail())

    def _put(self, outcome: RerankOutcome) -> None:
        if not self._ordered:
            self._ready.append(outcome)
            return
        self._early[outcome.position] = outcome
        while self._next_position in self._early:
            self._ready.append(self._early.pop(self._next_position))
            self._next_position += 1

    def _stop(self, reason: str, cause: OpenRouterError | None) -> None:
        if not self._reason:
            self._reason, self._cause = reason, cause
        self._stop_sending()

    def _stop_sending(self) -> None:
        """Send nothing more: what waits for another attempt has failed."""
        self.is_stopped = True
        for _, _, state in self._waiting:
            self._put(state.fail())
        self._waiting.clear()
        self._unsent += [state.job for state in self._fresh]
        self._fresh.clear()


def limit_pause(state: JobState, error: OpenRouterError) -> float | None:
    """Return how long a server may have the run pause, by the policy; None if it did not say."""
    if error.retry_after is None or state.settings is None:
        return error.retry_after
    return min(error.retry_after, state.settings.retry_config.max_retry_after_ms / MILLISECONDS)


def describe_stop(reason: str, cause: OpenRouterError | None, cost: float) -> str:
    """Say why a run stopped, for its error."""
    if reason == "max_cost":
        return f"max_cost: reached with {cost:g} credits, and there are more jobs"
    if reason == "unknown_cost":
        return "max_cost: a reply did not tell its cost"
    return f"the run was refused: {cause}"
