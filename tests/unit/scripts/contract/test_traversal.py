"""Walking a document by what its parts mean."""

from typing import Any

from contract.traversal import rewrite_schemas, walk

Json = dict[str, Any]


def mark(schema: Json) -> Json:
    """Leave a trace in a schema."""
    return {**schema, "marked": True}


def test_only_schemas_are_rewritten() -> None:
    """An example, an extension or a list of names that looks like a schema is left alone."""
    schema: Json = {
        "properties": {"example": {"type": "string"}, "$ref": {"type": "string"}},
        "example": {"properties": {"a": {}}},
        "required": ["example"],
        "x-known-values": [{"type": "string"}],
    }
    document: Json = {"components": {"schemas": {"Any": schema}}}

    rewritten = rewrite_schemas(document, mark)["components"]["schemas"]["Any"]

    assert rewritten == {
        **schema,
        "marked": True,
        "properties": {
            "example": {"type": "string", "marked": True},
            "$ref": {"type": "string", "marked": True},
        },
    }


def test_schemas_are_found_wherever_they_stand() -> None:
    """A schema of a body, a parameter, a header, and one inside each kind of keyword."""
    inner: Json = {
        "items": {},
        "additionalProperties": {},
        "anyOf": [{}, {}],
        "not": {},
        "patternProperties": {"x": {}},
    }
    body = {"content": {"application/json": {"schema": inner}}}
    operation: Json = {
        "parameters": [{"schema": {}}],
        "requestBody": body,
        "responses": {"200": {**body, "headers": {"X": {"schema": {}}}}},
    }
    document: Json = {"paths": {"/rerank": {"post": operation}}}

    kinds = [kind for kind, _ in walk(document, "document")]

    assert kinds.count("schema") == 2 * 7 + 2


def test_boolean_schemas_stay() -> None:
    """`additionalProperties: false` is no object to rewrite."""
    document: Json = {"components": {"schemas": {"Any": {"additionalProperties": False}}}}

    assert rewrite_schemas(document, mark)["components"]["schemas"]["Any"] == {
        "additionalProperties": False,
        "marked": True,
    }
