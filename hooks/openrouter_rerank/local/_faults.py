"""Which requests are to fail, and how. Pure: no I/O."""

import math
import random
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from attrs import field, frozen

ERROR_STATUSES = range(400, 600)
PAGE_STATUS = 524
MAX_SECONDS = 3600
"""The longest delay and the longest `Retry-After`; more is a slip of the hand."""

_STATUS = re.compile("[0-9]{3}")
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s)")


class Kind(StrEnum):
    """What becomes of a request."""

    OK = "ok"
    ERROR = "error"
    ERROR_IN_200 = "error-in-200"
    TRUNCATED = "truncated"
    RESET = "reset"
    HANG = "hang"


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What becomes of one request.

    Attributes:
        kind: How it ends.
        status: The HTTP status of the reply; for a kind without one it says nothing.
    """

    kind: Kind
    status: int = 200


OK = Outcome(Kind.OK)
RESET = Outcome(Kind.RESET)
NAMED_OUTCOMES = {
    "ok": OK,
    "error-in-200": Outcome(Kind.ERROR_IN_200),
    "html": Outcome(Kind.ERROR, PAGE_STATUS),
    "truncated": Outcome(Kind.TRUNCATED),
    "reset": RESET,
    "hang": Outcome(Kind.HANG),
}


def parse_script(script: str | Iterable[str | int]) -> tuple[Outcome, ...]:
    """
    Read outcomes by their names, separated by commas if they come as one text.

    Raises:
        TypeError: `script`, or something in it, is neither text nor a number.
        ValueError: A name is none of an outcome's.
    """
    if isinstance(script, str):
        return tuple(map(parse_outcome, script.split(","))) if script.strip() else ()
    if not isinstance(script, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"fail: expected names of outcomes, got {type(script).__name__}")
    return tuple(map(parse_outcome, script))


def parse_outcome(name: object) -> Outcome:
    """
    Read one outcome: a status from 400 to 599, 200, or a name of `NAMED_OUTCOMES`.

    Raises:
        TypeError: `name` is neither text nor an integer.
        ValueError: There is no such outcome.
    """
    if isinstance(name, bool) or not isinstance(name, str | int):
        raise TypeError(f"fail: expected names of outcomes, got {type(name).__name__}")
    text = str(name).strip().lower()
    if text in NAMED_OUTCOMES:
        return NAMED_OUTCOMES[text]
    outcome = find_outcome(text)
    if outcome is None:
        names = ", ".join(NAMED_OUTCOMES)
        raise ValueError(f"fail: {text!r} is neither a status from 400 to 599 nor one of {names}")
    return outcome


def find_outcome(code: str) -> Outcome | None:
    """Return the outcome that a status stands for; None if it is neither 200 nor an error's."""
    if not _STATUS.fullmatch(code):
        return None
    status = int(code)
    if status in ERROR_STATUSES:
        return Outcome(Kind.ERROR, status)
    return OK if status == OK.status else None


def parse_delay(text: str) -> float:
    """
    Read a time with its unit, such as `300ms` or `1.5s`, as seconds.

    Raises:
        ValueError: The text is anything else.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"delay: expected such as 300ms or 2s, got {text!r}")
    return float(match[1]) / (1000 if match[2] == "ms" else 1)


def _check_number(value: object, name: str, most: float) -> None:
    """Refuse what is not a number from 0 to `most`; True is a number to Python alone."""
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

    Faults befall `POST /api/v1/rerank` alone, before the request is looked at any further than
    its `Host`, so also when its key is wrong. Each request takes the next outcome of `fail`, and
    after the last one comes the first again. An outcome is one of

    - a status from 400 to 599: that error, with the body and the headers of its example in the
      contract, else one in the same shape; an HTML page for 520 to 526, as Cloudflare sends;
    - `ok` or 200: the normal answer;
    - `error-in-200`: status 200, and an error for a body;
    - `html`: the HTML page of a 524;
    - `truncated`: a success whose body ends, with the connection, before its `Content-Length`;
    - `reset`: the connection is reset (RST of TCP) once the request has arrived, with no reply;
    - `hang`: no reply at all, until the client gives up or the server stops.

    `Prefer: code=503` on a request (RFC 7240) goes before all of this but `delay`: it gets that
    error, or with `code=200` the normal answer, and takes no outcome away from the others.

    Attributes:
        fail: The outcomes, as one text with commas or one by one; with none, every request gets
            the normal answer.
        retry_after: What `Retry-After` says on 429 and 503, in seconds. None is the contract's
            example, 0 is sent as 0.
        delay: How long each answer is held back, and each cut of a connection, in seconds.
        drop: How likely a request is to be reset, from 0 to 1, before it takes an outcome.
        seed: Makes the choice by `drop` the same in each run, request by request in the order of
            their arrival; None makes it anew.

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


class Course:
    """
    The outcomes of one request after the other; threads may share it.

    Args:
        faults: What to choose from.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._random = random.Random(faults.seed)  # noqa: S311  nothing depends on its secrecy
        self._taken = 0
        self._lock = threading.Lock()

    def choose(self) -> Outcome:
        """Decide what becomes of the next request."""
        with self._lock:
            if self._random.random() < self._faults.drop:
                return RESET
            if not self._faults.fail:
                return OK
            outcome = self._faults.fail[self._taken % len(self._faults.fail)]
            self._taken += 1
            return outcome
