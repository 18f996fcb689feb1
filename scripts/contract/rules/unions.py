"""Alternatives in one form: the shortest `anyOf` of distinct members, null last."""

import json
from itertools import chain
from typing import Any

from contract.model import ContractError, JsonList, JsonObject, is_list, is_object

from .merging import merge_schemas
from .nulls import NULL, UNIONS, accepts_null, is_null, list_types, with_null, without_null
from .prose import KNOWN_VALUES

TYPE_ORDER = ("string", "integer", "number", "boolean", "array", "object", "null")
_PRESENCE = frozenset({"dependentRequired", "maxProperties", "minProperties", "not", "required"})
_OBJECT_KEYWORDS = frozenset(
    {"additionalProperties", "dependentRequired", "dependentSchemas", "maxProperties",
     "minProperties", "patternProperties", "properties", "propertyNames", "required",
     "unevaluatedProperties"}
)  # fmt: skip
_ARRAY_KEYWORDS = frozenset(
    {"contains", "items", "maxContains", "maxItems", "minContains", "minItems", "prefixItems",
     "unevaluatedItems", "uniqueItems"}
)  # fmt: skip
_CONTAINERS = {"array": _ARRAY_KEYWORDS, "object": _OBJECT_KEYWORDS}


def split_types(schema: JsonObject) -> JsonObject:
    """
    Turn a list of types with an object or array in it into alternatives.

    The object can then get a name; each keyword goes with the type that it applies to.
    """
    types = [name for name in list_types(schema) if name != "null"]
    if len(types) < 2 or not set(types) & _CONTAINERS.keys():
        return schema
    scalars = [name for name in types if name not in _CONTAINERS]
    members = [_take_keywords(schema, [name]) for name in types if name in _CONTAINERS]
    if scalars:
        members.insert(0, _take_keywords(schema, scalars))
    return {"anyOf": [*members, *([NULL] if accepts_null(schema) else [])]}


def _take_keywords(schema: JsonObject, types: list[str]) -> JsonObject:
    foreign = frozenset(chain.from_iterable(_CONTAINERS.values())) - _CONTAINERS.get(
        types[0], frozenset()
    )
    kept = {key: value for key, value in schema.items() if key not in {*foreign, "type"}}
    return {**kept, "type": types[0] if len(types) == 1 else types}


def drop_presence_unions(schema: JsonObject) -> JsonObject:
    """Drop alternatives that only list required properties: they are no types."""
    return {
        key: value
        for key, value in schema.items()
        if key not in UNIONS or not is_list(value) or not all(map(_is_presence, value))
    }


def _is_presence(member: object) -> bool:
    return is_object(member) and bool(member) and member.keys() <= _PRESENCE


def simplify_union(schema: JsonObject) -> JsonObject:
    """
    Turn `anyOf` and `oneOf` into the simplest schema that takes the same values.

    `oneOf` is read as `anyOf`, since a client need not refuse a value that fits two alternatives.

    Raises:
        ContractError: The schema has both `anyOf` and `oneOf`.
    """
    keys = [key for key in UNIONS if is_list(schema.get(key))]
    if not keys:
        return schema
    if len(keys) > 1:
        raise ContractError("a schema has both anyOf and oneOf")
    beside = {key: value for key, value in schema.items() if key not in keys}
    members = [member if is_object(member) else {} for member in schema[keys[0]]]
    if beside.keys() - {KNOWN_VALUES}:
        members = [m if is_null(m) else simplify_union(merge_schemas(m, beside)) for m in members]
    null = any(map(accepts_null, members)) or accepts_null(beside)
    flat = [piece for member in members if not is_null(member) for piece in _flatten(member)]
    return _build_union(_absorb(_unite_equals(flat)), null=null)


def _flatten(member: JsonObject) -> JsonList:
    """Return a member's own alternatives, without their nulls."""
    member = without_null(member)
    if "anyOf" in member:
        return [piece for inner in member["anyOf"] for piece in _flatten(inner)]
    types = list_types(member)
    if len(types) > 1 and member.keys() == {"type"}:
        return [{"type": name} for name in types]
    return [member]


def _unite_equals(members: JsonList) -> JsonList:
    united: dict[str, JsonObject] = {}
    for member in members:
        known = member.get(KNOWN_VALUES, [])
        bare = {key: value for key, value in member.items() if key != KNOWN_VALUES}
        key = json.dumps(bare, sort_keys=True)
        before = united.get(key, {}).get(KNOWN_VALUES, [])
        values = sort_values([*before, *known])
        united[key] = {**bare, KNOWN_VALUES: values} if values else bare
    return list(united.values())


def _absorb(members: JsonList) -> JsonList:
    """Drop members that a plain member of the same type covers, keeping their known values."""
    plain: JsonObject = {
        types[0]: []
        for member in members
        if len(types := list_types(member)) == 1 and member.keys() <= {"type", KNOWN_VALUES}
    }
    rest: JsonList = []
    for member in members:
        types = list_types(member)
        if len(types) == 1 and types[0] in plain:
            plain[types[0]].extend(member.get(KNOWN_VALUES, ()))
        else:
            rest.append(member)
    united = [
        {"type": name, KNOWN_VALUES: sort_values(known)} if known else {"type": name}
        for name, known in plain.items()
    ]
    return [*united, *rest]


def _build_union(members: JsonList, *, null: bool) -> JsonObject:
    if {} in members:
        return {}
    if not members:
        return NULL if null else {}
    members = sorted(members, key=rank_type)
    if len(members) > 1:
        if all(member.keys() == {"type"} for member in members):
            types = [member["type"] for member in members]
            return {"type": [*types, "null"] if null else types}
        return {"anyOf": [*members, *([NULL] if null else [])]}
    single: JsonObject = members[0]
    if not null:
        return single
    return with_null(single) if list_types(single) else {"anyOf": [single, NULL]}


def rank_type(schema: Any) -> tuple[int, str]:
    """Return a schema's sort key: scalars, containers, references, null."""
    if not is_object(schema):
        return (len(TYPE_ORDER), "")
    if schema == NULL:
        return (len(TYPE_ORDER) + 1, "")
    types = list_types(schema)
    known = [TYPE_ORDER.index(name) for name in types if name in TYPE_ORDER]
    return (min(known, default=len(TYPE_ORDER)), str(schema.get("$ref", "")))


def sort_values(values: list[Any]) -> list[Any]:
    """Return the distinct values sorted, text first."""
    distinct = {json.dumps(value): value for value in values}
    return sorted(
        distinct.values(), key=lambda v: (0, v) if isinstance(v, str) else (1, json.dumps(v))
    )
