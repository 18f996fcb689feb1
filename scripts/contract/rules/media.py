"""The operation's bodies, reduced to JSON."""

from typing import Any

from contract.model import ContractError, JsonObject, is_object
from contract.traversal import rewrite

from .slicing import METHOD, PATH

JSON_MEDIA = "application/json"
SUCCESS = "200"


def get_operation(document: JsonObject) -> JsonObject:
    """Return POST /rerank of a sliced document."""
    operation: JsonObject = document["paths"][PATH][METHOD]
    return operation


def replace_operation(document: JsonObject, operation: JsonObject) -> JsonObject:
    """Return the sliced document with another POST /rerank."""
    return {**document, "paths": {PATH: {METHOD: operation}}}


def get_body_schema(holder: JsonObject) -> JsonObject | None:
    """Return the JSON schema of a request body or a reply; None if it has none."""
    media = holder.get("content", {}).get(JSON_MEDIA, {})
    schema = media.get("schema") if is_object(media) else None
    return schema if is_object(schema) else None


def with_body_schema(holder: JsonObject, schema: JsonObject) -> JsonObject:
    """Return the request body or reply with another JSON schema."""
    media = {**holder["content"][JSON_MEDIA], "schema": schema}
    return {**holder, "content": {**holder["content"], JSON_MEDIA: media}}


def keep_json(document: JsonObject) -> JsonObject:
    """Drop all media types but JSON: rerank neither takes forms nor streams."""

    def visit(kind: str, node: JsonObject) -> JsonObject:
        content = node.get("content")
        if kind not in {"body", "response"} or not is_object(content):
            return node
        kept = {key: value for key, value in node.items() if key != "content"}
        media = _find_json(content)
        return kept if media is None else {**kept, "content": {JSON_MEDIA: media}}

    return rewrite(document, "document", visit)


def _find_json(content: JsonObject) -> Any:
    for name in sorted(content, key=lambda name: (name != JSON_MEDIA, name)):
        essence = name.partition(";")[0].strip().lower()
        if essence == JSON_MEDIA or essence.endswith("+json"):
            return content[name]
    return None


def require_json(document: JsonObject) -> JsonObject:
    """
    Return the document as it is, if the request and the success are JSON.

    Raises:
        ContractError: One of them is not.
    """
    operation = get_operation(document)
    if get_body_schema(operation["requestBody"]) is None:
        raise ContractError("the request body is not JSON with a schema")
    if get_body_schema(operation["responses"].get(SUCCESS, {})) is None:
        raise ContractError("the 200 is not JSON with a schema")
    return document
