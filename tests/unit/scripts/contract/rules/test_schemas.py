"""The rules for one schema."""

from collections.abc import Callable
from typing import Any

import pytest
from contract.rules import schemas

Json = dict[str, Any]
Rule = Callable[[Json], Json]


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        (schemas.open_enum, {"type": "string", "enum": ["b", "a"]},
         {"type": "string", "x-known-values": ["a", "b"]}),
        (schemas.open_enum, {"enum": ["b", None]},
         {"type": ["string", "null"], "x-known-values": ["b"]}),
        (schemas.open_enum, {"type": "string", "enum": ["b", None]},
         {"type": ["string", "null"], "x-known-values": ["b"]}),
        (schemas.open_enum, {"enum": [None]}, {"type": "null"}),
        (schemas.open_enum, {"const": "only"}, {"type": "string", "x-known-values": ["only"]}),
        (schemas.open_enum, {"type": "integer", "enum": [2, 1]},
         {"type": "integer", "x-known-values": [1, 2]}),
        (schemas.open_enum, {"enum": [True]}, {"type": "boolean"}),
        (schemas.open_enum, {"type": "string", "enum": ["a"], "x-known-values": ["b"]},
         {"type": "string", "x-known-values": ["a", "b"]}),
        (schemas.open_enum, {"type": "string"}, {"type": "string"}),
        (schemas.read_true, {"properties": {"a": True, "b": {"type": "string"}}, "items": True},
         {"properties": {"a": {}, "b": {"type": "string"}}, "items": {}}),
        (schemas.read_true, {"additionalProperties": True}, {"additionalProperties": True}),
        (schemas.read_bounds, {"type": "integer", "exclusiveMinimum": 0},
         {"type": "integer", "minimum": 1}),
        (schemas.read_bounds, {"type": "integer", "exclusiveMinimum": 0, "minimum": 0},
         {"type": "integer", "minimum": 1}),
        (schemas.read_bounds, {"type": "integer", "exclusiveMinimum": 0, "minimum": 5},
         {"type": "integer", "minimum": 5}),
        (schemas.read_bounds, {"type": ["integer", "null"], "exclusiveMinimum": True, "minimum": 0},
         {"type": ["integer", "null"], "minimum": 1}),
        (schemas.read_bounds, {"type": "integer", "exclusiveMinimum": False, "minimum": 0},
         {"type": "integer", "minimum": 0}),
        (schemas.read_bounds, {"type": "integer", "exclusiveMaximum": 10},
         {"type": "integer", "maximum": 9}),
        (schemas.read_bounds, {"type": "number", "exclusiveMinimum": 0},
         {"type": "number", "exclusiveMinimum": 0}),
        (schemas.read_bounds, {"type": "number", "exclusiveMinimum": True, "minimum": 0},
         {"type": "number", "exclusiveMinimum": 0}),
        (schemas.infer_type, {"properties": {}}, {"properties": {}, "type": "object"}),
        (schemas.infer_type, {"items": {}}, {"items": {}, "type": "array"}),
        (schemas.infer_type, {"properties": {}, "anyOf": []}, {"properties": {}, "anyOf": []}),
        (schemas.order_types, {"type": ["null", "integer", "string"]},
         {"type": ["string", "integer", "null"]}),
        (schemas.order_types, {"type": ["string"]}, {"type": "string"}),
        (schemas.open_additional_properties, {"additionalProperties": {}},
         {"additionalProperties": True}),
        (schemas.open_additional_properties, {"additionalProperties": {"nullable": True}},
         {"additionalProperties": True}),
        (schemas.open_additional_properties, {"additionalProperties": False},
         {"additionalProperties": False}),
        (schemas.sort_required, {"required": ["b", "a", "b"]}, {"required": ["a", "b"]}),
        (schemas.sort_required, {"required": []}, {}),
        (schemas.drop_unused_keywords,
         {"default": 1, "discriminator": {}, "deprecated": False, "nullable": False, "$defs": {}},
         {}),
        (schemas.drop_unused_keywords, {"deprecated": True, "nullable": True},
         {"deprecated": True, "nullable": True}),
    ],
)  # fmt: skip
def test_rules_write_one_form(rule: Rule, before: Json, after: Json) -> None:
    """Each rule arrives at its form, and leaves that form alone."""
    assert rule(before) == after
    assert rule(after) == after
