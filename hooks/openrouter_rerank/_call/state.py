"""The state of a call: its settings, how far it got, and the decisions about what comes next."""

from datetime import timedelta

import httpx

from openrouter_rerank._codec.response import Reply, read_reply
from openrouter_rerank._events.hooks import RetryEvent
from openrouter_rerank._network.deadline import Attempt
from openrouter_rerank._policy.retries import plan_delay
from openrouter_rerank.errors import (
    DeadlineExceededError,
    DisconnectedError,
    OpenRouterDefaultError,
    OpenRouterError,
)

from .clock import Clock
from .config import CallSettings
from .error_mapping import map_error

MAX_REDIRECTS = 5
# The names of httpx's timeouts in a request's extensions.
TIMEOUTS = ("connect", "read", "write", "pool")


class CallState:
    """
    The state of one call, from its first attempt to its end.

    Attributes:
        settings: The call's settings.
        attempt: The current attempt; there is none before the first.
    """

    attempt: Attempt

    def __init__(self, settings: CallSettings, clock: Clock) -> None:
        """Start the call's clock."""
        self.settings = settings
        self._clock = clock
        self._started_at = self._attempt_started_at = clock.now()
        self._ends_at = None if settings.deadline is None else self._started_at + settings.deadline
        self._attempts = 0
        self._redirects = 0
        self._waited = 0.0
        self._had_stale_connection = False
        self._headers = httpx.Headers()
        self._timeouts: dict[str, float | None] = {}

    def begin_attempt(self, request: httpx.Request) -> None:
        """Count an attempt and reset the request to what the caller made."""
        if self._attempts == 0 and not self._had_stale_connection:
            self._headers = request.headers.copy()
            self._timeouts = dict(request.extensions.get("timeout", {}))
        else:
            # Headers from hooks and from an earlier key must not outlive their attempt.
            request.headers = self._headers.copy()
        self._attempts += 1
        self._redirects = 0
        self._attempt_started_at = self._clock.now()
        self.attempt = Attempt(self._ends_at)

    def count_redirect(self, response: httpx.Response) -> None:
        """
        Count a redirect before it is followed.

        Raises:
            OpenRouterDefaultError: There were more than `MAX_REDIRECTS`.
        """
        self._redirects += 1
        if self._redirects > MAX_REDIRECTS:
            raise OpenRouterDefaultError(f"more than {MAX_REDIRECTS} redirects", response)

    def time_left(self) -> float | None:
        """Return the seconds until the deadline; None if there is none."""
        return None if self._ends_at is None else max(0.0, self._ends_at - self._clock.now())

    def has_expired(self) -> bool:
        """Return whether the deadline has passed."""
        return self.time_left() == 0

    def build_deadline_error(self) -> DeadlineExceededError:
        """Build the error of a call that took too long."""
        return DeadlineExceededError(
            f"no reply within the deadline of {self.settings.deadline:g} s"
        )

    def limit_timeouts(self, request: httpx.Request) -> None:
        """
        Cut the request's timeouts to the time left.

        Raises:
            DeadlineExceededError: No time is left.
        """
        left = self.time_left()
        if left is None:
            return
        if left == 0:
            raise self.build_deadline_error()
        request.extensions["timeout"] = {
            name: left if (limit := self._timeouts.get(name)) is None else min(limit, left)
            for name in TIMEOUTS
        }

    def read_outcome(self, outcome: httpx.Response | OpenRouterError) -> Reply | OpenRouterError:
        """Log how an attempt ended, and return its success or its error."""
        seconds = self._clock.now() - self._attempt_started_at
        if isinstance(outcome, OpenRouterError):
            self.settings.log.record_error(outcome, self._attempts, seconds)
            return outcome
        outcome.elapsed = timedelta(seconds=seconds)
        self.settings.log.record_response(outcome, self._attempts, seconds)
        try:
            return Reply(outcome, read_reply(outcome), self._attempts, self._waited)
        except OpenRouterError as error:
            return error

    def plan_retry(self, error: OpenRouterError) -> RetryEvent | None:
        """Return the retry that follows an error, or None to raise the error."""
        attempt = self._attempts
        if self._uncount_stale_attempt(error):
            return RetryEvent(attempt, 0.0, error)
        error.attempts = attempt
        delay = plan_delay(
            self.settings.retry_config,
            error,
            attempt=attempt,
            elapsed=self._clock.now() - self._started_at,
            chance=self._clock.draw(),
        )
        left = self.time_left()
        if delay is None or (left is not None and delay >= left):
            self.settings.log.record_end(error)
            return None
        self._waited += delay
        event = RetryEvent(attempt, delay, error)
        self.settings.log.record_retry(event)
        return event

    def _uncount_stale_attempt(self, error: OpenRouterError) -> bool:
        """Stop counting an attempt that failed on a stale connection; at most once in a call."""
        is_stale = isinstance(error, DisconnectedError) and self.attempt.met_stale_connection
        if not is_stale or self._had_stale_connection:
            return False
        self._had_stale_connection = True
        self._attempts -= 1
        return True

    def map_error(self, error: Exception) -> OpenRouterError:
        """Return our error for one of `HTTPX_ERRORS`."""
        if isinstance(error, httpx.TimeoutException) and self.has_expired():
            return self.build_deadline_error()
        return map_error(error, failed_before_sending=self.attempt.failed_before_sending)
