"""Rules for a single schema, applied to every schema from the innermost out."""

import math
from typing import Any

from contract.model import JsonObject, is_list, is_object

from .nulls import BARE_NULLABLE, list_types
from .prose import KNOWN_VALUES
from .unions import TYPE_ORDER, sort_values

_DROPPED = frozenset({"$defs", "$schema", "default", "definitions", "discriminator"})
# A boolean is an integer to Python.
_TYPE_NAMES: tuple[tuple[type, str], ...] = (
    (str, "string"), (bool, "boolean"), (int, "integer"), (float, "number"), (list, "array"),
    (dict, "object"),
)  # fmt: skip


def drop_unused_keywords(schema: JsonObject) -> JsonObject:
    """
    Drop what a client must not act on.

    The server fills in a default: a client that sent it would pin it. Definitions are written out,
    and a discriminator's mapping names components that no longer exist.
    """
    return {
        key: value
        for key, value in schema.items()
        if key not in _DROPPED and not (key in {"deprecated", "nullable"} and value is False)
    }


def open_enum(schema: JsonObject) -> JsonObject:
    """
    Turn an enum into its plain type with the values in `x-known-values`, sorted.

    Every enum here grows without notice, so a client must accept values it does not know.
    """
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if not is_list(values):
        return schema
    opened = {key: value for key, value in schema.items() if key not in {"enum", "const"}}
    types = list_types(schema) or sort_types({_name_type(v) for v in values})
    if None in values and "null" not in types:
        types = [*types, "null"]
    if types:
        opened["type"] = types[0] if len(types) == 1 else types
    known = [value for value in values if isinstance(value, str | int | float)]
    known = sort_values([v for v in known if not isinstance(v, bool)])
    if known:
        opened[KNOWN_VALUES] = sort_values([*opened.get(KNOWN_VALUES, ()), *known])
    return opened


def _name_type(value: object) -> str:
    return next((name for kind, name in _TYPE_NAMES if isinstance(value, kind)), "null")


def sort_types(types: set[str]) -> list[str]:
    """Return type names in the order that the contract writes them, null last."""
    return sorted(types, key=lambda name: (name not in TYPE_ORDER, *_rank(name)))


def _rank(name: str) -> tuple[int, str]:
    return (TYPE_ORDER.index(name) if name in TYPE_ORDER else 0, name)


def read_true(schema: JsonObject) -> JsonObject:
    """
    Write a property, or an item, that may be anything as `{}`: the generator takes no `true`.

    The two mean the same (JSON Schema 2020-12, section 4.3.2).
    """
    opened = dict(schema)
    if schema.get("items") is True:
        opened["items"] = {}
    properties = schema.get("properties")
    if is_object(properties):
        opened["properties"] = {
            name: {} if part is True else part for name, part in properties.items()
        }
    return opened


def infer_type(schema: JsonObject) -> JsonObject:
    """Add `type: object` to a schema with properties and `type: array` to one with items."""
    if "type" not in schema and not schema.keys() & {"anyOf", "oneOf"}:
        if is_object(schema.get("properties")):
            return {**schema, "type": "object"}
        if "items" in schema:
            return {**schema, "type": "array"}
    return schema


def order_types(schema: JsonObject) -> JsonObject:
    """Sort a list of types, and replace a list of one by that type."""
    if not is_list(schema.get("type")):
        return schema
    types = sort_types(set(list_types(schema)))
    return {**schema, "type": types[0] if len(types) == 1 else types}


def read_bounds(schema: JsonObject) -> JsonObject:
    """
    Write the bounds of an integer as `minimum` and `maximum`, each with the bound included.

    OpenAPI 3.0 also wrote `exclusiveMinimum: true` next to a minimum.
    """
    bounded = dict(schema)
    for side, step in (("Minimum", 1), ("Maximum", -1)):
        inclusive, exclusive = side.lower(), bounded.pop(f"exclusive{side}", None)
        if exclusive is True:
            exclusive = bounded.pop(inclusive, None)
        if not isinstance(exclusive, int | float) or isinstance(exclusive, bool):
            continue
        if "integer" not in list_types(schema) or "number" in list_types(schema):
            bounded[f"exclusive{side}"] = exclusive
            continue
        bound = math.floor(exclusive) + 1 if step == 1 else math.ceil(exclusive) - 1
        tighter = max if step == 1 else min
        bounded[inclusive] = tighter(bound, bounded.get(inclusive, bound))
    return bounded


def open_additional_properties(schema: JsonObject) -> JsonObject:
    """Write `additionalProperties: true` where any value is allowed."""
    if schema.get("additionalProperties") in ({}, BARE_NULLABLE):
        return {**schema, "additionalProperties": True}
    return schema


def sort_required(schema: JsonObject) -> JsonObject:
    """Sort `required` without repeats, and drop it when it is empty."""
    if not is_list(schema.get("required")):
        return schema
    names: list[Any] = sorted({str(name) for name in schema["required"]})
    kept = {key: value for key, value in schema.items() if key != "required"}
    return {**kept, "required": names} if names else kept
