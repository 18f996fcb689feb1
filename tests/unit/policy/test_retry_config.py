"""What the retry configuration takes and refuses."""

from typing import Any

import pytest
from openrouter_rerank._policy.retry_config import BackoffStrategy, RetryConfig


def test_positional_arguments_are_the_official_sdks() -> None:
    """Code that was written for the official SDK builds the same policy."""
    config = RetryConfig("backoff", BackoffStrategy(1, 50, 1.1, 100, 7), False, ["429"])

    assert config.backoff == BackoffStrategy(
        initial_interval=1, max_interval=50, exponent=1.1, max_elapsed_time=100, jitter_ms=7
    )
    assert not config.retry_connection_errors
    assert config.status_codes_override == ["429"]


def test_defaults_are_the_documented_ones() -> None:
    """Three attempts, waits of at most a minute, disconnects retried, read timeouts not."""
    config = RetryConfig()

    assert (config.strategy, config.max_attempts, config.max_retry_after_ms) == (
        "backoff",
        3,
        60_000,
    )
    assert config.backoff == BackoffStrategy(500, 60_000, 1.5, 3_600_000)
    assert config.retry_disconnects
    assert not config.retry_read_timeouts
    assert not config.retry_invalid_replies


def test_own_settings_have_no_position() -> None:
    """What the official SDK does not have is taken by name alone."""
    with pytest.raises(TypeError, match="positional"):
        RetryConfig("backoff", None, True, None, 3)  # type: ignore[call-arg]


def named(name: str) -> str:
    """Match a message that begins with the argument's name."""
    return rf"^(?:{name}: |'{name}' must be )"


NUMBERS = ["initial_interval", "max_interval", "exponent", "max_elapsed_time", "jitter_ms"]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (-1, ValueError),
        (float("nan"), ValueError),
        (float("inf"), ValueError),
        (10**400, ValueError),
        ("5", TypeError),
        (True, TypeError),
    ],
)
def test_wrong_interval_is_refused(name: str, value: Any, kind: type[Exception]) -> None:
    """An interval is a finite number that is not negative; the message names it."""
    with pytest.raises(kind, match=named(name)):
        BackoffStrategy(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("strategy", "often", ValueError),
        ("strategy", [], ValueError),
        ("backoff", 5, TypeError),
        ("retry_connection_errors", "no", TypeError),
        ("status_codes_override", "429", TypeError),
        ("status_codes_override", 429, TypeError),
        ("status_codes_override", [429], TypeError),
        ("status_codes_override", ["429", 500], TypeError),
        ("status_codes_override", ["600"], ValueError),
        ("status_codes_override", ["5XX", "2XX"], ValueError),
        ("status_codes_override", ["200"], ValueError),
        ("status_codes_override", ["1xx"], ValueError),
        ("retry_invalid_replies", "yes", TypeError),
        ("status_codes_override", ["099"], ValueError),
        ("status_codes_override", ["2XX"], ValueError),
        ("status_codes_override", ["5XX", "200"], ValueError),
        ("status_codes_override", ["204"], ValueError),
        ("status_codes_override", ["42"], ValueError),
        ("status_codes_override", ["5X"], ValueError),
        ("status_codes_override", ["5XXX"], ValueError),
        ("max_attempts", 0, ValueError),
        ("max_attempts", 2.5, TypeError),
        ("max_attempts", True, TypeError),
        ("max_retry_after_ms", -1, ValueError),
        ("max_retry_after_ms", None, TypeError),
        ("retry_disconnects", 1, TypeError),
        ("retry_read_timeouts", None, TypeError),
    ],
)
def test_wrong_setting_is_refused(name: str, value: Any, kind: type[Exception]) -> None:
    """A setting of the wrong type or out of range is refused; the message names it."""
    with pytest.raises(kind, match=named(name)):
        RetryConfig(**{name: value})


@pytest.mark.parametrize("name", ["initial_interval", "max_interval", "max_elapsed_time"])
def test_zero_is_an_interval(name: str) -> None:
    """0 means no wait, or no time for another attempt, and is taken."""
    assert getattr(BackoffStrategy(**{name: 0}), name) == 0


def test_one_attempt_may_be_the_only_one() -> None:
    """1 means no retry, and is taken."""
    assert RetryConfig(max_attempts=1).max_attempts == 1


def test_shrinking_exponent_is_refused() -> None:
    """Waits do not grow shorter from one retry to the next."""
    with pytest.raises(ValueError, match="exponent"):
        BackoffStrategy(exponent=0.9)
