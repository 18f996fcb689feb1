"""How a request can end, and the names of these outcomes. Pure: no I/O."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

ERROR_STATUSES = range(400, 600)
PAGE_STATUS = 524

_STATUS = re.compile("[0-9]{3}")


class Kind(StrEnum):
    """How a request ends."""

    OK = "ok"
    ERROR = "error"
    ERROR_IN_200 = "error-in-200"
    TRUNCATED = "truncated"
    RESET = "reset"
    HANG = "hang"


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    How one request ends, with its status.

    Attributes:
        kind: How it ends.
        status: The HTTP status of the reply; a kind without one ignores it.
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
        ValueError: There is no outcome of that name.
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
