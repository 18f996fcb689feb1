"""allOf, merged into one schema."""

from typing import Any

import pytest
from contract.model import ContractError
from contract.rules.merging import merge_all_of

Json = dict[str, Any]
ANY: Json = {}


@pytest.mark.parametrize(
    ("members", "merged"),
    [
        ([{"type": "string"}, {}], {"type": "string"}),
        ([], {}),
        ([{"type": "string"}, {"maxLength": 3}], {"type": "string", "maxLength": 3}),
        (
            [{"type": "string", "maxLength": 5}, {"maxLength": 3, "minLength": 1}],
            {"type": "string", "maxLength": 3, "minLength": 1},
        ),
        ([{"type": "number"}, {"type": "integer"}], {"type": "integer"}),
        ([{"type": ["string", "null"]}, {"nullable": True}], {"type": ["string", "null"]}),
        ([{"type": ["string", "null"]}, {"type": "string"}], {"type": "string"}),
        ([{"type": "string"}, {"nullable": True}], {"type": ["string", "null"]}),
        ([{"enum": ["a", "b"]}, {"enum": ["b", "c"]}], {"enum": ["b"]}),
        (
            [{"maximum": 3, "exclusiveMaximum": True}, {"maximum": 2}],
            {"maximum": 2, "exclusiveMaximum": True},
        ),
        (
            [
                {"properties": {"a": {"type": "string"}, "b": {}}, "required": ["a"]},
                {"properties": {"a": {"maxLength": 1}, "c": {}}, "required": ["c", "a"]},
            ],
            {
                "properties": {"a": {"type": "string", "maxLength": 1}, "b": {}, "c": {}},
                "required": ["a", "c"],
            },
        ),
        (
            [{"anyOf": [{"maxLength": 1}, {"maxLength": 9}]}, {"type": "string"}],
            {"anyOf": [{"maxLength": 1, "type": "string"}, {"maxLength": 9, "type": "string"}]},
        ),
    ],
)
def test_members_are_merged(members: list[Json], merged: Json) -> None:
    """What each member says holds for the whole; a decoration that says null means it."""
    assert merge_all_of({"allOf": members}) == merged


def test_what_stands_beside_counts() -> None:
    """Keywords beside allOf are one more member."""
    assert merge_all_of({"allOf": [{"type": "string"}], "nullable": True, "maxLength": 2}) == {
        "type": ["string", "null"],
        "maxLength": 2,
    }


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ([{"type": "string"}, {"type": "object"}], "contradicts itself"),
        ([{"anyOf": [ANY]}, {"oneOf": [ANY]}], "several members with alternatives"),
    ],
)
def test_what_cannot_be_merged_is_refused(members: list[Json], complaint: str) -> None:
    """A contradiction is refused, and so are alternatives of alternatives."""
    with pytest.raises(ContractError, match=complaint):
        merge_all_of({"allOf": members})
