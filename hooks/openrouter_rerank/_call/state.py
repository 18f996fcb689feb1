"""The state of a call: its settings, how far it got, and the decisions about what comes next."""

import httpx

from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._codec.response import Reply, read_reply
from openrouter_rerank._events.hooks import RetryEvent
from openrouter_rerank._network.deadline import Attempt
from openrouter_rerank._network.received_reply import ReceivedReply
from openrouter_rerank._policy.retries import MILLISECONDS, plan_delay
from openrouter_rerank.errors import (
    DeadlineExceededError,
    DisconnectedError,
    OpenRouterDefaultError,
    OpenRouterError,
)

from .clock import Clock
from .config import Settings
from .error_mapping import map_error, name_peer

MAX_REDIRECTS = 5
# As many as the pool of a caller's httpx client keeps; one of ours opens a new one after the first.
MAX_STALE_CONNECTIONS = 100
# httpx's timeouts in a request's extensions, none of them set.
NO_TIMEOUTS: dict[str, float | None] = dict.fromkeys(("connect", "read", "write", "pool"))


class CallState:
    """
    The state of one call, from its first attempt to its end.

    Attributes:
        settings: The call's settings.
        attempts: How many attempts were made.
        attempt: The current attempt; there is none before the first.
        error: The error of the last attempt; None if it succeeded.
        is_resending: Whether the last attempt does not count, since it failed on a stale
            connection; the next one follows at once.
    """

    attempt: Attempt
    _headers: httpx.Headers

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Take the settings; the call's time begins with its first attempt."""
        self.settings = settings
        self.attempts = 0
        self.error: OpenRouterError | None = None
        self.is_resending = False
        self._clock = clock
        self._started_at = self._attempt_started_at = 0.0
        self._ends_at: float | None = None
        self._has_started = False
        self._redirects = 0
        self._waited = 0.0
        self._stale_connections = 0
        self._encoded: EncodedRequest | None = None
        self._timeouts: dict[str, float | None] = {}

    def start(self, now: float) -> None:
        """Start the call's time before its first attempt."""
        self._started_at = now
        if self.settings.deadline is not None:
            self._ends_at = now + self.settings.deadline
        self._has_started = True

    def begin_attempt(self, request: httpx.Request, encoded: EncodedRequest | None) -> None:
        """Count an attempt and reset the request to what the caller made."""
        self._attempt_started_at = self._clock.now()
        if self.attempts == 0 and not self._stale_connections:
            self._begin(request, encoded)
        else:
            # Headers from hooks and from an earlier key must not outlive their attempt. `copy`
            # would settle on ASCII, in which a hook cannot set what it set before.
            request.headers = httpx.Headers(self._headers)
        self.attempts += 1
        self.attempt = Attempt(
            self._ends_at, self._clock.now, needs_new_connection=self.is_resending
        )
        self.error = None
        self.is_resending = False
        self._redirects = 0

    def _begin(self, request: httpx.Request, encoded: EncodedRequest | None) -> None:
        """Start the call's time, and log what is sent unless the caller built it."""
        if not self._has_started:
            self.start(self._attempt_started_at)
        # `copy` would detect the character set first.
        self._headers = httpx.Headers(request.headers)
        self._timeouts = {**NO_TIMEOUTS, **request.extensions.get("timeout", {})}
        self._encoded = encoded
        if encoded is not None:
            self.settings.log.record_request(request.url, encoded)

    def count_redirect(self, reply: ReceivedReply) -> None:
        """
        Count a redirect before it is followed.

        Raises:
            OpenRouterDefaultError: There were more than `MAX_REDIRECTS`.
        """
        self._redirects += 1
        if self._redirects > MAX_REDIRECTS:
            raise OpenRouterDefaultError(f"more than {MAX_REDIRECTS} redirects", reply.response)

    @property
    def attempt_seconds(self) -> float:
        """The seconds since the attempt began."""
        return self._clock.now() - self._attempt_started_at

    def time_left(self) -> float | None:
        """Return the seconds until the deadline; None if there is none."""
        return None if self._ends_at is None else max(0.0, self._ends_at - self._clock.now())

    def has_expired(self) -> bool:
        """Return whether the deadline has passed."""
        return self.time_left() == 0

    def is_too_late(self, now: float) -> bool:
        """Return whether neither the deadline nor the policy leaves time for another attempt."""
        if self.attempts == 0:
            return False
        longest = self.settings.retry_config.backoff.max_elapsed_time / MILLISECONDS
        is_expired = self._ends_at is not None and now >= self._ends_at
        return is_expired or now - self._started_at > longest

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
            name: left if limit is None or limit > left else limit
            for name, limit in self._timeouts.items()
        }

    def read_outcome(self, outcome: ReceivedReply | OpenRouterError) -> Reply | OpenRouterError:
        """Log how an attempt ended, and return its success or its error."""
        if isinstance(outcome, OpenRouterError):
            self.settings.log.record_error(outcome, self.attempts, self.attempt_seconds)
            self.error = outcome
            return outcome
        self.settings.log.record_reply(outcome, self.attempts)
        try:
            reply = Reply(
                outcome,
                read_reply(outcome),
                self.attempts,
                self._waited,
                self.settings.min_score,
            )
            is_decoded = self.settings.retry_config.retry_invalid_replies
            if is_decoded and self._encoded is not None:
                # Whether to retry has to be known now; the caller gets what comes out here.
                reply.decode(self._encoded)
        except OpenRouterError as error:
            self.error = error
            return error
        return reply

    def plan_retry(self, error: OpenRouterError) -> RetryEvent | None:
        """Return the retry that follows an error, or None to raise the error."""
        attempt = self.attempts
        if self._uncount_stale_attempt(error):
            self.is_resending = True
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
        """Stop counting an attempt that failed on a stale connection."""
        is_stale = isinstance(error, DisconnectedError) and self.attempt.met_stale_connection
        if not is_stale or self._stale_connections >= MAX_STALE_CONNECTIONS:
            return False
        self._stale_connections += 1
        self.attempts -= 1
        return True

    def map_error(self, error: Exception, url: httpx.URL) -> OpenRouterError:
        """Return our error for one of `HTTPX_ERRORS`, met on the way to a URL."""
        if isinstance(error, httpx.TimeoutException) and self.has_expired():
            return self.build_deadline_error()
        return map_error(
            error,
            failed_before_sending=self.attempt.failed_before_sending,
            peer=name_peer(url, self.attempt.proxy_name),
        )
