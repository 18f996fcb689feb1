"""One job on its way: what is sent for it, how often it was tried, and what follows a failure."""

import copy
from collections.abc import Callable

from attrs import define, field

from openrouter_rerank._call.arguments import CallOptions
from openrouter_rerank._call.config import Settings
from openrouter_rerank._codec.request import EncodedRequest, check_headers
from openrouter_rerank._events.hooks import RetryEvent, Signal
from openrouter_rerank._policy.retries import MILLISECONDS, RetryConfig, plan_delay
from openrouter_rerank.errors import OpenRouterError
from openrouter_rerank.operations import CreateRerankResponseBody

from .jobs import RerankJob, RerankOutcome, prepare_job

ONE_ATTEMPT = RetryConfig("none")


class SingleAttemptSettings:
    """
    The settings of a run's attempts: a client's, without retries of the call's own.

    The run's own hooks tell of retries and of a job's last error; within an attempt nothing does.
    """

    def __init__(self) -> None:
        """Know no client yet."""
        self._usual: tuple[Settings, Settings] | None = None

    def narrow(self, settings: Settings, deadline: float | None) -> Settings:
        """
        Return the settings of one attempt.

        Args:
            settings: The settings of the job.
            deadline: Seconds that are left for the job; None for no limit.
        """
        if self._usual is not None and self._usual[0] is settings and deadline == settings.deadline:
            return self._usual[1]
        hooks = copy.copy(settings.hooks)
        hooks.errors = Signal()
        narrowed = settings._replace(
            retry_config=ONE_ATTEMPT,
            deadline=deadline,
            hooks=hooks,
            log=settings.log.for_attempts(),
        )
        if self._usual is None and deadline == settings.deadline:
            self._usual = settings, narrowed
        return narrowed


class AttemptOptions(CallOptions):
    """A job's options, for one of its attempts."""

    def __init__(self, given: CallOptions, accept: Callable[[Settings], Settings]) -> None:
        """
        Take the job's options.

        Args:
            given: The job's options.
            accept: Takes the job's settings, and returns those of the attempt.
        """
        super().__init__(http_headers=given.http_headers)
        self._given = given
        self._accept = accept

    def apply(self, settings: Settings) -> Settings:
        """
        Return the settings of the attempt.

        Raises:
            TypeError: An option has the wrong type.
            ValueError: An option has a value that cannot work.
        """
        # Refused here, not later, so that the error can be told from one that a hook raises.
        check_headers(self.http_headers)
        return self._accept(self._given.apply(settings))


@define(eq=False)
class JobState:
    """
    A job that was taken and found to be well formed.

    Attributes:
        job: The job.
        position: Which of the jobs it is, from 0.
        encoded: What is sent.
        given: The job's options.
        attempt_settings: The settings of the run's attempts.
        options: How the next attempt is sent, for `Caller.call`.
        attempts: How many times it was sent.
        began_at: When it was sent first.
        sent_at: When it was sent last.
        due_at: When it may be sent again.
        error: What the last attempt ended in.
        settings: The settings of the job; None before an attempt was accepted.
    """

    job: RerankJob
    position: int
    encoded: EncodedRequest
    given: CallOptions
    attempt_settings: SingleAttemptSettings
    options: AttemptOptions = field(init=False)
    attempts: int = 0
    began_at: float = 0.0
    sent_at: float = 0.0
    due_at: float = 0.0
    error: OpenRouterError | None = None
    settings: Settings | None = None

    def __attrs_post_init__(self) -> None:
        """Have the client's settings come by."""
        self.options = AttemptOptions(self.given, self._accept)

    def begin(self, now: float) -> None:
        """Count an attempt."""
        if self.attempts == 0:
            self.began_at = now
        self.attempts += 1
        self.sent_at = now

    def is_expired(self, now: float) -> bool:
        """Tell whether there is no time left for another attempt."""
        if self.settings is None or self.attempts == 0:
            return False
        elapsed = now - self.began_at
        deadline = self.settings.deadline
        longest = self.settings.retry_config.backoff.max_elapsed_time / MILLISECONDS
        return elapsed > longest or (deadline is not None and elapsed >= deadline)

    def plan(self, error: OpenRouterError, now: float, chance: float) -> RetryEvent | None:
        """
        Decide what follows a failed attempt, by the job's policy.

        Args:
            error: What it ended in.
            now: The present.
            chance: A random number from 0 to 1, which places the wait within its bounds.

        Returns:
            What comes before the next attempt; None if the job has failed.
        """
        error.attempts = self.attempts
        self.error = error
        if self.settings is None:
            return None
        elapsed = now - self.began_at
        delay = plan_delay(
            self.settings.retry_config,
            error,
            attempt=self.attempts,
            elapsed=elapsed,
            chance=chance,
        )
        deadline = self.settings.deadline
        if delay is None or (deadline is not None and elapsed + delay >= deadline):
            self.settings.log.record_end(error)
            return None
        self.due_at = now + delay
        event = RetryEvent(self.attempts, delay, error)
        self.settings.log.record_retry(event)
        return event

    def succeed(self, result: CreateRerankResponseBody) -> RerankOutcome:
        """Return the outcome with the result."""
        return RerankOutcome(self.job, self.position, result, None, self.attempts)

    def fail(self, error: OpenRouterError | None = None) -> RerankOutcome:
        """Return the outcome with the error; None for that of the last attempt."""
        return RerankOutcome(self.job, self.position, None, error or self.error, self.attempts)

    def refuse(self, error: TypeError | ValueError) -> RerankOutcome:
        """Return the outcome of a job for which nothing was sent."""
        return RerankOutcome(self.job, self.position, None, error, 0)

    def _accept(self, settings: Settings) -> Settings:
        self.settings = settings
        left = settings.deadline
        if left is not None:
            left -= self.sent_at - self.began_at
        return self.attempt_settings.narrow(settings, left)


def prepare_job_state(
    job: object, position: int, attempt_settings: SingleAttemptSettings
) -> JobState | RerankOutcome:
    """
    Check a job; one that is refused has its outcome at once.

    Raises:
        TypeError: It is not a `RerankJob`.
    """
    if not isinstance(job, RerankJob):
        kind = type(job).__name__
        raise TypeError(f"jobs: expected RerankJob, got {kind} at position {position}")
    try:
        encoded, options = prepare_job(job)
    except (TypeError, ValueError) as error:
        return RerankOutcome(job, position, None, error, 0)
    return JobState(job, position, encoded, options, attempt_settings)
