"""The rate of a run, on a clock of its own, against servers that limit in their own ways."""

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from limits import FixedWindow, Limit, NoLimit, SlidingWindow, TokenBucket
from openrouter_rerank._bulk.rate_limiter import AdaptiveRateLimiter

WORKERS = 8
SEED = 20_261_122
LIMITS: dict[str, Callable[[float], Limit]] = {
    "fixed window": FixedWindow,
    "fixed window, begun in the middle": lambda rate: FixedWindow(rate, 0.5),
    "sliding window": SlidingWindow,
    "token bucket": TokenBucket,
}
# How a server says how long to wait.
RETRY_AFTER: dict[str, Callable[[float], float | None]] = {
    "silent": lambda _: None,
    "whole seconds": math.ceil,
    "exact": lambda seconds: seconds,
}


@dataclass
class Run:
    """What came of a simulated run."""

    passed: int = 0
    throttled: int = 0
    sent: list[float] = field(default_factory=list[float])
    limiter: AdaptiveRateLimiter = field(default_factory=lambda: AdaptiveRateLimiter(now=0.0))


def simulate(
    limit: Limit,
    say: Callable[[float], float | None] = RETRY_AFTER["silent"],
    *,
    seconds: float = 15.0,
    latency: float = 0.002,
    failing: float = 0.0,
    limiter: AdaptiveRateLimiter | None = None,
    workers: int = WORKERS,
) -> Run:
    """Send as fast as the limiter allows, some time's drift included."""
    chance = random.Random(SEED)  # noqa: S311 - the same every time
    run = Run(limiter=limiter or AdaptiveRateLimiter(now=0.0))
    now, flying = 0.0, list[tuple[float, float, float]]()
    while now < seconds:
        wait = run.limiter.wait(now) if len(flying) < workers else math.inf
        lands = flying[0][0] if flying else math.inf
        if wait == 0:
            run.limiter.record_sent(now)
            run.sent.append(now)
            refused = limit.ask(now + latency / 2) or (chance.random() < failing) * 0.01
            heapq.heappush(flying, (now + latency * chance.uniform(0.8, 1.2), now, refused))
        elif now + wait < lands:
            now += wait + chance.uniform(0, 0.0005)
        else:
            now, sent_at, refused = heapq.heappop(flying)
            if refused:
                run.throttled += 1
                run.limiter.record_throttled(sent_at, now, say(refused))
            else:
                run.passed += 1
                run.limiter.record_answer(sent_at, now, is_success=True)
    return run


@pytest.mark.parametrize("say", RETRY_AFTER.values(), ids=RETRY_AFTER)
@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
@pytest.mark.parametrize("rate", [20, 50, 200])
@pytest.mark.parametrize("latency", [0.002, 0.01])
def test_limit_is_found(
    rate: float,
    limit: Callable[[float], Limit],
    say: Callable[[float], float | None],
    latency: float,
) -> None:
    """A limit that nobody told is used to 85 % at least, with under 10 % of requests in vain."""
    run = simulate(limit(rate), say, latency=latency)

    assert run.passed >= 0.85 * rate * 15
    assert run.throttled < 0.1 * len(run.sent)


def test_unlimited_server_is_not_slowed() -> None:
    """Without a throttled reply there is no limit at all: workers never wait."""
    run = simulate(NoLimit(), seconds=2)

    assert run.limiter.limit is None
    assert run.passed >= 0.99 * 2 * WORKERS / 0.002


@pytest.mark.parametrize("latency", [0.002, 0.05])
def test_throttling_by_chance_does_not_strangle_the_run(latency: float) -> None:
    """Replies that are throttled at whatever rate do not bring the rate down to nothing."""
    run = simulate(NoLimit(), failing=0.2, seconds=10, latency=latency)

    assert run.passed >= 0.4 * 10 * WORKERS / latency


def test_pace_climbs_once_the_limit_is_lifted() -> None:
    """A minute after a server stopped limiting, the rate is many times what it was."""
    limiter = AdaptiveRateLimiter(now=0.0)
    simulate(SlidingWindow(20), seconds=10, limiter=limiter)
    limited = limiter.limit or math.inf

    now = 10.0
    while now < 70:
        now += max(limiter.wait(now), 0.001)
        limiter.record_sent(now)
        limiter.record_answer(now, now + 0.001, is_success=True)

    assert (limiter.limit or 0) > 10 * limited


def test_retry_after_stops_everything() -> None:
    """Nobody sends for as long as the server asked, then one request at a time tests it."""
    limiter = AdaptiveRateLimiter(now=0.0)
    for _ in range(WORKERS):
        limiter.record_sent(0.0)
    limiter.record_throttled(0.0, 0.1, 7.0)

    assert limiter.wait(0.1) == pytest.approx(7.0)
    assert limiter.wait(7.1) == 0
    limiter.record_sent(7.1)
    assert limiter.wait(7.1) == math.inf


def test_longest_retry_after_counts() -> None:
    """Of several replies from before the stop, the one that asks for the longest wait decides."""
    limiter = AdaptiveRateLimiter(now=0.0)
    for _ in range(3):
        limiter.record_sent(0.0)
    for retry_after in (2.0, 9.0, 4.0):
        limiter.record_throttled(0.0, 1.0, retry_after)

    assert limiter.wait(1.0) == pytest.approx(9.0)


def test_failed_test_is_repeated_later() -> None:
    """Each test that is throttled makes the wait for the next one longer."""
    limiter = AdaptiveRateLimiter(now=0.0)
    limiter.record_sent(0.0)
    limiter.record_throttled(0.0, 0.0, None)
    now, waits = 0.0, list[float]()
    for _ in range(5):
        waits.append(limiter.wait(now))
        now += waits[-1]
        limiter.record_sent(now)
        limiter.record_throttled(now, now, None)

    assert waits == sorted(waits)
    assert waits[-1] > 5 * waits[0]


@pytest.mark.parametrize("is_success", [True, False])
def test_any_answer_ends_the_tests(is_success: bool) -> None:
    """A test that fails for another reason, such as a broken connection, frees the workers too."""
    limiter = AdaptiveRateLimiter(now=0.0)
    limiter.record_sent(0.0)
    limiter.record_throttled(0.0, 0.0, 1.0)
    limiter.record_sent(1.0)

    limiter.record_answer(1.0, 1.1, is_success=is_success)

    assert not limiter.is_probing
    assert limiter.wait(60.0) == 0


def test_callers_limit_is_kept_evenly() -> None:
    """With 600 requests per minute, each follows the one before by a tenth of a second."""
    run = simulate(
        NoLimit(), seconds=5, limiter=AdaptiveRateLimiter(now=0.0, requests_per_minute=600)
    )

    distances = [after - before for before, after in zip(run.sent, run.sent[1:], strict=False)]
    assert len(run.sent) == 50
    assert min(distances) >= 0.1 - 0.02


def test_callers_limit_allows_no_burst_after_idleness() -> None:
    """What was not sent for a minute is not made up for."""
    limiter = AdaptiveRateLimiter(now=0.0, requests_per_minute=60)
    limiter.record_sent(60.0)

    assert limiter.wait(60.0) > 0.95
    assert limiter.limit == 1.0


class Outage(NoLimit):
    """Refuses everything for a while."""

    def __init__(self, starts_at: float, ends_at: float) -> None:
        """Take the times."""
        self._starts_at, self._ends_at = starts_at, ends_at

    def ask(self, now: float) -> float:
        """Return 0 if a request may pass, else the seconds until one may."""
        return max(0.0, self._ends_at - now) if now >= self._starts_at else 0.0


def test_throttling_by_chance_does_not_hide_an_outage() -> None:
    """Where replies were throttled by chance, a server that then refuses all is left alone."""
    run = simulate(Outage(4.0, 8.0), failing=0.2, seconds=8)

    late = [at for at in run.sent if at >= 6.0]
    assert len(late) < 20


@pytest.mark.parametrize(("failing", "share"), [(0.02, 0.7), (0.05, 0.45), (0.1, 0.4)])
def test_throttling_by_chance_keeps_a_limit_that_was_found(failing: float, share: float) -> None:
    """A limit that was found is kept to when some replies are throttled by chance, too."""
    run = simulate(SlidingWindow(50), failing=failing, seconds=60)

    assert run.limiter.limit is not None
    assert run.passed >= share * 50 * 60


def test_retry_after_counts_in_a_truce() -> None:
    """Where replies are throttled by chance, a server that asks to wait is still heard."""
    limiter = AdaptiveRateLimiter(now=0.0)
    simulate(NoLimit(), failing=0.2, seconds=2, limiter=limiter)
    assert limiter.limit is None

    limiter.record_throttled(2.0, 2.0, 7.0)

    assert limiter.wait(2.0) == pytest.approx(7.0)


def test_fast_servers_limit_is_found() -> None:
    """A limit is found where more replies come in a window than are counted, too."""
    run = simulate(TokenBucket(4000), seconds=16, workers=16)

    assert run.passed >= 0.85 * 4000 * 16
    assert run.throttled < 0.1 * len(run.sent)
