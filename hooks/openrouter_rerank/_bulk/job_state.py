"""The state of one job: what it sends, how often it was tried, and what follows a failure."""

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
    The settings of a run's attempts: the client's, but without retries.

    The run plans the retries. It also calls the hooks for a retry and for a job's last error, so an
    attempt calls neither.
    """

    def __init__(self) -> None:
        """Start without settings."""
        self._cached: tuple[Settings, Settings] | None = None

    def for_attempt(self, settings: Settings, deadline: float | None) -> Settings:
        """
        Return the settings of one attempt.

        Args:
            settings: The settings of the job.
            deadline: The seconds that are left for the job; None for no limit.
        """
        if (
            self._cached is not None
            and self._cached[0] is settings
            and deadline == settings.deadline
        ):
            return self._cached[1]
        hooks = copy.copy(settings.hooks)
        hooks.errors = Signal()
        attempt_settings = settings._replace(
            retry_config=ONE_ATTEMPT,
            deadline=deadline,
            hooks=hooks,
            log=settings.log.for_attempts(),
        )
        if self._cached is None and deadline == settings.deadline:
            self._cached = settings, attempt_settings
        return attempt_settings


class AttemptOptions(CallOptions):
    """A job's options for one of its attempts."""

    def __init__(
        self, job_options: CallOptions, for_attempt: Callable[[Settings], Settings]
    ) -> None:
        """
        Wrap the job's options.

        Args:
            job_options: The job's options.
            for_attempt: Turns the job's settings into those of the attempt.
        """
        super().__init__(http_headers=job_options.http_headers)
        self._job_options = job_options
        self._for_attempt = for_attempt

    def apply(self, settings: Settings) -> Settings:
        """
        Return the settings of the attempt.

        Raises:
            TypeError: An option has the wrong type.
            ValueError: An option has a value that cannot work.
        """
        # Checked here, before any hook can raise, so that the error is known to be the job's.
        check_headers(self.http_headers)
        return self._for_attempt(self._job_options.apply(settings))


@define(eq=False)
class JobState:
    """
    A job that was taken and passed its checks.

    Times are in seconds of the client's clock.

    Attributes:
        job: The caller's job.
        position: The job's position among the jobs, from 0.
        encoded: The request's body.
        job_options: The job's own options.
        attempt_settings: Makes the settings of an attempt.
        options: The options of the next attempt, for `Caller.call`.
        attempts: How many times the job was sent.
        began_at: When it was first sent.
        sent_at: When it was last sent.
        due_at: When it may be sent again.
        error: The error of the last attempt.
        is_accepted: Whether the job's options were found to be right, at its first attempt.
        settings: The job's settings, once it is accepted.
    """

    job: RerankJob
    position: int
    encoded: EncodedRequest
    job_options: CallOptions
    attempt_settings: SingleAttemptSettings
    options: AttemptOptions = field(init=False)
    attempts: int = 0
    began_at: float = 0.0
    sent_at: float = 0.0
    due_at: float = 0.0
    error: OpenRouterError | None = None
    is_accepted: bool = False
    settings: Settings = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Make options that also store the job's settings here."""
        self.options = AttemptOptions(self.job_options, self._store_settings)

    def begin(self, now: float) -> None:
        """Start an attempt."""
        if self.attempts == 0:
            self.began_at = now
        self.attempts += 1
        self.sent_at = now

    def is_expired(self, now: float) -> bool:
        """Return whether no time is left for another attempt."""
        elapsed = now - self.began_at
        deadline = self.settings.deadline
        longest = self.settings.retry_config.backoff.max_elapsed_time / MILLISECONDS
        return elapsed > longest or (deadline is not None and elapsed >= deadline)

    def plan_retry(self, error: OpenRouterError, now: float, chance: float) -> RetryEvent | None:
        """
        Decide what follows a failed attempt, by the job's policy.

        Args:
            error: The attempt's error.
            now: The current time.
            chance: A random number from 0 to 1, which places the wait within its bounds.

        Returns:
            The retry; None if the job has failed.
        """
        error.attempts = self.attempts
        self.error = error
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
        """Return the outcome of a success."""
        return RerankOutcome(self.job, self.position, result, None, self.attempts)

    def fail(self, error: OpenRouterError | None = None) -> RerankOutcome:
        """Return the outcome of a failure; without `error`, it is the last attempt's."""
        return RerankOutcome(self.job, self.position, None, error or self.error, self.attempts)

    def refuse(self, error: TypeError | ValueError) -> RerankOutcome:
        """Return the outcome of a job that could not be sent."""
        return RerankOutcome(self.job, self.position, None, error, 0)

    def _store_settings(self, settings: Settings) -> Settings:
        """Keep the job's settings, and return those of the attempt."""
        self.settings, self.is_accepted = settings, True
        remaining = settings.deadline
        if remaining is not None:
            remaining -= self.sent_at - self.began_at
        return self.attempt_settings.for_attempt(settings, remaining)


def prepare_job_state(
    job: object, position: int, attempt_settings: SingleAttemptSettings
) -> JobState | RerankOutcome:
    """
    Check a job, and return its state, or its outcome if an argument is refused.

    Raises:
        TypeError: `job` is not a `RerankJob`.
    """
    if not isinstance(job, RerankJob):
        kind = type(job).__name__
        raise TypeError(f"jobs: expected RerankJob, got {kind} at position {position}")
    try:
        encoded, options = prepare_job(job)
    except (TypeError, ValueError) as error:
        return RerankOutcome(job, position, None, error, 0)
    return JobState(job, position, encoded, options, attempt_settings)
