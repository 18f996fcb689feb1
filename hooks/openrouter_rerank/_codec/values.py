"""Checks of single values that a caller gives; the message names the argument. Pure: no I/O."""

import math
import operator
from typing import SupportsIndex, cast

# Some centuries in milliseconds; larger numbers overflow in one place or another.
LARGEST_NUMBER = 1e13


def require_str(value: object, name: str) -> str:
    """
    Return the value if it is text.

    Raises:
        TypeError: It is not.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected str, got {type(value).__name__}")
    return value


def require_text(value: object, name: str) -> str:
    """Return the value if it is text that is not blank."""
    text = require_str(value, name)
    if not text.strip():
        raise ValueError(f"{name}: must not be blank")
    return text


def require_count(value: object, name: str) -> int:
    """Return the value if it is a whole number of at least 1."""
    return require_integer(value, name, 1)


def require_integer(value: object, name: str, minimum: int | None) -> int:
    """Return the value if it is a whole number that is not too small."""
    if isinstance(value, bool) or not hasattr(type(value), "__index__"):
        raise TypeError(f"{name}: expected int, got {type(value).__name__}")
    number = operator.index(cast("SupportsIndex", value))
    if minimum is not None and number < minimum:
        raise ValueError(f"{name}: must be at least {minimum}, got {number}")
    return number


def require_positive(value: object, name: str) -> float:
    """Return the value if it is a finite number above 0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name}: expected a number, got {type(value).__name__}")
    if not 0 < value <= LARGEST_NUMBER:
        raise ValueError(f"{name}: must be above 0 and no more than {LARGEST_NUMBER:g}")
    return value


def require_finite(value: object, name: str) -> float:
    """Return the value if it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name}: expected a number, got {type(value).__name__}")
    if not math.isfinite(value):
        raise ValueError(f"{name}: must be finite")
    return value
