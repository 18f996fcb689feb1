"""
Limits how fast a run sends: one rate for all its workers. Pure: no I/O, no clock.

A server does not say what its rate limit is, so this finds it as TCP finds a path's bandwidth:
by AIMD with the growth curve of CUBIC (RFC 9438, 4.2). Where TCP starts slowly, a run starts
without a limit, and its first limit is what the server delivered. A throttled reply pauses the run;
then it probes with one request at a time until the server answers again.

If throttling goes on below a rate that went well before, slowing down does not help: the server
throttles at random. Then there is a truce: the rate is restored, and throttled replies neither slow
down nor stop the run unless their share shows that there is a limit after all.

All times are in seconds and all rates in requests per second.
"""

import math

# The rate after throttling, relative to the one before. TCP takes 0.5 to 0.7, since it has a queue
# to drain; here nothing waits at the server.
BACKOFF = 0.9
# How long it takes to climb back. A whole second of `Retry-After` each time costs a tenth.
RECOVERY_SECONDS = 10.0
# How long a server counts, at least: what came in a shorter burst may have taken this long to earn.
WINDOW_SECONDS = 1.0
# By how much a `Retry-After`, which comes in whole seconds, is rounded up on average.
ROUNDING_SECONDS = 0.5
# Throttling below this share of the last throttled rate, so many times in a row, begins a truce.
# Clocks of both sides differ by a few percent, and two such replies are still a coincidence.
STEADY_SHARE = 0.97
TRUCE_AFTER = 3
# A truce ends when more than this share of about so many last replies was throttled: three times
# what a server may throttle at random, and enough replies to tell the two apart.
TRUCE_SHARE = 1 / 3
TRUCE_REPLIES = 100
# The wait for the first probe while no rate is known, and how it grows.
FIRST_PROBE_SECONDS = 0.1
PROBE_GROWTH = 1.5
MAX_PROBE_SECONDS = 10.0
# How much a sender that woke late may catch up.
CATCH_UP_SECONDS = 0.02
# The rate after an outage at the start, in which nothing was delivered.
MIN_RATE = 0.1


class AdaptiveRateLimiter:
    """
    Decides when the next request may be sent.

    Call `record_sent` for every request, and later exactly one of `record_answer` and
    `record_throttled`, with the time at which the request was sent.

    Attributes:
        is_probing: Whether one request at a time tests if the server answers again.
    """

    def __init__(self, *, now: float, requests_per_minute: float | None = None) -> None:
        """
        Start with no limit but the caller's.

        Args:
            now: The current time.
            requests_per_minute: The caller's limit, above 0; None for none.
        """
        self.is_probing = False
        self._callers_rate = math.inf if requests_per_minute is None else requests_per_minute / 60
        self._rate = self._low_rate = self._peak_rate = self._restored_rate = math.inf
        self._next_at = self._measured_at = self._closed_until = now
        self._resumed_at = -math.inf
        self._delivered = 0
        self._probe_sent_at: float | None = None
        self._probe_wait = FIRST_PROBE_SECONDS
        self._low_throttlings = 0
        self._is_truce = False
        self._throttled_share = 0.0

    @property
    def limit(self) -> float | None:
        """The lower of the found limit and the caller's; None for none."""
        limit = min(self._rate, self._callers_rate)
        return None if limit == math.inf else limit

    def wait(self, now: float) -> float:
        """Return the seconds until a request may be sent; infinity while a probe is in flight."""
        if self.is_probing and self._probe_sent_at is not None:
            return math.inf
        return max(0.0, self._next_at - now)

    def record_sent(self, now: float) -> None:
        """Count a request that is sent now."""
        if self.is_probing:
            self._probe_sent_at = now
        elif self._rate < math.inf:
            # Up to the peak it climbs flatter and flatter, past it steeper and steeper.
            past_recovery = (now - self._resumed_at) / RECOVERY_SECONDS - 1
            self._rate = self._peak_rate + (self._peak_rate - self._low_rate) * past_recovery**3
        limit = self.limit
        if limit is not None:
            self._next_at = max(self._next_at, now - CATCH_UP_SECONDS) + 1 / limit

    def record_answer(self, sent_at: float, now: float, *, is_success: bool) -> None:
        """
        Count a reply that was not throttled, or a failure.

        Args:
            sent_at: When its request was sent.
            now: The current time.
            is_success: Whether the server delivered a result.
        """
        self._throttled_share -= self._throttled_share / TRUCE_REPLIES
        if self._is_of_probe(sent_at):
            self._resume(now)
        self._delivered += is_success

    def record_throttled(self, sent_at: float, now: float, retry_after: float | None) -> None:
        """
        Count a throttled reply, and slow down.

        Args:
            sent_at: When its request was sent.
            now: The current time.
            retry_after: How long the server asks to wait; None if it does not say.
        """
        self._throttled_share += (1 - self._throttled_share) / TRUCE_REPLIES
        self._closed_until = max(self._closed_until, now + (retry_after or 0.0))
        self._next_at = max(self._next_at, self._closed_until)
        if self._is_of_probe(sent_at):
            self._await_probe(now, retry_after)
        elif not self.is_probing and sent_at >= self._resumed_at:
            self._slow_down(now, retry_after)

    def _is_of_probe(self, sent_at: float) -> bool:
        """Return whether a reply is the probe's, not one to a request from before the pause."""
        return (
            self.is_probing and self._probe_sent_at is not None and sent_at >= self._probe_sent_at
        )

    def _slow_down(self, now: float, retry_after: float | None) -> None:
        """Send only probes until one of them succeeds, unless slowing down does not help."""
        if self._is_truce:
            if self._throttled_share < TRUCE_SHARE:
                return
        elif self._rate >= STEADY_SHARE * self._peak_rate:
            self._low_throttlings = 0
            self._peak_rate = self._restored_rate = self._rate
        else:
            self._low_throttlings += 1
            if self._low_throttlings == TRUCE_AFTER:
                self._begin_truce(now)
                return
        self._probe_wait = FIRST_PROBE_SECONDS if self._rate == math.inf else 1 / self._rate
        self.is_probing = True
        self._await_probe(now, retry_after)

    def _begin_truce(self, now: float) -> None:
        """Restore the rate that went well; from there it climbs as after a recovery."""
        self._is_truce, self._throttled_share, self._low_throttlings = True, 0.0, 0
        self._rate = self._peak_rate = self._restored_rate
        self._low_rate = BACKOFF * self._rate
        self._resumed_at = now - RECOVERY_SECONDS

    def _await_probe(self, now: float, retry_after: float | None) -> None:
        """Let the next probe wait, longer each time; or as long as the server asks."""
        self._probe_sent_at = None
        if retry_after is None:
            self._next_at = max(self._next_at, now + self._probe_wait)
            self._probe_wait = min(MAX_PROBE_SECONDS, self._probe_wait * PROBE_GROWTH)

    def _resume(self, now: float) -> None:
        """Send again, a little below the rate that went well."""
        if self._is_truce or self._rate == math.inf:
            # The rate was far too high and says nothing: the limit is what was delivered.
            span = self._closed_until - self._measured_at
            if not self._is_truce:
                span = max(WINDOW_SECONDS, span - ROUNDING_SECONDS)
            self._rate = self._peak_rate = min(self._rate, max(MIN_RATE, self._delivered / span))
            if self._is_truce:
                self._is_truce, self._restored_rate = False, self._peak_rate
            self._measured_at, self._delivered = self._closed_until, 0
        self._rate = self._low_rate = BACKOFF * self._rate
        self._resumed_at, self.is_probing, self._probe_sent_at = now, False, None
