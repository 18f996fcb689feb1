"""Alternatives in their simplest form."""

from typing import Any

import pytest
from contract.model import ContractError
from contract.rules.unions import drop_presence_unions, simplify_union, split_types

Json = dict[str, Any]
STRING: Json = {"type": "string"}
NULL: Json = {"type": "null"}
OBJECT: Json = {"type": "object", "properties": {"a": {}}}


@pytest.mark.parametrize(
    ("members", "simple"),
    [
        ([STRING], STRING),
        ([STRING, STRING], STRING),
        ([STRING, NULL], {"type": ["string", "null"]}),
        ([NULL], NULL),
        ([NULL, {}], {}),
        ([OBJECT, STRING], {"anyOf": [STRING, OBJECT]}),
        ([NULL, OBJECT, STRING], {"anyOf": [STRING, OBJECT, NULL]}),
        ([{"anyOf": [OBJECT, NULL]}, STRING], {"anyOf": [STRING, OBJECT, NULL]}),
        ([{"type": "integer"}, STRING], {"type": ["string", "integer"]}),
        ([{"type": ["integer", "null"]}, STRING], {"type": ["string", "integer", "null"]}),
        ([OBJECT, NULL], {"type": ["object", "null"], "properties": {"a": {}}}),
        ([{"minimum": 1}, NULL], {"anyOf": [{"minimum": 1}, NULL]}),
        ([{"type": "string", "maxLength": 3}, STRING], STRING),
        ([{"type": "string", "x-known-values": ["b", "a"]}, STRING],
         {"type": "string", "x-known-values": ["a", "b"]}),
        ([{"type": "string", "x-known-values": ["b"]}, {"type": "string", "x-known-values": ["a"]}],
         {"type": "string", "x-known-values": ["a", "b"]}),
        ([{"type": "number", "format": "double"}, OBJECT],
         {"anyOf": [{"type": "number", "format": "double"}, OBJECT]}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", ["anyOf", "oneOf"])
def test_alternatives_are_simplified(key: str, members: list[Json], simple: Json) -> None:
    """Alternatives are flat, distinct and sorted by type; null is last or among the types."""
    assert simplify_union({key: members}) == simple


def test_what_stands_beside_goes_into_each_alternative() -> None:
    """Keywords beside the alternatives hold for each of them."""
    schema: Json = {
        "type": "object",
        "anyOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}],
    }

    assert simplify_union(schema) == {
        "anyOf": [
            {"properties": {"a": {}}, "type": "object"},
            {"properties": {"b": {}}, "type": "object"},
        ]
    }


def test_anyof_beside_oneof_is_refused() -> None:
    """Two sets of alternatives at once are refused."""
    with pytest.raises(ContractError, match="both anyOf and oneOf"):
        simplify_union({"anyOf": [STRING], "oneOf": [STRING]})


def test_a_choice_of_required_names_is_dropped() -> None:
    """Alternatives that only name required properties are no types."""
    assert drop_presence_unions(
        {**OBJECT, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}
    ) == (OBJECT)


def test_types_with_an_object_among_them_are_split() -> None:
    """An object among other types gets an alternative of its own, with what is said of objects."""
    schema: Json = {"type": ["string", "object", "null"], "maxLength": 3, "properties": {"a": {}}}

    assert split_types(schema) == {
        "anyOf": [
            {"maxLength": 3, "type": "string"},
            {"maxLength": 3, "type": "object", "properties": {"a": {}}},
            NULL,
        ]
    }


def test_scalar_types_stay_together() -> None:
    """A list of scalar types, or one type and null, needs no alternatives."""
    for types in (["string", "integer", "null"], ["object", "null"], "object"):
        assert split_types({"type": types}) == {"type": types}
