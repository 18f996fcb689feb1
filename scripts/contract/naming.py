"""
Names for components, from their position in the operation and not from upstream's names.

A position is spelled `request.provider.sort`: a property after a dot, `[]` for the items of an
array, `{}` for the further properties of an object. Alternatives share their position.
"""

import json
import re
from collections.abc import Iterator

from .model import JsonObject, is_list, is_object
from .rules.media import (
    SUCCESS,
    get_body_schema,
    get_operation,
    replace_operation,
    with_body_schema,
)
from .rules.nulls import NULL, list_types, without_null
from .rules.replies import is_error

OPERATION_ID = "createRerank"
TAG = "Rerank"

# What users import.
NAMES = {
    "error": "ErrorResponse",
    "error.error": "ErrorData",
    "error.error.availability": "Availability",
    "error.error.availability.constraint": "AvailabilityConstraint",
    "error.error.metadata": "ErrorMetadata",
    "error.error.metadata.previous_errors[]": "PreviousError",
    "request": "CreateRerankRequestBody",
    "request.documents[]": "DocumentRequest",
    "request.provider": "ProviderPreferences",
    "request.provider.max_price": "MaxPrice",
    "request.provider.options": "ProviderOptions",
    "request.provider.preferred_max_latency": "PercentileLatencyCutoffs",
    "request.provider.preferred_min_throughput": "PercentileThroughputCutoffs",
    "request.provider.sort": "ProviderSortConfig",
    "request.trace": "TraceConfig",
    "response": "CreateRerankResponseBody",
    "response.results[]": "Result",
    "response.results[].document": "DocumentResponse",
    "response.usage": "CreateRerankUsage",
}
_SCHEMAS = "#/components/schemas/"


def name_components(document: JsonObject) -> JsonObject:
    """
    Move the operation's objects, parameters and headers to components, and refer to them.

    An object becomes a component if it has properties or a name in `NAMES`; one at an unknown
    position is named after its parent and its property.
    """
    operation = get_operation(document)
    schemas = _Components()
    request = operation["requestBody"]
    body = schemas.hoist(get_body_schema(request) or {}, "request", NAMES["request"])
    replies = operation["responses"]
    for status, position, prefix in _order_replies(replies):
        schema = get_body_schema(replies[status])
        if schema is not None:
            root = NAMES.get(position, f"CreateRerank{status}Response")
            hoisted = schemas.hoist(schema, position, root, prefix)
            replies = {**replies, status: with_body_schema(replies[status], hoisted)}
    named = {
        **operation,
        "operationId": OPERATION_ID,
        "tags": [TAG],
        "requestBody": with_body_schema(request, body),
    }
    members = _Members()
    named["responses"] = {
        status: members.hoist_headers(reply, status) for status, reply in replies.items()
    }
    if "parameters" in operation:
        named["parameters"] = members.hoist_parameters(operation["parameters"])
    components = {
        **document.get("components", {}),
        "parameters": members.parameters,
        "headers": members.headers,
        "schemas": schemas.found,
    }
    return {
        **replace_operation(document, named),
        "tags": [_find_tag(document)],
        "components": {kind: found for kind, found in components.items() if found},
    }


def _find_tag(document: JsonObject) -> JsonObject:
    return next((tag for tag in document.get("tags", []) if tag.get("name") == TAG), {"name": TAG})


def _order_replies(replies: JsonObject) -> Iterator[tuple[str, str, str]]:
    """
    Yield each status with its position and the prefix of its names.

    The envelope that most errors share has no prefix; any other one has its status' name.
    """
    if SUCCESS in replies:
        yield SUCCESS, "response", ""
    errors: dict[str, list[str]] = {}
    for status in sorted(replies):
        if is_error(status):
            body = json.dumps(get_body_schema(replies[status]), sort_keys=True)
            errors.setdefault(body, []).append(status)
        elif status != SUCCESS:
            yield status, f"response {status}", ""
    ordered = sorted(errors.values(), key=lambda statuses: (-len(statuses), statuses))
    for rank, statuses in enumerate(ordered):
        prefix = to_pascal(replies[statuses[0]]["description"]) if rank else ""
        yield from ((status, "error", prefix) for status in statuses)


class _Components:
    """The schemas that have a name."""

    def __init__(self) -> None:
        self.found: JsonObject = {}

    def hoist(self, schema: JsonObject, position: str, name: str, prefix: str = "") -> JsonObject:
        """Return the schema with its objects replaced by references, itself included."""
        schema = self._hoist_parts(schema, position, name, prefix)
        if not _is_component(schema, position):
            return schema
        component = without_null(schema)
        reference = {"$ref": _SCHEMAS + self._claim(component, position, name, prefix)}
        return {"anyOf": [reference, NULL]} if "null" in list_types(schema) else reference

    def _hoist_parts(self, schema: JsonObject, position: str, name: str, prefix: str) -> JsonObject:
        parts = dict(schema)
        if is_object(schema.get("properties")):
            parts["properties"] = {
                key: self._hoist_part(part, f"{position}.{key}", name + to_pascal(key), prefix)
                for key, part in sorted(schema["properties"].items())
            }
        for key, mark, suffix in (("items", "[]", "Item"), ("additionalProperties", "{}", "Value")):
            if key in schema:
                parts[key] = self._hoist_part(schema[key], position + mark, name + suffix, prefix)
        if is_list(schema.get("anyOf")):
            parts["anyOf"] = [
                self._hoist_part(member, position, name, prefix) for member in schema["anyOf"]
            ]
        return parts

    def _hoist_part(self, part: object, position: str, name: str, prefix: str) -> object:
        if not is_object(part):
            return part
        return self.hoist(part, position, NAMES.get(position, name), prefix)

    def _claim(self, component: JsonObject, position: str, name: str, prefix: str) -> str:
        known = position in NAMES
        number = 1
        candidate = name
        while self.found.get(candidate, component) != component or (
            not known and candidate in NAMES.values()
        ):
            number += 1
            candidate = f"{prefix}{name}" if prefix and number == 2 else f"{prefix}{name}{number}"
        self.found[candidate] = component
        return candidate


class _Members:
    """The parameters and headers, which keep their own names."""

    def __init__(self) -> None:
        self.parameters: JsonObject = {}
        self.headers: JsonObject = {}

    def hoist_parameters(self, parameters: list[JsonObject]) -> list[JsonObject]:
        return [self._claim("parameters", p, str(p.get("name"))) for p in parameters]

    def hoist_headers(self, reply: JsonObject, status: str) -> JsonObject:
        headers = reply.get("headers")
        if not is_object(headers):
            return reply
        hoisted = {
            name: self._claim("headers", header, name, status)
            for name, header in sorted(headers.items())
        }
        return {**reply, "headers": hoisted}

    def _claim(self, kind: str, member: JsonObject, name: str, suffix: str = "") -> JsonObject:
        found = self.parameters if kind == "parameters" else self.headers
        candidate = to_pascal(name)
        if found.get(candidate, member) != member:
            candidate += suffix or to_pascal(str(member.get("in")))
        found[candidate] = member
        return {"$ref": f"#/components/{kind}/{candidate}"}


def _is_component(schema: JsonObject, position: str) -> bool:
    types = set(list_types(schema)) - {"null"}
    if types != {"object"}:
        return False
    return bool(schema.get("properties")) or position in NAMES


def to_pascal(name: str) -> str:
    """
    Return a property's or header's name in Pascal case: HttpReferer for `HTTP-Referer`.

    Capitals within a word stay, unless the whole word is in capitals.
    """
    words = re.findall("[A-Za-z0-9]+", name)
    return "".join(
        word.capitalize() if word.isupper() else word[:1].upper() + word[1:] for word in words
    )
