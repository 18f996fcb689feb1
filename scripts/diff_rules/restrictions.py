"""Changes of a schema's restrictions, beyond a value's kind and its fields."""

import json
import math
from collections.abc import Iterator
from typing import Any

from contract.model import JsonObject
from contract.rules.prose import KNOWN_VALUES

from .changes import Change, ChangeClass
from .places import Direction, Place
from .shapes import Shape

# The generator gives strings of these formats a type of their own in Python.
TYPED_FORMATS = frozenset({"binary", "date", "date-time", "uuid"})
LEAST = ("minItems", "minLength", "minProperties", "minimum")
MOST = ("maxItems", "maxLength", "maxProperties", "maximum")
EXCLUSIVE = {"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}
# Compared field by field, or with the bound that they belong to.
_ELSEWHERE = frozenset(
    {"properties", "required", "additionalProperties", "items", "format", KNOWN_VALUES}
    | {*LEAST, *MOST, *EXCLUSIVE.values()}
)

Bound = tuple[float, int]


def compare_annotations(old: JsonObject, new: JsonObject, place: Place) -> Iterator[Change]:
    """Yield changes of a schema's default and of its deprecation."""
    before, after = old.get("default"), new.get("default")
    if before != after:
        # Callers who leave the field out get another value than before.
        is_other = before is not None and after is not None
        yield place.change(
            ChangeClass.BREAKING if is_other else ChangeClass.ADDITIVE,
            f"default: {show(before)} to {show(after)}",
        )
    if bool(old.get("deprecated")) != bool(new.get("deprecated")):
        message = "deprecated" if new.get("deprecated") else "no longer deprecated"
        yield place.change(ChangeClass.ADDITIVE, message)


def compare_restrictions(old: Shape, new: Shape, place: Place) -> Iterator[Change]:
    """Yield changes of which values of one kind pass."""
    yield from compare_values(old, new, place)
    yield from compare_known_values(old, new, place)
    yield from compare_formats(old, new, place)
    for keyword in (*LEAST, *MOST):
        yield from compare_bounds(keyword, old, new, place)
    for keyword in sorted((old.keywords.keys() | new.keywords.keys()) - _ELSEWHERE):
        before, after = old.keywords.get(keyword), new.keywords.get(keyword)
        if before != after:
            yield from compare_rule(keyword, before, after, place)


def compare_values(old: Shape, new: Shape, place: Place) -> Iterator[Change]:
    """Yield changes of a closed list of values."""
    if old.values is None and new.values is None:
        return
    if old.values is None:
        yield place.narrowed(f"only these values: {show(new.values)}")
    elif new.values is None:
        yield place.widened(f"any {new.kind}, not only {show(old.values)}")
    else:
        if gone := [value for value in old.values if value not in new.values]:
            yield place.narrowed(f"values gone: {show(gone)}")
        if added := [value for value in new.values if value not in old.values]:
            yield place.widened(f"values added: {show(added)}")


def compare_known_values(old: Shape, new: Shape, place: Place) -> Iterator[Change]:
    """Yield which known values were added or removed; other values pass either way."""
    before, after = (shape.keywords.get(KNOWN_VALUES, ()) for shape in (old, new))
    signs = [f"+{show(value)}" for value in after if value not in before]
    signs += [f"-{show(value)}" for value in before if value not in after]
    if signs:
        yield place.change(ChangeClass.OPEN_ENUM, f"known values: {' '.join(signs)}")


def compare_formats(old: Shape, new: Shape, place: Place) -> Iterator[Change]:
    """Yield a change of format; most formats are notes (JSON Schema 2020-12, section 7.2.1)."""
    before, after = old.keywords.get("format"), new.keywords.get("format")
    if before != after:
        is_typed = bool({before, after} & TYPED_FORMATS)
        yield place.change(
            ChangeClass.BREAKING if is_typed else ChangeClass.COSMETIC,
            f"format: {show(before)} to {show(after)}",
        )


def compare_bounds(keyword: str, old: Shape, new: Shape, place: Place) -> Iterator[Change]:
    """Yield a change of the least or the greatest value, length or number that passes."""
    before, after = read_bound(keyword, old), read_bound(keyword, new)
    if before == after:
        return
    message = f"{keyword}: {write_bound(before)} to {write_bound(after)}"
    if (after > before) == (keyword in LEAST):
        yield place.narrowed(message)
    else:
        # The Python type stays the same, so code that handles replies need not change.
        yield place.change(ChangeClass.ADDITIVE, message)


def read_bound(keyword: str, shape: Shape) -> Bound:
    """
    Return a bound as a pair that sorts as the bound does: the number, then 1 if it is excluded.

    For upper bounds the second is -1, since excluding the number makes less pass. Whole numbers
    have no excluded bounds: above 0 is from 1.
    """
    is_least = keyword in LEAST
    nothing = 0.0 if is_least and keyword != "minimum" else math.inf * (-1 if is_least else 1)
    bound = shape.keywords.get(keyword)
    excluded = shape.keywords.get(EXCLUSIVE.get(keyword, ""))
    sign = 1 if is_least else -1
    # OpenAPI 3.0 says with a boolean that the bound itself is excluded.
    found: list[Bound] = [] if bound is None else [(bound, sign if excluded is True else 0)]
    if excluded is not None and not isinstance(excluded, bool):
        found.append((excluded, sign))
    if shape.kind == "integer":
        found = [close(number, flag) for number, flag in found]
    return (max if is_least else min)(found, default=(nothing, 0))


def close(number: float, flag: int) -> Bound:
    """Return an excluded bound of whole numbers as the next number inside it."""
    if flag == 0:
        return (number, 0)
    return (math.floor(number) + 1, 0) if flag > 0 else (math.ceil(number) - 1, 0)


def write_bound(bound: Bound) -> str:
    """Return a bound for people to read."""
    number, flag = bound
    if math.isinf(number):
        return "none"
    return f"{number:g}{' excluded' if flag else ''}"


def compare_rule(keyword: str, before: Any, after: Any, place: Place) -> Iterator[Change]:
    """
    Yield a change of a keyword whose strictness cannot be compared.

    In a request, a new or a different one may refuse what passed before.
    """
    message = f"{keyword}: {show(before)} to {show(after)}"
    is_stricter = after not in (None, False)
    is_breaking = is_stricter and place.direction is Direction.REQUEST
    yield place.change(ChangeClass.BREAKING if is_breaking else ChangeClass.ADDITIVE, message)


def show(value: object) -> str:
    """Return a value of the contract as JSON, or "none" if there is none."""
    return "none" if value is None else json.dumps(value, ensure_ascii=False, default=str)
