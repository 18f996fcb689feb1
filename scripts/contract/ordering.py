"""One order for everything whose order has no meaning, so that a diff shows only changes."""

from typing import Any

from .model import JsonObject, is_list, is_object
from .rules.prose import KNOWN_VALUES
from .rules.schemas import order_types, sort_required
from .rules.slicing import RETRY_EXTENSIONS
from .rules.unions import rank_type, sort_values
from .traversal import GRAMMAR, rewrite

_KEYS: dict[str, tuple[str, ...]] = {
    "document": (
        "openapi", "info", "servers", "security", "tags", *RETRY_EXTENSIONS, "paths", "components",
    ),
    "info": ("title", "version", "description"),
    "components": ("securitySchemes", "parameters", "headers", "schemas"),
    "operation": (
        "operationId", "tags", "summary", "description", "parameters", "requestBody", "responses",
    ),
    "parameter": ("name", "in", "description", "required", "schema"),
    "header": ("description", "required", "schema"),
    "body": ("description", "required", "content"),
    "response": ("description", "headers", "content"),
    "media": ("schema", "example"),
    "security": ("type", "scheme", "description"),
    "server": ("url", "description"),
    "tag": ("name", "description"),
    "schema": ("$ref", "type", "format", "description"),
}  # fmt: skip


def order_document(document: JsonObject) -> JsonObject:
    """Sort keys, names and the lists that are really sets."""
    return rewrite(document, "document", _order)


def _order(kind: str, node: JsonObject) -> JsonObject:
    if kind == "schema":
        node = sort_required(order_types(node))
        if is_list(node.get("anyOf")):
            node = {**node, "anyOf": sorted(node["anyOf"], key=rank_type)}
        if is_list(node.get(KNOWN_VALUES)):
            node = {**node, KNOWN_VALUES: sort_values(node[KNOWN_VALUES])}
    if kind == "operation" and is_list(node.get("parameters")):
        node = {**node, "parameters": sorted(node["parameters"], key=lambda p: str(p.get("$ref")))}
    first = _KEYS.get(kind, ())
    keys = [*(key for key in first if key in node), *sorted(node.keys() - set(first))]
    return {key: _order_value(kind, key, node[key]) for key in keys}


def _order_value(kind: str, key: str, value: Any) -> Any:
    if key in RETRY_EXTENSIONS:
        return _order_data(value)
    is_map = GRAMMAR[kind].get(key, "").startswith("map:")
    return {name: value[name] for name in sorted(value)} if is_map else value


def _order_data(value: Any) -> Any:
    if is_object(value):
        return {key: _order_data(value[key]) for key in sorted(value)}
    return value
