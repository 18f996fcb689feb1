"""
A walk through an OpenAPI document that knows which parts are schemas and which are data.

An example may hold a key called `$ref`, and a property may be called `description`; the grammar
below says which keys of which object to follow.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .model import JsonObject, is_list, is_object

Visit = Callable[[str, JsonObject], JsonObject]
Child = tuple[tuple[str | int, ...], str, JsonObject]

_SCHEMA_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SCHEMA_MAPS = ("$defs", "definitions", "dependentSchemas", "patternProperties", "properties")
_SCHEMAS = (
    "additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then",
    "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip

# Kind of object -> key -> kind of the value; "map:" and "list:" mean containers of that kind.
GRAMMAR: Mapping[str, Mapping[str, str]] = {
    "document": {
        "components": "components",
        "info": "info",
        "paths": "map:path",
        "servers": "list:server",
        "tags": "list:tag",
    },
    "components": {
        "headers": "map:header",
        "parameters": "map:parameter",
        "pathItems": "map:path",
        "requestBodies": "map:body",
        "responses": "map:response",
        "schemas": "map:schema",
        "securitySchemes": "map:security",
    },
    "path": {"parameters": "list:parameter", "post": "operation", "servers": "list:server"},
    "operation": {
        "parameters": "list:parameter",
        "requestBody": "body",
        "responses": "map:response",
        "servers": "list:server",
    },
    "parameter": {"content": "map:media", "schema": "schema"},
    "header": {"content": "map:media", "schema": "schema"},
    "body": {"content": "map:media"},
    "response": {"content": "map:media", "headers": "map:header"},
    "media": {"schema": "schema"},
    "server": {"variables": "map:variable"},
    "info": {},
    "security": {},
    "tag": {},
    "variable": {},
    "schema": {
        **dict.fromkeys(_SCHEMAS, "schema"),
        **dict.fromkeys(_SCHEMA_LISTS, "list:schema"),
        **dict.fromkeys(_SCHEMA_MAPS, "map:schema"),
    },
}


def _split_role(role: str) -> tuple[str, str]:
    """Return a role's container, "" for none, and the kind of the objects in it."""
    container, _, kind = role.rpartition(":")
    return container, kind


_ROLES = {
    kind: {key: _split_role(role) for key, role in roles.items()} for kind, roles in GRAMMAR.items()
}


def rewrite(node: JsonObject, kind: str, visit: Visit) -> JsonObject:
    """Rebuild a tree from its leaves up, replacing each object by `visit(kind, object)`."""
    roles = _ROLES[kind]
    rebuilt = dict(node)
    for key, value in node.items():
        if key in roles:
            rebuilt[key] = _rewrite_value(value, *roles[key], visit)
    return visit(kind, rebuilt)


def rewrite_schemas(document: JsonObject, rule: Callable[[JsonObject], JsonObject]) -> JsonObject:
    """Rebuild a document with `rule` applied to every schema, the innermost first."""
    return rewrite(
        document, "document", lambda kind, node: rule(node) if kind == "schema" else node
    )


def _rewrite_value(value: Any, container: str, kind: str, visit: Visit) -> Any:
    if container == "map" and is_object(value):
        return {key: _rewrite_value(child, "", kind, visit) for key, child in value.items()}
    if container == "list" and is_list(value):
        return [_rewrite_value(child, "", kind, visit) for child in value]
    # A schema may be `true` or `false` instead of an object.
    return rewrite(value, kind, visit) if not container and is_object(value) else value


def walk(node: JsonObject, kind: str) -> Iterator[tuple[str, JsonObject]]:
    """Yield each object of a tree with its kind, a parent before its children."""
    yield kind, node
    for _, child_kind, child in children(node, kind):
        yield from walk(child, child_kind)


def children(node: JsonObject, kind: str) -> Iterator[Child]:
    """Yield the objects right below one, each with the keys that lead to it and its kind."""
    for key, (container, child_kind) in _ROLES[kind].items():
        value = node.get(key)
        if not container and is_object(value):
            yield (key,), child_kind, value
        elif container == "map" and is_object(value):
            for name, child in value.items():
                if is_object(child):
                    yield (key, name), child_kind, child
        elif container == "list" and is_list(value):
            for index, child in enumerate(value):
                if is_object(child):
                    yield (key, index), child_kind, child
