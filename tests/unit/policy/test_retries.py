"""The retry policy: what is retried, after how long, and what the configuration may say."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openrouter_rerank._policy.retries import draw_backoff, is_retryable, plan_delay
from openrouter_rerank._policy.retry_after import read_retry_after
from openrouter_rerank._policy.retry_config import BackoffStrategy, RetryConfig
from openrouter_rerank.components import Availability
from openrouter_rerank.errors import (
    ClientClosedError,
    ConnectionFailedError,
    DeadlineExceededError,
    DisconnectedError,
    NoResponseError,
    OpenRouterDefaultError,
    OpenRouterError,
    ReadTimeoutError,
    ResponseValidationError,
)

NOW = datetime(1994, 11, 6, 8, 49, 7, tzinfo=UTC)
DEFAULTS = RetryConfig()


def make_error(
    status: int | None = 503, availability: Any = None, retry_after: float | None = None
) -> OpenRouterError:
    """Make the error of a reply."""
    error = OpenRouterDefaultError("failed", status_code=status)
    error.availability = None if availability is None else Availability.from_dict(availability)
    error.retry_after = retry_after
    return error


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 520, 524, 529, 530, 599])
def test_passing_statuses_are_retried(status: int) -> None:
    """What may be otherwise at another time is retried."""
    assert is_retryable(DEFAULTS, make_error(status))


@pytest.mark.parametrize(
    "status", [None, 200, 302, 400, 401, 402, 403, 404, 407, 410, 412, 413, 418, 422, 499, 600]
)
def test_lasting_statuses_are_not_retried(status: int | None) -> None:
    """What the same request meets again, or what has no status, is not retried."""
    assert not is_retryable(DEFAULTS, make_error(status))


@pytest.mark.parametrize("status", [400, 404, 429, 503])
@pytest.mark.parametrize("retryable", [True, False])
def test_availability_decides_over_the_status(status: int, retryable: bool) -> None:
    """What the body says of trying again goes before the status."""
    assert is_retryable(DEFAULTS, make_error(status, {"retryable": retryable})) is retryable


@pytest.mark.parametrize("availability", [{}, {"retryable": None}, {"retryable": "no"}])
def test_availability_without_an_answer_leaves_it_to_the_status(availability: Any) -> None:
    """Only true and false are answers."""
    assert is_retryable(DEFAULTS, make_error(503, availability))
    assert not is_retryable(DEFAULTS, make_error(404, availability))


@pytest.mark.parametrize("status", [401, 402])
@pytest.mark.parametrize("codes", [None, ["401", "402"], ["4XX"]])
def test_key_and_credits_are_never_retried(status: int, codes: list[str] | None) -> None:
    """Neither the body nor the configuration makes 401 and 402 worth another try."""
    config = RetryConfig(status_codes_override=codes)

    assert not is_retryable(config, make_error(status, {"retryable": True}))


def test_bad_success_is_retried_only_if_asked_for() -> None:
    """A success of the wrong shape was billed, whatever its status is taken for."""
    error = ResponseValidationError("odd", status_code=503)

    assert not is_retryable(RetryConfig(status_codes_override=["5XX"]), error)
    assert is_retryable(RetryConfig(retry_invalid_replies=True), error)
    policy = RetryConfig(status_codes_override=["429"], retry_invalid_replies=True)
    assert is_retryable(policy, error)
    assert not is_retryable(RetryConfig("none", retry_invalid_replies=True), error)


@pytest.mark.parametrize(
    ("codes", "status", "retried"),
    [
        (["429"], 429, True),
        (["429"], 503, False),
        (["429"], 430, False),
        (["5XX"], 599, True),
        (["5xx"], 500, True),
        (["5XX"], 429, False),
        (["4XX"], 503, False),
        (["404", "5XX"], 404, True),
        (("4XX",), 418, True),
        ([], 503, True),
        ([], 404, False),
    ],
)
def test_override_names_the_only_statuses(codes: Any, status: int, retried: bool) -> None:
    """The override takes the place of the usual statuses, unless it is empty."""
    config = RetryConfig(status_codes_override=codes)

    assert is_retryable(config, make_error(status)) is retried


def test_strategy_none_retries_nothing() -> None:
    """With the strategy "none" there is one attempt."""
    config = RetryConfig("none", None, True)

    assert not is_retryable(config, make_error(503, {"retryable": True}))
    assert not is_retryable(config, ConnectionFailedError("refused"))


@pytest.mark.parametrize(
    ("config", "kind", "retried"),
    [
        (DEFAULTS, ConnectionFailedError, True),
        (RetryConfig(retry_connection_errors=False), ConnectionFailedError, False),
        (DEFAULTS, DisconnectedError, True),
        (RetryConfig(retry_disconnects=False), DisconnectedError, False),
        (DEFAULTS, ReadTimeoutError, False),
        (RetryConfig(retry_read_timeouts=True), ReadTimeoutError, True),
        (RetryConfig(retry_read_timeouts=True), DeadlineExceededError, False),
        (RetryConfig(retry_read_timeouts=True), NoResponseError, False),
        (DEFAULTS, ClientClosedError, False),
    ],
)
def test_missing_reply_is_retried_as_configured(
    config: RetryConfig, kind: type[OpenRouterError], retried: bool
) -> None:
    """Each way of getting no reply has its own switch; the deadline and a closed client none."""
    assert is_retryable(config, kind("no reply")) is retried


def test_permanent_connection_failure_is_not_retried() -> None:
    """A bad certificate stays bad."""
    error = ConnectionFailedError("bad certificate")
    error.is_permanent = True

    assert not is_retryable(DEFAULTS, error)


@pytest.mark.parametrize(("attempt", "goes_on"), [(1, True), (2, True), (3, False), (4, False)])
def test_attempts_are_counted_in_all(attempt: int, goes_on: bool) -> None:
    """The third attempt is the last by default."""
    delay = plan_delay(DEFAULTS, make_error(), attempt=attempt, elapsed=0, chance=0)

    assert (delay is not None) is goes_on


def test_waits_grow_with_the_attempts() -> None:
    """The first wait is drawn below the initial interval, and each further one below a longer."""
    config = RetryConfig(max_attempts=5)

    waits = [
        plan_delay(config, make_error(), attempt=attempt, elapsed=0, chance=1)
        for attempt in (1, 2, 3, 4)
    ]

    assert waits == [0.5, 0.75, 1.125, 1.6875]


@pytest.mark.parametrize(
    ("retry_after", "delay"), [(2.5, 2.5), (60.0, 60.0), (60.001, None), (7200, None)]
)
def test_server_wait_is_kept_exactly_up_to_the_limit(
    retry_after: float, delay: float | None
) -> None:
    """A wait that the server asks for is slept whole or not at all, chance aside."""
    error = make_error(429, retry_after=retry_after)

    assert plan_delay(DEFAULTS, error, attempt=1, elapsed=0, chance=0.5) == delay


def test_no_wait_asked_for_means_our_own() -> None:
    """A server that says 0, or a date that has passed, is given our backoff."""
    error = make_error(429, retry_after=0.0)

    assert plan_delay(DEFAULTS, error, attempt=1, elapsed=0, chance=0.5) == 0.25


@pytest.mark.parametrize(("elapsed", "delay"), [(0, 1.5), (4, 1.5), (4.01, None), (9, None)])
def test_no_wait_ends_after_the_elapsed_time(elapsed: float, delay: float | None) -> None:
    """A wait may end with the longest elapsed time, not later."""
    config = RetryConfig("backoff", BackoffStrategy(max_elapsed_time=5500))
    error = make_error(retry_after=1.5)

    assert plan_delay(config, error, attempt=1, elapsed=elapsed, chance=0) == delay


@pytest.mark.parametrize(
    ("backoff", "retry", "longest"),
    [
        (BackoffStrategy(), 0, 0.5),
        (BackoffStrategy(), 1, 0.75),
        (BackoffStrategy(), 2, 1.125),
        (BackoffStrategy(), 50, 60.0),
        (BackoffStrategy(), 1_000_000, 60.0),
        (BackoffStrategy(100, 1000, 2, 1000, 50), 1, 0.25),
        (BackoffStrategy(initial_interval=0), 5, 0.0),
        (BackoffStrategy(exponent=1), 5, 0.5),
    ],
)
def test_backoff_grows_below_its_bound(
    backoff: BackoffStrategy, retry: int, longest: float
) -> None:
    """The wait is drawn from 0 to a bound that grows by the exponent up to the longest interval."""
    drawn = [draw_backoff(backoff, retry=retry, chance=chance) for chance in (0, 0.5, 1)]

    assert drawn == pytest.approx([0, longest / 2, longest])


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "1"}, 1),
        ({"Retry-After": " 1.5 "}, 1.5),
        ({"Retry-After": "7200"}, 7200),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "0", "Retry-After": "9"}, 0),
        ({"retry-after-ms": "soon", "Retry-After": "9"}, 9),
        ({"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"}, 30),
        ({"Retry-After": "Sunday, 06-Nov-94 08:49:37 GMT"}, 30),
        ({"Retry-After": "Sun Nov  6 08:49:37 1994"}, 30),
        ({"Retry-After": "Sun Nov 06 08:49:37 1994"}, 30),
        ({"Retry-After": " Sun, 06 Nov 1994 08:49:37 GMT "}, 30),
        ({"Retry-After": "Sun, 06 Nov 1994 08:48:37 GMT"}, 0),
        ({"Retry-After": "Sun, 06 Nov 1994 08:49:37"}, None),
        ({"Retry-After": "Sunday, 06-Nov-94 08:49:37"}, None),
        ({"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT+01"}, None),
        ({"Retry-After": "on Sun, 06 Nov 1994 08:49:37 GMT"}, None),
        ({"Retry-After": "Sun, 06 Nov 1994 08:49:37 EST"}, None),
        ({"Retry-After": "Sun, 06 Xyz 1994 08:49:37 GMT"}, None),
        ({"Retry-After": "Sun, 06 Sat 1994 08:49:37 GMT"}, None),
        ({"Retry-After": "Sunday, 06-And-94 08:49:37 GMT"}, None),
        ({"Retry-After": "Sun Mon  6 08:49:37 1994"}, None),
        ({"Retry-After": "Nov, 06 Nov 1994 08:49:37 GMT"}, None),
        ({"Retry-After": "Sun, 36 Nov 1994 08:49:37 GMT"}, None),
        ({"Retry-After": "Sun, 06 Nov 0000 08:49:37 GMT"}, None),
        ({"Retry-After": "Sun Nov  6 08:49:37 0000"}, None),
        ({"Retry-After": "Sun, \u0660\u0666 Nov 1994 08:49:37 GMT"}, None),
        ({"Retry-After": "mon"}, None),
        ({"Retry-After": "1994-11-06T08:49:37Z"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "1e309"}, None),
        ({"Retry-After": "0x10"}, None),
        ({"Retry-After": "1_0"}, None),
        ({"Retry-After": "+5"}, None),
        ({"Retry-After": "5."}, None),
        ({"Retry-After": "\u0665"}, None),
        ({"Retry-After": ".5"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "2, 2"}, 2),
        ({"Retry-After": "1,7200"}, 1),
        ({"Retry-After": "soon, 2"}, None),
        ({"Retry-After": ", 2"}, None),
        ({"Retry-After": "2 2"}, None),
        ({"retry-after-ms": "1500, 9"}, 1.5),
        ({"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT, 9"}, 30),
        ({"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 09:49:37 GMT"}, 30),
        ({"Retry-After": "Sunday, 06-Nov-94 08:49:37 GMT, 9"}, 30),
        ({"Retry-After": "9" * 400}, math.inf),
    ],
)
def test_headers_say_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, milliseconds and the three forms of date are read; anything else is absent."""
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]

    assert read_retry_after(httpx.Headers(raw), None, NOW) == seconds


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Sun, 06 Nov 1994 07:49:30 GMT", 7),
        ("Sun, 06 Nov 1994 09:49:07 GMT", 0),
        ("Sunday, 06-Nov-94 07:49:30 GMT", 7),
        ("yesterday", 30 - 3600),
    ],
)
def test_date_is_measured_by_the_clock_of_the_server(date: str, seconds: float) -> None:
    """The reply's own `Date` is what its `Retry-After` counts from, whatever our clock says."""
    headers = httpx.Headers({"Retry-After": "Sun, 06 Nov 1994 07:49:37 GMT", "Date": date})

    assert read_retry_after(headers, None, NOW) == max(0, seconds)


@pytest.mark.parametrize("days", range(0, 365, 23))
@pytest.mark.parametrize(
    "form", ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"]
)
def test_dates_of_every_month_and_day_are_read(form: str, days: int) -> None:
    """Each name of a month and of a day of the week is known in all three forms."""
    headers = httpx.Headers({"Retry-After": (NOW + timedelta(days)).strftime(form)})

    assert read_retry_after(headers, None, NOW) == days * 86_400


def test_dates_are_utc_in_a_zone_that_is_called_gmt(set_zone: Callable[[str], None]) -> None:
    """A date is read as UTC on a machine whose own time zone has the same name."""
    set_zone("GMT+5")
    headers = httpx.Headers({"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"})

    assert read_retry_after(headers, None, NOW) == 30


def test_dates_are_compared_with_the_present() -> None:
    """Without a time to compare with, a date of the past is over."""
    headers = httpx.Headers({"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"})

    assert read_retry_after(headers, None) == 0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(3, 3), (0, 0), (2.5, 2.5), (10**400, 1e300), (-1, None), (True, None), ("3", None)],
)
def test_availability_says_how_long_to_wait(value: object, seconds: float | None) -> None:
    """Without a header the body's wait counts, if it is a number that is not negative."""
    assert read_retry_after(httpx.Headers(), {"retry_after": value}) == seconds


def test_headers_go_before_availability() -> None:
    """A header that can be read wins over the body, one that cannot does not."""
    availability = {"retry_after": 7}

    assert read_retry_after(httpx.Headers({"Retry-After": "2"}), availability) == 2
    assert read_retry_after(httpx.Headers({"Retry-After": "soon"}), availability) == 7
    assert read_retry_after(httpx.Headers(), {}) is None


header_texts = st.one_of(
    st.none(),
    st.text(st.characters(max_codepoint=255), max_size=40),
    st.integers().map(str),
    st.floats().map(str),
    st.datetimes().map(lambda when: when.strftime("%a, %d %b %Y %H:%M:%S GMT")),
    st.from_regex(
        r"(?a:[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT)", fullmatch=True
    ),
)
json_numbers = st.one_of(st.none(), st.booleans(), st.text(), st.integers(), st.floats())


@given(
    seconds=header_texts,
    milliseconds=header_texts,
    availability=st.none() | st.fixed_dictionaries({"retry_after": json_numbers}),
    status=st.integers(400, 599),
    attempt=st.integers(1, 5),
    elapsed=st.floats(0, 4000),
    chance=st.floats(0, 1),
)
@example("9" * 400, None, None, 429, 1, 0.0, 1.0)
@example(None, None, {"retry_after": 10**400}, 429, 1, 0.0, 1.0)
def test_delays_stay_within_their_bounds(
    seconds: str | None,
    milliseconds: str | None,
    availability: dict[str, object] | None,
    status: int,
    attempt: int,
    elapsed: float,
    chance: float,
) -> None:
    """Whatever a server says, a wait is finite, not negative, and ends in time."""
    given_headers = {"Retry-After": seconds, "retry-after-ms": milliseconds}
    headers = httpx.Headers(
        [
            (name.encode(), text.encode("latin-1"))
            for name, text in given_headers.items()
            if text is not None
        ]
    )
    asked = read_retry_after(headers, availability, NOW)
    error = make_error(status, availability, asked)

    delay = plan_delay(DEFAULTS, error, attempt=attempt, elapsed=elapsed, chance=chance)

    assert asked is None or asked >= 0
    assert delay is None or 0 <= delay <= 60
    assert delay is None or elapsed + delay <= 3600
    assert delay is None or attempt < 3
