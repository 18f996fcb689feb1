"""Which requests are to fail, and how. Pure: no I/O."""

import math
import re

from attrs import field, frozen

from .outcome import Outcome, parse_script

MAX_SECONDS = 3600
"""The longest delay and the longest `Retry-After`; in seconds; more is taken for a typo."""

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s)")


def parse_delay(text: str) -> float:
    """
    Read a time with its unit, such as `300ms` or `1.5s`; return it in seconds.

    Raises:
        ValueError: The text is anything else.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"delay: expected such as 300ms or 2s, got {text!r}")
    return float(match[1]) / (1000 if match[2] == "ms" else 1)


def _check_number(value: object, name: str, most: float) -> None:
    """Refuse what is not a number from 0 to `most`; a bool is none here."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name}: expected a number, got {type(value).__name__}")
    if not (math.isfinite(value) and 0 <= value <= most):
        raise ValueError(f"{name}: must be from 0 to {most:g}, not {value:g}")


def _check_whole(value: object, name: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}: expected an integer, got {type(value).__name__}")


@frozen
class Faults:
    """
    How the embedded server is to fail.

    Faults affect only `POST /api/v1/rerank`. They come right after the check of `Host`, so also
    when the key is wrong. Each request takes the next outcome of `fail`; after the last one, the
    first comes again. An outcome is one of

    - a status from 400 to 599: that error, with the body and the headers of its example in the
      contract, else one in the same shape; an HTML page for 520 to 526, as Cloudflare sends;
    - `ok` or 200: the normal answer;
    - `error-in-200`: status 200 with an error as its body;
    - `html`: the HTML page of a 524;
    - `truncated`: a success whose body ends, with the connection, before its `Content-Length`;
    - `reset`: the connection is reset (RST of TCP) once the request has arrived, with no reply;
    - `hang`: no reply at all, until the client gives up or the server stops.

    `Prefer: code=503` on a request (RFC 7240) overrides all of this but `delay`: the request gets
    that error, or with `code=200` the normal answer, and takes no outcome from the others.

    Attributes:
        fail: The outcomes, as one text with commas or one by one; with none, every request gets
            the normal answer.
        retry_after: What `Retry-After` says on 429 and 503, in seconds. None is the contract's
            example, 0 is sent as 0.
        delay: How long each answer is held back, and each cut of a connection, in seconds.
        drop: How likely a request is to be reset, from 0 to 1, before it takes an outcome.
        seed: Makes `drop` choose the same requests in each run, by the order in which they arrive;
            None makes it choose others each time.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of range, or names no outcome. At most 3600 seconds can be
            asked for.
    """

    fail: tuple[Outcome, ...] = field(default=(), converter=parse_script)
    retry_after: int | None = field(default=None, kw_only=True)
    delay: float = field(default=0.0, kw_only=True)
    drop: float = field(default=0.0, kw_only=True)
    seed: int | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        """Check what the types cannot say."""
        if self.retry_after is not None:
            _check_whole(self.retry_after, "retry_after")
            _check_number(self.retry_after, "retry_after", MAX_SECONDS)
        _check_number(self.delay, "delay", MAX_SECONDS)
        _check_number(self.drop, "drop", 1)
        if self.seed is not None:
            _check_whole(self.seed, "seed")
