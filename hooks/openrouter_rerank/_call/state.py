"""How a call goes: what it may do, how far it came, and every decision about its way on."""

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
    How a call has gone so far.

    Attributes:
        settings: What it may do.
        attempt: The attempt that is under way; there is none before the first.
    """

    attempt: Attempt

    def __init__(self, settings: CallSettings, clock: Clock) -> None:
        """Begin the call's time."""
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
        """Count an attempt and give it the request as the caller made it."""
        if self._attempts == 0 and not self._had_stale_connection:
            self._headers = request.headers.copy()
            self._timeouts = dict(request.extensions.get("timeout", {}))
        else:
            # What hooks and an earlier key added must not outlive their attempt.
            request.headers = self._headers.copy()
        self._attempts += 1
        self._redirects = 0
        self._attempt_started_at = self._clock.now()
        self.attempt = Attempt(self._ends_at)

    def count_redirect(self, response: httpx.Response) -> None:
        """
        Count a redirect that is to be followed.

        Raises:
            OpenRouterDefaultError: It is one too many.
        """
        self._redirects += 1
        if self._redirects > MAX_REDIRECTS:
            raise OpenRouterDefaultError(f"more than {MAX_REDIRECTS} redirects", response)

    def time_left(self) -> float | None:
        """Return the seconds until the deadline; None if there is none."""
        return None if self._ends_at is None else max(0.0, self._ends_at - self._clock.now())

    def has_expired(self) -> bool:
        """Tell whether the deadline has passed."""
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
            DeadlineExceededError: There is none left.
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
        """Return the success that an attempt ended in, or the error."""
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
        """Return what comes before the next attempt, or None to raise the error."""
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
        """Take back an attempt that was lost to an old connection; once in a call."""
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
