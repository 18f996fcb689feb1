"""The replies: each is described by its status, and errors share one envelope."""

import json
from http import HTTPStatus
from typing import Any

from contract.model import JsonList, JsonObject, is_list, is_object
from contract.traversal import rewrite_schemas

from .media import get_body_schema, get_operation, replace_operation, with_body_schema
from .prose import KNOWN_VALUES
from .unions import sort_values


def is_error(status: str) -> bool:
    """Tell whether a key of `responses` is that of an error."""
    return not status.startswith(("1", "2", "3"))


def describe_responses(document: JsonObject) -> JsonObject:
    """Describe each reply by its status' name, since OpenAPI wants a description."""
    operation = get_operation(document)
    responses = {
        status: {**response, "description": _name_status(status)}
        for status, response in operation["responses"].items()
        if is_object(response)
    }
    return replace_operation(document, {**operation, "responses": responses})


def _name_status(status: str) -> str:
    try:
        return HTTPStatus(int(status)).phrase
    except ValueError:
        return "Any other reply" if status == "default" else f"A reply with status {status}"


def share_error_envelopes(document: JsonObject) -> JsonObject:
    """
    Merge error bodies that differ only in their known values.

    Upstream declares one envelope for each status; a value known to one becomes known to all.
    """
    operation = get_operation(document)
    groups: dict[str, list[str]] = {}
    for status, response in operation["responses"].items():
        schema = get_body_schema(response)
        if is_error(status) and schema is not None:
            groups.setdefault(_dump_structure(schema), []).append(status)
    responses = dict(operation["responses"])
    for statuses in groups.values():
        bodies = [get_body_schema(responses[status]) or {} for status in statuses]
        shared = bodies[0]
        for body in bodies[1:]:
            shared = _unite_known(shared, body)
        for status in statuses:
            responses[status] = with_body_schema(responses[status], shared)
    return replace_operation(document, {**operation, "responses": responses})


def _dump_structure(schema: JsonObject) -> str:
    def forget(node: JsonObject) -> JsonObject:
        return {key: value for key, value in node.items() if key != KNOWN_VALUES}

    wrapped = rewrite_schemas({"components": {"schemas": {"body": schema}}}, forget)
    return json.dumps(wrapped, sort_keys=True)


def _unite_known(first: Any, second: Any) -> Any:
    """Walk two equal structures together and merge their known values."""
    if is_object(first) and is_object(second):
        united = {
            key: _unite_known(first.get(key, second.get(key)), second.get(key, first.get(key)))
            for key in {**first, **second}
        }
        known = [*_known(first), *_known(second)]
        return {**united, KNOWN_VALUES: sort_values(known)} if known else united
    if is_list(first) and is_list(second) and len(first) == len(second):
        return [_unite_known(a, b) for a, b in zip(first, second, strict=True)]
    return first


def _known(schema: JsonObject) -> JsonList:
    values = schema.get(KNOWN_VALUES)
    return values if is_list(values) else []
