"""What callers may give for each optional field of a contract's request."""

from typing import Any

import pytest
from request_fields import RequestField, list_request_fields

MODEL = {"$ref": "#/components/schemas/RankHint"}
NULL = {"type": "null"}


def read_field(name: str, schema: Any, *required: str) -> list[RequestField]:
    """Return the fields of a request that has one field, and `top_n`."""
    body = {"type": "object", "properties": {name: schema, "top_n": {"type": "integer"}}}
    request = {"content": {"application/json": {"schema": {**body, "required": [*required]}}}}
    contract: dict[str, Any] = {
        "paths": {"/rerank": {"post": {"operationId": "rerank", "requestBody": request}}},
        "components": {"schemas": {"RankHint": {"type": "object", "properties": {}}}},
    }
    return list(list_request_fields(contract))


@pytest.mark.parametrize(
    ("schema", "argument", "setting"),
    [
        ({"type": "string"}, "str | None", "str | None"),
        ({"type": ["string", "null"]}, "str | Unset | None", "str | None"),
        ({"type": "integer"}, "int | None", "int | None"),
        ({"type": "number"}, "float | None", "float | None"),
        ({"type": "boolean"}, "bool | None", "bool | None"),
        ({"type": "object"}, "Mapping[str, Any] | None", "dict[str, Any] | None"),
        (MODEL, '"models.RankHint | Mapping[str, Any] | None"', "dict[str, Any] | None"),
        (
            {"anyOf": [MODEL, NULL]},
            '"models.RankHint | Mapping[str, Any] | Unset | None"',
            "dict[str, Any] | None",
        ),
        ({"type": "array"}, "Any | None", "Any | None"),
        ({"anyOf": [{"type": "string"}, MODEL]}, "Any | None", "Any | None"),
        (True, "Any | None", "Any | None"),
    ],
)
def test_a_field_has_the_types_that_it_takes(schema: Any, argument: str, setting: str) -> None:
    """A call takes models too, a setting plain JSON; only what may be null may be UNSET."""
    (field,) = read_field("hint", schema)

    assert (field.argument_type, field.setting_type) == (argument, setting)


def test_a_rule_has_what_the_encoder_checks() -> None:
    """The rule of a field says how it is sent, under which name, and within which limits."""
    (text,) = read_field("rank-hint", {"type": "string", "maxLength": 9, "description": "A hint."})
    (model,) = read_field("class", {"anyOf": [MODEL, NULL]})

    assert (text.name, text.description) == ("rank_hint", "A hint.")
    assert text.rule == {"name": "rank-hint", "type": "string", "nullable": False, "maxLength": 9}
    assert model.name == "class_"
    assert model.rule == {"name": "class", "type": "object", "nullable": True, "model": "RankHint"}


def test_what_callers_have_to_give_is_not_listed() -> None:
    """A required field is no optional one, and an operation without a body has none."""
    assert read_field("hint", {"type": "string"}, "hint") == []
    assert list(list_request_fields({"paths": {"/rerank": {"post": {}}}})) == []
