"""`allOf` into one schema: upstream decorates a reference by listing it with a description."""

import functools
from collections.abc import Callable
from typing import Any

from contract.model import ContractError, JsonObject, is_list, is_object

from .nulls import UNIONS, accepts_null, list_types, with_null, without_null
from .prose import KNOWN_VALUES

# Keywords that restrict the value's kind, and do not only decorate a schema.
_SHAPING = frozenset(
    {"additionalProperties", "const", "enum", "items", "properties", "type", *UNIONS}
)


def merge_all_of(schema: JsonObject) -> JsonObject:
    """
    Merge the members of `allOf`, and the keywords next to it, into one schema.

    Raises:
        ContractError: The members contradict each other, or more than one has alternatives.
    """
    if not is_list(schema.get("allOf")):
        return schema
    beside = {key: value for key, value in schema.items() if key != "allOf"}
    members = [member for member in (*schema["allOf"], beside) if is_object(member) and member]
    if not members:
        return {}
    # A decoration that says "or null" applies to the whole; schemas that restrict the kind all
    # have to take null.
    shaping = [member for member in members if _SHAPING & member.keys()]
    decorations = [member for member in members if not _SHAPING & member.keys()]
    null = any(map(accepts_null, decorations)) or (
        bool(shaping) and all(map(accepts_null, shaping))
    )
    merged = functools.reduce(merge_schemas, map(without_null, members))
    return _add_null(merged) if null else merged


def _add_null(merged: JsonObject) -> JsonObject:
    with_type = with_null(merged)
    return with_type if with_type != merged else {**merged, "nullable": True}


def merge_schemas(first: JsonObject, second: JsonObject) -> JsonObject:
    """
    Return the schema of the values that both take; in decorations the second one wins.

    Raises:
        ContractError: Nothing can be both, or both have alternatives.
    """
    for holder, other in ((first, second), (second, first)):
        for key in UNIONS:
            if key in holder and _SHAPING & other.keys():
                return _distribute(holder, other, key)
    merged = dict(first)
    for key, value in second.items():
        merge = _MERGES.get(key, _take_second)
        merged[key] = merge(merged[key], value) if key in merged else value
    return merged


def _distribute(holder: JsonObject, other: JsonObject, key: str) -> JsonObject:
    if any(union in other for union in UNIONS):
        raise ContractError("an allOf has several members with alternatives")
    beside = {name: value for name, value in holder.items() if name != key}
    shared = merge_schemas(beside, other)
    return {key: [merge_schemas(member, shared) for member in holder[key]]}


def _take_second(_: Any, second: Any) -> Any:
    return second


def _merge_types(first: Any, second: Any) -> Any:
    ours, theirs = list_types({"type": first}), list_types({"type": second})
    both = [name for name in ours if name in theirs]
    # An integer is a number (JSON Schema 2020-12 validation, section 6.1.1).
    if "integer" not in both and "integer" in {*ours, *theirs} and "number" in {*ours, *theirs}:
        both.append("integer")
    if not both:
        raise ContractError(f"an allOf contradicts itself: {first} and {second}")
    return both[0] if len(both) == 1 else both


def _merge_properties(first: JsonObject, second: JsonObject) -> JsonObject:
    merged = dict(first)
    for name, schema in second.items():
        merged[name] = merge_schemas(merged[name], schema) if name in merged else schema
    return merged


def _merge_items(first: Any, second: Any) -> Any:
    return merge_schemas(first, second) if is_object(first) and is_object(second) else second


def _unite(first: list[Any], second: list[Any]) -> list[Any]:
    return [*first, *(value for value in second if value not in first)]


def _intersect(first: list[Any], second: list[Any]) -> list[Any]:
    return [value for value in first if value in second]


def _choose(chooser: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    # OpenAPI 3.0 wrote exclusive bounds as booleans, which a later rule reads.
    return lambda a, b: b if isinstance(a, bool) or isinstance(b, bool) else chooser(a, b)


_MERGES: dict[str, Callable[[Any, Any], Any]] = {
    KNOWN_VALUES: _unite,
    "additionalProperties": _merge_items,
    "enum": _intersect,
    "items": _merge_items,
    "properties": _merge_properties,
    "required": _unite,
    "type": _merge_types,
    **dict.fromkeys(
        ("exclusiveMinimum", "minItems", "minLength", "minProperties", "minimum"), _choose(max)
    ),
    **dict.fromkeys(
        ("exclusiveMaximum", "maxItems", "maxLength", "maxProperties", "maximum"), _choose(min)
    ),
}
