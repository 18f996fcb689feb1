"""
Reading what a reply says beside its ranking. Pure: no I/O.

A ranking that was paid for is not lost because something beside it is wrong. A value of another
type than the contract's is converted where nothing is lost; else it counts as absent.
"""

from __future__ import annotations

import re
from sys import float_info
from typing import TYPE_CHECKING, cast

from .json import JsonObject, is_bounded

if TYPE_CHECKING:
    from .documents import EncodedDocument

TEXT_FIELDS = ("id", "provider")
COUNTS = ("search_units", "total_tokens")
REPLY_FIELDS = frozenset({"model", "results", "usage", *TEXT_FIELDS})
USAGE_FIELDS = frozenset({"cost", *COUNTS})
DOCUMENT_PARTS = ("image", "text")
UNKNOWN_FIELD = "an unknown field"
# Integers beyond it are not exact in the floats that some servers write them as.
LARGEST_EXACT_INTEGER = 2**53
_NUMBER = r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_COUNT = "[0-9]{1,15}"


class Oddities:
    """
    What was odd beside a ranking, by the names that the contract has: no content.

    Attributes:
        ignored: What could not be read and counts as absent.
        converted: What had another type, but the same value.
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self.ignored: set[str] = set()
        self.converted: set[str] = set()


def read_side_fields(reply: JsonObject, model: str, oddities: Oddities) -> JsonObject:
    """
    Return the fields of a reply as the contract has them; the results are not looked at.

    Args:
        reply: The reply.
        model: The model that was asked for; the reply's own counts only if it is text.
        oddities: Gets what was odd.
    """
    fields = {name: value for name, value in reply.items() if name not in REPLY_FIELDS}
    drop_unbounded(fields, oddities)
    name = reply.get("model")
    fields["model"] = name if isinstance(name, str) and name else model
    if fields["model"] is not name and name:
        oddities.ignored.add("model")
    for name in TEXT_FIELDS:
        keep(fields, name, read_name(reply.get(name)), reply.get(name), oddities)
    usage = reply.get("usage")
    if usage is None and "usage" in reply:
        # The contract allows null here.
        fields["usage"] = None
    keep(fields, "usage", read_usage(usage, oddities), usage, oddities)
    return fields


def has_usual_fields(reply: JsonObject) -> bool:
    """Return whether all is as the contract has it, with no further field; most replies are so."""
    usage = reply.get("usage")
    return (
        reply.keys() <= REPLY_FIELDS
        and type(reply.get("model")) is str
        and reply["model"] != ""
        and type(reply.get("id", "")) is str
        and type(reply.get("provider", "")) is str
        and type(usage) is dict
        and has_usual_usage(cast("JsonObject", usage))
    )


def has_usual_usage(usage: JsonObject) -> bool:
    """Return whether counts and price are as the contract has them, with no further field."""
    cost = usage.get("cost", 0.0)
    return (
        usage.keys() <= USAGE_FIELDS
        and type(usage.get("search_units", 0)) is int
        and type(usage.get("total_tokens", 0)) is int
        and type(cost) is float
        and 0 <= cost <= float_info.max
    )


def read_usage(usage: object, oddities: Oddities) -> JsonObject | None:
    """Return the counts and the price of a reply; None if they cannot be read."""
    if not isinstance(usage, dict):
        return None
    given = cast("JsonObject", usage)
    fields = {name: value for name, value in given.items() if name not in USAGE_FIELDS}
    drop_unbounded(fields, oddities)
    keep(fields, "cost", read_cost(given.get("cost")), given.get("cost"), oddities, "usage.")
    for name in COUNTS:
        keep(fields, name, read_count(given.get(name)), given.get(name), oddities, "usage.")
    return fields


def read_document(echo: object, own: EncodedDocument, oddities: Oddities) -> JsonObject:
    """Return a result's document; the caller's own if the echo has neither text nor image."""
    place = "results[].document"
    if isinstance(echo, str):
        oddities.converted.add(place)
        echo = {"text": echo}
    if not isinstance(echo, dict):
        if echo is not None:
            oddities.ignored.add(place)
        echo = {}
    given = cast("JsonObject", echo)
    fields = {name: value for name, value in given.items() if name not in DOCUMENT_PARTS}
    drop_unbounded(fields, oddities)
    for name in DOCUMENT_PARTS:
        part = given.get(name)
        keep(fields, name, part if isinstance(part, str) else None, part, oddities, f"{place}.")
    if any(fields.get(name) for name in DOCUMENT_PARTS):
        return fields
    return {**fields, **({"text": own} if isinstance(own, str) else own)}


def keep(
    fields: JsonObject,
    name: str,
    value: object,
    given: object,
    oddities: Oddities,
    place: str = "",
) -> None:
    """Set a field to what was read from it, unless that is None, and note what was odd about it."""
    if value is not None:
        fields[name] = value
        if type(value) is not type(given) and not (type(value) is float and type(given) is int):
            oddities.converted.add(f"{place}{name}")
    elif given is not None:
        oddities.ignored.add(f"{place}{name}")


def drop_unbounded(fields: JsonObject, oddities: Oddities) -> None:
    """Remove what could not be written again: nested too deeply, or with a number out of range."""
    for name in [name for name, value in fields.items() if not is_bounded(value)]:
        del fields[name]
        oddities.ignored.add(UNKNOWN_FIELD)


def read_name(value: object) -> str | None:
    """Return a name, which may be a number; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) <= LARGEST_EXACT_INTEGER else None
    return value if isinstance(value, str) else None


def read_cost(value: object) -> float | None:
    """Return a price; None for anything else: no price is negative or endless."""
    if isinstance(value, str):
        value = float(value) if re.fullmatch(_NUMBER, value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= float_info.max else None


def read_count(value: object) -> int | None:
    """Return a whole number, also one written as text or with a fraction of 0; None for others."""
    if isinstance(value, str):
        return int(value) if re.fullmatch(_COUNT, value) else None
    if isinstance(value, float):
        is_exact = value.is_integer() and abs(value) <= LARGEST_EXACT_INTEGER
        return int(value) if is_exact else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
