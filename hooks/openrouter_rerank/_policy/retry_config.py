"""The user's retry configuration, in milliseconds, as in the official SDK."""

import math
import re
from collections.abc import Sequence
from typing import Any, cast

from attrs import Attribute, field, frozen, validators

_not_negative = validators.ge(0)
# No success is retried for its status, nor what comes before a reply.
_STATUS_CODE = r"[1-5](?:[0-9]{2}|[Xx]{2})"


def _check_number(_instance: object, attribute: "Attribute[Any]", value: object) -> None:
    """Refuse what is not a finite number, True and False included."""
    name = attribute.name
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name}: expected a number, got {type(value).__name__}")
    try:
        is_finite = math.isfinite(value)
    except OverflowError:
        is_finite = False
    if not is_finite:
        raise ValueError(f"{name}: must be finite")


def _check_count(_instance: object, attribute: "Attribute[Any]", value: object) -> None:
    """Refuse what is not a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{attribute.name}: expected int, got {type(value).__name__}")
    if value < 1:
        raise ValueError(f"{attribute.name}: must be at least 1")


def _check_flag(_instance: object, attribute: "Attribute[Any]", value: object) -> None:
    """Refuse what is not True or False; text such as "no" would count as true."""
    if not isinstance(value, bool):
        raise TypeError(f"{attribute.name}: expected bool, got {type(value).__name__}")


@frozen
class BackoffStrategy:
    """
    How long to wait between attempts.

    The wait before retry n, counted from 0, is drawn evenly between 0 and
    `min(max_interval, initial_interval * exponent ** n)`, plus up to `jitter_ms`. The defaults come
    from `x-speakeasy-retries` in openapi.yaml.

    Attributes:
        initial_interval: Longest wait before the first retry, in milliseconds.
        max_interval: Longest wait before any retry, in milliseconds.
        exponent: Factor by which the longest wait grows with each retry, at least 1.
        max_elapsed_time: Time after the call began by which a wait must end and the next attempt
            begin, in milliseconds; otherwise the call gives up.
        jitter_ms: Longest addition to a wait, drawn evenly, in milliseconds. None and 0 add
            nothing, since the wait itself is random already.
    """

    initial_interval: float = field(default=500, validator=[_check_number, _not_negative])
    max_interval: float = field(default=60_000, validator=[_check_number, _not_negative])
    exponent: float = field(default=1.5, validator=[_check_number, validators.ge(1)])
    max_elapsed_time: float = field(default=3_600_000, validator=[_check_number, _not_negative])
    jitter_ms: float | None = field(
        default=None, validator=validators.optional([_check_number, _not_negative])
    )


def _default_backoff(value: BackoffStrategy | None) -> BackoffStrategy:
    if value is None:
        return BackoffStrategy()
    if not isinstance(cast("object", value), BackoffStrategy):
        raise TypeError(f"backoff: expected BackoffStrategy, got {type(value).__name__}")
    return value


def _check_strategy(_instance: object, _attribute: object, value: object) -> None:
    if value not in ("backoff", "none"):
        raise ValueError(f'strategy: expected "backoff" or "none", got {value!r}')


def _check_status_codes(_instance: object, _attribute: object, value: Sequence[str] | None) -> None:
    if value is None:
        return
    if isinstance(value, str) or not isinstance(cast("object", value), Sequence):
        raise TypeError(
            f"status_codes_override: expected a list of str, got {type(value).__name__}"
        )
    for code in cast("Sequence[object]", value):
        if not isinstance(code, str):
            raise TypeError(
                f"status_codes_override: expected a list of str, got {type(code).__name__} in it"
            )
        if not re.fullmatch(_STATUS_CODE, code):
            raise ValueError(f'status_codes_override: expected such as "429" or "5XX": {code!r}')
        if code[0] in "12":
            raise ValueError(
                f"status_codes_override: {code} is never the status of an error; "
                "retry_invalid_replies=True retries successes that cannot be read"
            )


@frozen
class RetryConfig:
    """
    Which outcomes are retried, and how often.

    The client retries the statuses 408, 409, 429 and 5XX, failures before the request was sent, and
    disconnects. It never retries 401, 402 and bad certificates, nor, unless you ask for it,
    successes of the wrong shape, which were billed. An
    `availability.retryable` in the body overrides its status. A reply to a request that was sent
    may be lost on its way: **a retry after a disconnect may be billed twice**; set
    `retry_disconnects` to False to switch it off.

    Attributes:
        strategy: "backoff", or "none" for a single attempt.
        backoff: How long to wait between attempts; None is the default.
        retry_connection_errors: Whether to retry after a failure before the request was sent.
        status_codes_override: The only statuses to retry, such as "429" or "5XX"; None or empty
            for the statuses above. 401 and 402 are never retried, and 1XX and 2XX are refused.
        max_attempts: How many attempts there are in all, at least 1.
        max_retry_after_ms: The longest wait that a server may ask for, in milliseconds; a longer
            one ends the call at once, with the wait on the error. 0 and a past date count as none.
        retry_disconnects: Whether to retry when the connection breaks after sending.
        retry_read_timeouts: Whether to retry when the server is silent for too long.
        retry_invalid_replies: Whether to retry a success that cannot be read, such as one whose
            fields are all null (`ResponseValidationError`). **Each one was billed.**
    """

    strategy: str = field(default="backoff", validator=_check_strategy)
    backoff: BackoffStrategy = field(default=None, converter=_default_backoff)
    retry_connection_errors: bool = field(default=True, validator=_check_flag)
    status_codes_override: Sequence[str] | None = field(default=None, validator=_check_status_codes)
    max_attempts: int = field(default=3, kw_only=True, validator=_check_count)
    max_retry_after_ms: float = field(
        default=60_000, kw_only=True, validator=[_check_number, _not_negative]
    )
    retry_disconnects: bool = field(default=True, kw_only=True, validator=_check_flag)
    retry_read_timeouts: bool = field(default=False, kw_only=True, validator=_check_flag)
    retry_invalid_replies: bool = field(default=False, kw_only=True, validator=_check_flag)
