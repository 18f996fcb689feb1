"""The shapes of a value: however a schema is written, they come out the same."""

from typing import Any

import pytest
from diff_rules.shapes import list_shapes

TEXT = {"type": "string", "x-known-values": ["a", "b"]}
DOCUMENT: dict[str, Any] = {
    "components": {
        "schemas": {
            "Text": TEXT,
            "Thing": {"type": "object", "properties": {"name": {"type": "string"}}},
            "Loop": {"anyOf": [{"$ref": "#/components/schemas/Loop"}, {"type": "integer"}]},
        }
    }
}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": ["string", "null"], "x-known-values": ["a", "b"]},
        {"type": "string", "nullable": True, "x-known-values": ["a", "b"]},
        {"anyOf": [TEXT, {"type": "null"}]},
        {"oneOf": [TEXT], "nullable": True, "description": "D"},
        {"anyOf": [{"allOf": [TEXT, {"description": "D"}]}, {"type": "null"}], "default": None},
        {"anyOf": [{"anyOf": [TEXT, {"type": "null"}]}, {"type": "null"}]},
    ],
)
def test_every_way_to_write_null_is_one(schema: dict[str, Any]) -> None:
    """A text or null is the same two shapes in every spelling of OpenAPI 3.0 and 3.1."""
    shapes = [(shape.kind, shape.keywords) for shape in list_shapes(DOCUMENT, schema)]

    assert shapes == [("string", {"x-known-values": ["a", "b"]}), ("null", {})]


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/components/schemas/Thing"},
        {"$ref": "#/components/schemas/Thing", "description": "D"},
        {"allOf": [{"$ref": "#/components/schemas/Thing"}, {"description": "D"}]},
        {"anyOf": [{"$ref": "#/components/schemas/Thing"}]},
    ],
)
def test_a_decorated_reference_is_the_component(schema: dict[str, Any]) -> None:
    """Prose around a reference changes neither the shape nor the component's name."""
    (shape,) = list_shapes(DOCUMENT, schema)

    assert str(shape) == "object Thing"
    assert "name" in shape.keywords["properties"]


def test_members_of_all_of_are_one_object() -> None:
    """Fields and required names of all members count, and a field in two members is both."""
    more = {"properties": {"name": {"minLength": 1}, "size": {}}, "required": ["size"]}
    first = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}

    (shape,) = list_shapes(DOCUMENT, {"allOf": [first, more]})

    assert shape.keywords["required"] == ["name", "size"]
    assert shape.keywords["properties"]["name"] == {"allOf": [{"type": "string"}, {"minLength": 1}]}


@pytest.mark.parametrize(
    ("schema", "shapes"),
    [
        ({"enum": ["a", None]}, [("string", ["a"]), ("null", None)]),
        ({"type": ["string", "null"], "enum": ["a"]}, [("string", ["a"])]),
        ({"type": "string", "nullable": True, "enum": ["a"]}, [("string", ["a"]), ("null", None)]),
        ({"const": 3}, [("integer", [3])]),
        ({"type": "number", "enum": [1, 2.5]}, [("number", [1, 2.5])]),
        ({"enum": [True]}, [("boolean", [True])]),
        ({"enum": [[1], {"a": 1}]}, [("array", [[1]]), ("object", [{"a": 1}])]),
        ({"properties": {}}, [("object", None)]),
        ({"items": {}}, [("array", None)]),
        ({}, [("any", None)]),
        (True, [("any", None)]),
    ],
)
def test_kinds_follow_from_types_values_and_keywords(
    schema: Any, shapes: list[tuple[str, list[Any] | None]]
) -> None:
    """Each kind of value that passes is a shape of its own, with the values of that kind alone."""
    assert [(shape.kind, shape.values) for shape in list_shapes(DOCUMENT, schema)] == shapes


def test_a_circle_adds_no_shapes() -> None:
    """A union that names itself ends, with the shapes of its other members."""
    shapes = list_shapes(DOCUMENT, {"$ref": "#/components/schemas/Loop"})

    assert [shape.kind for shape in shapes] == ["integer"]


def test_what_stands_beside_a_union_holds_for_each_member() -> None:
    """Keywords beside `anyOf` are part of every shape."""
    schema = {"type": "object", "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}

    shapes = list_shapes(DOCUMENT, schema)

    assert [shape.keywords for shape in shapes] == [{"required": ["a"]}, {"required": ["b"]}]
