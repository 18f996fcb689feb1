"""
How fast a run may send: one pace for all its workers. Pure: no I/O, no clock of its own.

A server that limits requests is not asked what its limit is; the pace finds it. It sends without a
limit until the server throttles, stops everything, tests with one request at a time whether the
server answers again, and goes on a little below the rate that was delivered before. From there it
climbs, slowly past that rate, and faster the longer nothing is throttled.

All times are in seconds and all rates in requests per second.
"""

import math
from collections import deque

# Where a run goes on, relative to what the server delivered, and how long the way back up takes: as
# many times longer than the pause that it may cause, too.
RETREAT = 0.94
CLIMB_SECONDS = 5.0
CLIMB_PAUSES = 8.0
SHORTEST_CLIMB_SECONDS = 0.25
MOST_DOUBLINGS = 10.0
# How far the climb goes in that time, relative to the rate, when few deliveries were counted.
COUNTING_ERROR = 3.0
WIDEST_MARGIN = 0.5
# The shortest window that a server is taken to count in; a longer one shows as a longer pause.
WINDOW_SECONDS = 1.0
SHORT_PAUSE_SECONDS = 0.2
HASTE_SECONDS = 1.0
# After so long a pause, and for so many times as long, it is not known what it has cost.
LONG_PAUSE_SECONDS = 0.5
LONG_PAUSES = 3.0
DEEPEST_RETREAT = 0.88
# The first burst tells the rate if it was that long and the server said when to go on.
LEAST_BURST = 16
ROUNDING_SECONDS = 0.75
SHORTEST_SPAN_SECONDS = 0.001
MAX_DELIVERIES = 16_384
# The first test after a throttled reply that names no time, and how the wait grows after each.
FIRST_PROBE_SECONDS = 0.1
PROBE_GROWTH = 1.7
MAX_PROBE_SECONDS = 10.0
# What a sender that overslept may catch up on.
CATCH_UP_SECONDS = 0.02
# A rate that was kept to is steady if the next throttling comes at no less than this share of it.
# Throttling that goes on after so many retreats that were not does not come from the rate.
STEADY = 0.97
MAX_DECLINES = 5
# For how long the rate is then left as it was, while at most this share of replies is throttled.
TRUCE_SECONDS = 10.0
TRUCE_SHARE = 0.5
TRUCE_REPLIES = 50
SLOWEST_RATE = 0.1
FASTEST_RATE = 10_000.0


class AdaptiveRateLimiter:
    """
    Decides when the next request may be sent.

    Every request that is sent (`record_sent`) is followed by exactly one of `record_answer` and
    `record_throttled`, with the time at which it was sent.

    Attributes:
        rate: The limit that was found; None while none was.
        is_probing: Whether a single request at a time tests if the server answers again.
    """

    def __init__(self, *, now: float, requests_per_minute: float | None = None) -> None:
        """
        Begin without a limit but the caller's.

        Args:
            now: The present.
            requests_per_minute: The caller's limit, above 0; None for none.
        """
        self.rate: float | None = None
        self.is_probing = False
        self._least_gap = 0.0 if requests_per_minute is None else 60.0 / requests_per_minute
        self._next_at = now
        self._deliveries: deque[float] = deque(maxlen=MAX_DELIVERIES)
        self._began_at = now
        self._throttled_at = self._resumed_at = -math.inf
        self._delivered = 0
        self._probe_sent_at: float | None = None
        self._probe_wait = FIRST_PROBE_SECONDS
        self._last_pause = self._longest_pause = 0.0
        self._next_rate: float | None = None
        self._margin = 0.0
        self._told = 0.0
        self._slope = 0.0
        self._climb_seconds = CLIMB_SECONDS
        self._climbed_at = now
        self._declines = 0
        self._throttled_rate = 0.0
        self._rate_before_decline: float | None = None
        self._truce_ends_at = -math.inf
        self._truce_replies = self._truce_throttled = 0

    @property
    def limit(self) -> float | None:
        """The rate that the run keeps to, the caller's limit included; None for none."""
        if self._least_gap == 0:
            return self.rate
        return min(1 / self._least_gap, math.inf if self.rate is None else self.rate)

    def wait(self, now: float) -> float:
        """Return the seconds until a request may be sent; infinity until a reply has come."""
        if self.is_probing and self._probe_sent_at is not None:
            return math.inf
        return max(0.0, self._next_at - now)

    def record_sent(self, now: float) -> None:
        """Count a request that is being sent."""
        if self.is_probing:
            self._probe_sent_at = now
        gap = self._least_gap if self.rate is None else max(self._least_gap, 1 / self.rate)
        if gap:
            self._next_at = max(self._next_at, now - CATCH_UP_SECONDS) + gap

    def record_answer(self, sent_at: float, now: float, *, is_success: bool) -> None:
        """
        Count a reply, or a failure, that says nothing against the rate.

        Args:
            sent_at: When its request was sent.
            now: The present.
            is_success: Whether the server has worked on it.
        """
        if is_success:
            self._deliveries.append(now)
            self._delivered += 1
        self._truce_replies += 1
        if self.is_probing:
            if self._probe_sent_at is not None and sent_at >= self._probe_sent_at:
                self._resume(now)
        elif self.rate is not None and is_success:
            self._climb(now)

    def record_throttled(self, sent_at: float, now: float, retry_after: float | None) -> None:
        """
        Slow down, since the server asks to.

        Args:
            sent_at: When its request was sent.
            now: The present.
            retry_after: How long the server asks to wait; None if it does not say.
        """
        self._truce_replies += 1
        self._truce_throttled += 1
        if retry_after is not None:
            self._next_at = max(self._next_at, now + retry_after)
        if self.is_probing:
            if self._probe_sent_at is not None and sent_at >= self._probe_sent_at:
                self._probe_sent_at = None
                self._delay_probe(now, retry_after)
        elif sent_at >= self._resumed_at and not self._is_truce(now):
            self._pause(now, retry_after)

    def _is_truce(self, now: float) -> bool:
        """Tell whether throttling is to be left to chance, since slowing down did not help."""
        if now >= self._truce_ends_at:
            return False
        is_mostly_throttled = self._truce_throttled > TRUCE_SHARE * self._truce_replies
        if self._truce_replies < TRUCE_REPLIES or not is_mostly_throttled:
            return True
        self._truce_ends_at = now
        return False

    def _pause(self, now: float, retry_after: float | None) -> None:
        """Send nothing more until a test succeeds."""
        rate = math.inf if self.rate is None else self.rate
        if rate > STEADY * self._throttled_rate:
            self._declines, self._rate_before_decline = 0, self.rate
        self._throttled_rate = rate
        self._declines += 1
        if self._declines > MAX_DECLINES:
            self._make_truce(now)
            return
        self._retreat(now)
        self._throttled_at = now
        self._told = retry_after or 0.0
        self.is_probing, self._probe_sent_at = True, None
        self._probe_wait = FIRST_PROBE_SECONDS if self.rate is None else 1 / self.rate
        self._delay_probe(now, retry_after)

    def _make_truce(self, now: float) -> None:
        self._declines, self._throttled_rate = 0, 0.0
        self.rate = self._rate_before_decline
        self._truce_ends_at = now + TRUCE_SECONDS
        self._truce_replies = self._truce_throttled = 0
        if self.rate is None:
            self._next_at = now

    def _delay_probe(self, now: float, retry_after: float | None) -> None:
        if retry_after is None:
            self._next_at = max(self._next_at, now + self._probe_wait)
            self._probe_wait = min(MAX_PROBE_SECONDS, self._probe_wait * PROBE_GROWTH)

    def _retreat(self, now: float) -> None:
        """Work out where to go on after the pause that begins, and how far to climb then."""
        if self.rate is None:
            self._next_rate = None
            return
        gone_well = now - self._resumed_at
        since_throttled = now - self._throttled_at
        window = max(WINDOW_SECONDS, self._longest_pause / PROBE_GROWTH)
        span = min(max(gone_well, window), 2 * window)
        if self._last_pause <= SHORT_PAUSE_SECONDS and gone_well < HASTE_SECONDS:
            # A bucket has filled up during the pause by what was not sent then.
            span = since_throttled
        count, span = self._count(now, span)
        found = min(count / span, self.rate)
        self._next_rate = RETREAT * found
        if self._last_pause > LONG_PAUSE_SECONDS and gone_well < LONG_PAUSES * self._last_pause:
            # A bucket's rate is the first of these two, a window's is near the second.
            low_count, low_span = self._count(now, since_throttled)
            middle = math.sqrt(low_count / low_span * found)
            self._next_rate = max(DEEPEST_RETREAT * found, min(self._next_rate, middle))
        uncertainty = min(WIDEST_MARGIN, COUNTING_ERROR / max(count, 1))
        self._margin = max(found - self._next_rate, uncertainty * found)

    def _count(self, now: float, span: float) -> tuple[int, float]:
        """Return how much was delivered of late, and in how long: less than asked for at most."""
        if len(self._deliveries) == MAX_DELIVERIES:
            span = min(span, now - self._deliveries[0])
        count = sum(1 for at in self._deliveries if at >= now - span)
        return count, max(span, SHORTEST_SPAN_SECONDS)

    def _resume(self, now: float) -> None:
        """Send again: a little below what was delivered, climbing back to it."""
        self._last_pause = now - self._throttled_at
        self._longest_pause = max(self._longest_pause, self._last_pause)
        self._climb_seconds = max(CLIMB_SECONDS, CLIMB_PAUSES * self._last_pause)
        if self._next_rate is not None:
            rate = self._next_rate
        elif self._told > LONG_PAUSE_SECONDS and self._delivered >= LEAST_BURST:
            rate = self._read_window()
        else:
            # A burst and a guess at when it might go on say little: the climb doubles the rate.
            rate = self._margin = self._delivered / max(now - self._began_at, SHORTEST_SPAN_SECONDS)
            self._climb_seconds = min(max(self._last_pause, SHORTEST_CLIMB_SECONDS), CLIMB_SECONDS)
        self.rate = max(SLOWEST_RATE, rate)
        self._slope = max(self._margin, (1 - RETREAT) * self.rate) / self._climb_seconds
        self._resumed_at = self._climbed_at = now
        self.is_probing, self._probe_sent_at = False, None

    def _read_window(self) -> float:
        """Return the rate that the first burst shows, if the server said when its window ends."""
        # Whole seconds are rounded up, by half of one or more.
        rounding = ROUNDING_SECONDS if self._told == int(self._told) else 0.0
        window = max(self._told, self._throttled_at - self._began_at + self._told - rounding)
        # The test that ended the pause belongs to the next one.
        rate = (self._delivered - 1) / window
        self._margin = rate * min(WIDEST_MARGIN, COUNTING_ERROR / self._delivered)
        return RETREAT * rate

    def _climb(self, now: float) -> None:
        """Raise the rate by the time since the last success, faster the longer it went well."""
        if self.rate is None:
            return
        overtime = (now - self._resumed_at) / self._climb_seconds - 1
        haste = 2 ** min(max(0.0, overtime), MOST_DOUBLINGS)
        self.rate = min(FASTEST_RATE, self.rate + self._slope * (now - self._climbed_at) * haste)
        self._climbed_at = now
