"""
Limits how fast a run sends: one rate for all its workers. Pure: no I/O, no clock.

A server does not say what its rate limit is, so this finds it. It sends without a limit until the
server throttles. Then it pauses, probes with one request at a time until the server answers again,
and resumes a little below the rate that the server delivered before. From there it raises the rate,
slowly past the old one, and faster the longer nothing is throttled.

All times are in seconds and all rates in requests per second.
"""

import math
from collections import deque

# The rate at which a run resumes, relative to what the server delivered.
BACKOFF = 0.94
# How long it takes to raise the rate back to that: so many seconds, or so many times the last pause
# if that is longer.
RECOVERY_SECONDS = 5.0
RECOVERY_PAUSES = 8.0
MIN_RECOVERY_SECONDS = 0.25
MAX_DOUBLINGS = 10.0
# By how much the rate rises in that time, relative to itself, when few deliveries were counted.
COUNTING_ERROR = 3.0
MAX_MARGIN = 0.5
# The shortest window in which a server may count; a longer window shows as a longer pause.
WINDOW_SECONDS = 1.0
SHORT_PAUSE_SECONDS = 0.2
SOON_SECONDS = 1.0
# After a longer pause, and for so many times its length, what the pause cost is not known.
LONG_PAUSE_SECONDS = 0.5
LONG_PAUSES = 3.0
LOWEST_BACKOFF = 0.88
# The first burst shows the rate if it had so many deliveries and the server sent Retry-After.
MIN_BURST = 16
ROUNDING_SECONDS = 0.75
MIN_SPAN_SECONDS = 0.001
MAX_DELIVERIES = 16_384
# The wait for the first probe after a throttled reply without Retry-After, and how it grows.
FIRST_PROBE_SECONDS = 0.1
PROBE_GROWTH = 1.7
MAX_PROBE_SECONDS = 10.0
# How much a sender that woke late may catch up.
CATCH_UP_SECONDS = 0.02
# Throttling at a rate above this share of the last throttled rate is steady. After more lower ones
# in a row than this, the throttling does not come from the rate.
STEADY_SHARE = 0.97
MAX_DECLINES = 5
# For how long throttling is then ignored, unless more than this share of replies is throttled once
# so many have come.
IGNORE_SECONDS = 10.0
IGNORED_SHARE = 0.5
MIN_REPLIES = 50
MIN_RATE = 0.1
MAX_RATE = 10_000.0


class AdaptiveRateLimiter:
    """
    Decides when the next request may be sent.

    Call `record_sent` for every request, and later exactly one of `record_answer` and
    `record_throttled`, with the time at which the request was sent.

    Attributes:
        rate: The limit that was found; None before that.
        is_probing: Whether one request at a time tests if the server answers again.
    """

    def __init__(self, *, now: float, requests_per_minute: float | None = None) -> None:
        """
        Start with no limit but the caller's.

        Args:
            now: The current time.
            requests_per_minute: The caller's limit, above 0; None for none.
        """
        self.rate: float | None = None
        self.is_probing = False
        self._min_gap = 0.0 if requests_per_minute is None else 60.0 / requests_per_minute
        self._next_at = now
        self._deliveries: deque[float] = deque(maxlen=MAX_DELIVERIES)
        self._began_at = now
        self._throttled_at = self._resumed_at = -math.inf
        self._delivery_count = 0
        self._probe_sent_at: float | None = None
        self._probe_wait = FIRST_PROBE_SECONDS
        self._last_pause = self._longest_pause = 0.0
        self._next_rate: float | None = None
        self._margin = 0.0
        self._retry_after = 0.0
        self._slope = 0.0
        self._recovery_seconds = RECOVERY_SECONDS
        self._raised_at = now
        self._declines = 0
        self._throttled_rate = 0.0
        self._rate_before_decline: float | None = None
        self._ignoring_ends_at = -math.inf
        self._ignoring_replies = self._ignoring_throttled = 0

    @property
    def limit(self) -> float | None:
        """The lower of the found limit and the caller's; None for none."""
        if self._min_gap == 0:
            return self.rate
        return min(1 / self._min_gap, math.inf if self.rate is None else self.rate)

    def wait(self, now: float) -> float:
        """Return the seconds until a request may be sent; infinity while a probe is in flight."""
        if self.is_probing and self._probe_sent_at is not None:
            return math.inf
        return max(0.0, self._next_at - now)

    def record_sent(self, now: float) -> None:
        """Count a request that is sent now."""
        if self.is_probing:
            self._probe_sent_at = now
        gap = self._min_gap if self.rate is None else max(self._min_gap, 1 / self.rate)
        if gap:
            self._next_at = max(self._next_at, now - CATCH_UP_SECONDS) + gap

    def record_answer(self, sent_at: float, now: float, *, is_success: bool) -> None:
        """
        Count a reply that was not throttled, or a failure.

        Args:
            sent_at: When its request was sent.
            now: The current time.
            is_success: Whether the server delivered a result.
        """
        if is_success:
            self._deliveries.append(now)
            self._delivery_count += 1
        self._ignoring_replies += 1
        if self.is_probing:
            if self._probe_sent_at is not None and sent_at >= self._probe_sent_at:
                self._resume(now)
        elif self.rate is not None and is_success:
            self._raise_rate(self.rate, now)

    def record_throttled(self, sent_at: float, now: float, retry_after: float | None) -> None:
        """
        Count a throttled reply, and slow down.

        Args:
            sent_at: When its request was sent.
            now: The current time.
            retry_after: How long the server asks to wait; None if it does not say.
        """
        self._ignoring_replies += 1
        self._ignoring_throttled += 1
        if retry_after is not None:
            self._next_at = max(self._next_at, now + retry_after)
        if self.is_probing:
            if self._probe_sent_at is not None and sent_at >= self._probe_sent_at:
                self._probe_sent_at = None
                self._delay_probe(now, retry_after)
        elif sent_at >= self._resumed_at and not self._is_ignoring(now):
            self._pause(now, retry_after)

    def _is_ignoring(self, now: float) -> bool:
        """Return whether to ignore throttling, since slowing down did not help."""
        if now >= self._ignoring_ends_at:
            return False
        is_mostly_throttled = self._ignoring_throttled > IGNORED_SHARE * self._ignoring_replies
        if self._ignoring_replies < MIN_REPLIES or not is_mostly_throttled:
            return True
        self._ignoring_ends_at = now
        return False

    def _pause(self, now: float, retry_after: float | None) -> None:
        """Send only probes until one of them succeeds."""
        rate = math.inf if self.rate is None else self.rate
        if rate > STEADY_SHARE * self._throttled_rate:
            self._declines, self._rate_before_decline = 0, self.rate
        self._throttled_rate = rate
        self._declines += 1
        if self._declines > MAX_DECLINES:
            self._start_ignoring(now)
            return
        self._back_off(now)
        self._throttled_at = now
        self._retry_after = retry_after or 0.0
        self.is_probing, self._probe_sent_at = True, None
        self._probe_wait = FIRST_PROBE_SECONDS if self.rate is None else 1 / self.rate
        self._delay_probe(now, retry_after)

    def _start_ignoring(self, now: float) -> None:
        """Restore the rate from before the declines, and ignore throttling for a while."""
        self._declines, self._throttled_rate = 0, 0.0
        self.rate = self._rate_before_decline
        self._ignoring_ends_at = now + IGNORE_SECONDS
        self._ignoring_replies = self._ignoring_throttled = 0
        if self.rate is None:
            self._next_at = now

    def _delay_probe(self, now: float, retry_after: float | None) -> None:
        if retry_after is None:
            self._next_at = max(self._next_at, now + self._probe_wait)
            self._probe_wait = min(MAX_PROBE_SECONDS, self._probe_wait * PROBE_GROWTH)

    def _back_off(self, now: float) -> None:
        """Decide at which rate to resume after this pause, and by how much to raise it then."""
        if self.rate is None:
            self._next_rate = None
            return
        since_resumed = now - self._resumed_at
        since_throttled = now - self._throttled_at
        window = max(WINDOW_SECONDS, self._longest_pause / PROBE_GROWTH)
        span = min(max(since_resumed, window), 2 * window)
        if self._last_pause <= SHORT_PAUSE_SECONDS and since_resumed < SOON_SECONDS:
            # A token bucket has filled up during the pause, so count the pause too.
            span = since_throttled
        count, span = self._count(now, span)
        delivered_rate = min(count / span, self.rate)
        self._next_rate = BACKOFF * delivered_rate
        if self._last_pause > LONG_PAUSE_SECONDS and since_resumed < LONG_PAUSES * self._last_pause:
            # A token bucket's rate is the one since the throttling, a window's is near the other.
            low_count, low_span = self._count(now, since_throttled)
            middle = math.sqrt(low_count / low_span * delivered_rate)
            self._next_rate = max(LOWEST_BACKOFF * delivered_rate, min(self._next_rate, middle))
        uncertainty = min(MAX_MARGIN, COUNTING_ERROR / max(count, 1))
        self._margin = max(delivered_rate - self._next_rate, uncertainty * delivered_rate)

    def _count(self, now: float, span: float) -> tuple[int, float]:
        """Count the deliveries of the last `span` seconds; return the span too, as far as known."""
        if len(self._deliveries) == MAX_DELIVERIES:
            span = min(span, now - self._deliveries[0])
        count = sum(1 for at in self._deliveries if at >= now - span)
        return count, max(span, MIN_SPAN_SECONDS)

    def _resume(self, now: float) -> None:
        """Send again, a little below the delivered rate, and set how fast to rise."""
        self._last_pause = now - self._throttled_at
        self._longest_pause = max(self._longest_pause, self._last_pause)
        self._recovery_seconds = max(RECOVERY_SECONDS, RECOVERY_PAUSES * self._last_pause)
        if self._next_rate is not None:
            rate = self._next_rate
        elif self._retry_after > LONG_PAUSE_SECONDS and self._delivery_count >= MIN_BURST:
            rate = self._estimate_window_rate()
        else:
            # Such a burst says little about the limit, so the recovery doubles the rate.
            rate = self._margin = self._delivery_count / max(now - self._began_at, MIN_SPAN_SECONDS)
            self._recovery_seconds = min(
                max(self._last_pause, MIN_RECOVERY_SECONDS), RECOVERY_SECONDS
            )
        self.rate = max(MIN_RATE, rate)
        self._slope = max(self._margin, (1 - BACKOFF) * self.rate) / self._recovery_seconds
        self._resumed_at = self._raised_at = now
        self.is_probing, self._probe_sent_at = False, None

    def _estimate_window_rate(self) -> float:
        """Return the rate that the first burst shows, given when the server's window ends."""
        # Whole seconds were rounded up, by half a second or more.
        rounding = ROUNDING_SECONDS if self._retry_after == int(self._retry_after) else 0.0
        window = max(
            self._retry_after, self._throttled_at - self._began_at + self._retry_after - rounding
        )
        # The probe that ended the pause belongs to the next window.
        rate = (self._delivery_count - 1) / window
        self._margin = rate * min(MAX_MARGIN, COUNTING_ERROR / self._delivery_count)
        return BACKOFF * rate

    def _raise_rate(self, rate: float, now: float) -> None:
        """Raise the rate for the time since the last success; faster, the longer it goes well."""
        overtime = (now - self._resumed_at) / self._recovery_seconds - 1
        acceleration = 2 ** min(max(0.0, overtime), MAX_DOUBLINGS)
        self.rate = min(MAX_RATE, rate + self._slope * (now - self._raised_at) * acceleration)
        self._raised_at = now
