"""
The ways to write that a value may be null, turned into the single one that other rules see.

Upstream has written `nullable: true` (OpenAPI 3.0), `type: [..., "null"]`, alternatives with a null
among them, and enums that hold a null, and has switched between them within a release.
"""

from contract.model import JsonObject, is_list, is_object

NULL: JsonObject = {"type": "null"}
# Among alternatives it means null; elsewhere it means nothing.
BARE_NULLABLE: JsonObject = {"nullable": True}
UNIONS = ("anyOf", "oneOf")


def list_types(schema: JsonObject) -> list[str]:
    """Return the types that the schema names, null included; an empty list means any."""
    types = schema.get("type")
    if isinstance(types, str):
        return [types]
    return [name for name in types if isinstance(name, str)] if is_list(types) else []


def is_null(schema: object) -> bool:
    """Tell whether a schema, as one of several alternatives, means only null."""
    if not is_object(schema):
        return False
    if schema == BARE_NULLABLE:
        return True
    if "const" in schema:
        return schema["const"] is None
    return list_types(schema) == ["null"] or schema.get("enum") == [None]


def accepts_null(schema: JsonObject) -> bool:
    """Tell whether the schema says in any way that its value may be null."""
    if schema.get("nullable") is True or "null" in list_types(schema) or is_null(schema):
        return True
    if is_list(schema.get("enum")) and None in schema["enum"]:
        return True
    return any(
        is_object(member) and accepts_null(member)
        for key in UNIONS
        for member in schema.get(key, ())
    )


def without_null(schema: JsonObject) -> JsonObject:
    """Return the schema of the values other than null."""
    kept = {key: value for key, value in schema.items() if key != "nullable"}
    types = [name for name in list_types(schema) if name != "null"]
    if types:
        kept["type"] = types[0] if len(types) == 1 else types
    if is_list(kept.get("enum")):
        kept["enum"] = [value for value in kept["enum"] if value is not None]
    for key in UNIONS:
        if is_list(kept.get(key)):
            members = [member for member in kept[key] if not is_null(member)]
            kept[key] = [without_null(m) if is_object(m) else m for m in members]
    return kept


def read_nullable(schema: JsonObject) -> JsonObject:
    """
    Turn `nullable: true` into a null among the types or the alternatives.

    Alone it stays: only the parent knows whether it means null (in alternatives) or nothing
    (`BARE_NULLABLE`).
    """
    if "nullable" not in schema or schema == BARE_NULLABLE:
        return schema
    kept = {key: value for key, value in schema.items() if key != "nullable"}
    return with_null(kept) if schema["nullable"] is True else kept


def with_null(schema: JsonObject) -> JsonObject:
    """Return the schema that takes null as well."""
    types = list_types(schema)
    if types:
        return schema if "null" in types else {**schema, "type": [*types, "null"]}
    for key in UNIONS:
        if is_list(schema.get(key)):
            members = schema[key]
            return schema if any(map(is_null, members)) else {**schema, key: [*members, NULL]}
    # Without a type anything passes, null included.
    return schema


def forget_bare_nullable(schema: JsonObject) -> JsonObject:
    """Turn a bare `nullable: true` outside of alternatives into a schema for any value."""
    return {} if schema == BARE_NULLABLE else schema
