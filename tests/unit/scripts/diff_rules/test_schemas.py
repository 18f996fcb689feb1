"""Schemas compared for those who send, and for those who are given, a value of them."""

from typing import Any

import pytest
from contract.model import ContractError
from diff_rules.changes import ChangeClass
from diff_rules.places import Direction, Place
from diff_rules.schemas import compare_schemas

BREAKING, ADDITIVE = ChangeClass.BREAKING, ChangeClass.ADDITIVE
TEXT = {"type": "string"}
NULL = {"type": "null"}
INTEGER = {"type": "integer"}
NUMBER = {"type": "number"}


def compare(
    old: Any,
    new: Any,
    direction: Direction = Direction.REQUEST,
    schemas: tuple[dict[str, Any], dict[str, Any]] = ({}, {}),
) -> list[tuple[str, ChangeClass, str]]:
    """Return the path, the class and the message of each change between two schemas."""
    before, after = ({"components": {"schemas": named}} for named in schemas)
    changes = compare_schemas(old, new, Place(before, after, direction, "a", "a"))
    return [(change.path, change.change_class, change.message) for change in changes]


def refer(name: str) -> dict[str, str]:
    """Return a reference to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def make_object(*required: str, **fields: Any) -> dict[str, Any]:
    """Return an object's schema."""
    return {"type": "object", "properties": fields, "required": list(required)}


@pytest.mark.parametrize(
    ("old", "new", "path", "message", "request_class", "response_class"),
    [
        (make_object(), make_object(b=TEXT), "a.b", "new optional field", ADDITIVE, ADDITIVE),
        (make_object(), make_object("b", b=TEXT), "a.b", "new required field", BREAKING, ADDITIVE),
        (make_object(b=TEXT), make_object(), "a.b", "field removed", BREAKING, BREAKING),
        (make_object("b", b=TEXT), make_object(), "a.b", "field removed", BREAKING, BREAKING),
        (
            make_object(b=TEXT), make_object("b", b=TEXT), "a.b", "now required",
            BREAKING, ADDITIVE,
        ),
        (
            make_object("b", b=TEXT), make_object(b=TEXT), "a.b", "no longer required",
            ADDITIVE, BREAKING,
        ),
        (
            make_object(), {**make_object(), "additionalProperties": False},
            "a.*", "no fields but those named", BREAKING, BREAKING,
        ),
        (
            {**make_object(), "additionalProperties": False}, make_object(),
            "a.*", "fields that are not named pass", ADDITIVE, ADDITIVE,
        ),
    ],
)  # fmt: skip
def test_fields_have_their_class_in_each_direction(
    old: Any,
    new: Any,
    path: str,
    message: str,
    request_class: ChangeClass,
    response_class: ChangeClass,
) -> None:
    """What a request newly needs breaks, what a reply newly has does not, a loss always does."""
    assert compare(old, new, Direction.REQUEST) == [(path, request_class, message)]
    assert compare(old, new, Direction.RESPONSE) == [(path, response_class, message)]


@pytest.mark.parametrize(
    ("narrow", "wide", "kind"),
    [
        (TEXT, {"type": ["string", "null"]}, "null"),
        (TEXT, {"anyOf": [TEXT, INTEGER]}, "integer"),
        (INTEGER, NUMBER, "number"),
        (TEXT, {}, "any"),
        ({"anyOf": [TEXT, NULL]}, True, "any"),
    ],
)
def test_a_wider_type_breaks_replies_and_a_narrower_one_requests(
    narrow: Any, wide: Any, kind: str
) -> None:
    """What callers no longer may send breaks, and so does what they never had to expect."""
    assert compare(narrow, wide, Direction.REQUEST) == [("a", ADDITIVE, f"now takes {kind}")]
    assert compare(narrow, wide, Direction.RESPONSE) == [("a", BREAKING, f"now may be {kind}")]
    assert compare(wide, narrow, Direction.REQUEST) == [("a", BREAKING, f"no longer takes {kind}")]
    assert compare(wide, narrow, Direction.RESPONSE) == [
        ("a", ADDITIVE, f"may no longer be {kind}")
    ]


def test_another_type_is_a_loss_and_a_gain() -> None:
    """A field of quite another type tells what went and what came."""
    changes = compare(make_object(b=TEXT), make_object(b={"type": "array"}))

    assert changes == [
        ("a.b", BREAKING, "no longer takes string"),
        ("a.b", ADDITIVE, "now takes array"),
    ]


def test_paths_lead_through_arrays_and_open_objects() -> None:
    """`[]` stands for an entry of an array, `*` for a field that has no name of its own."""
    old = {"items": {"additionalProperties": {"type": "object"}}}
    new = {"items": {"additionalProperties": make_object(b=TEXT)}}

    assert compare(old, new) == [("a[].*.b", ADDITIVE, "new optional field")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (refer("Old"), refer("New")),
        (refer("Old"), make_object(b=TEXT)),
        (make_object(b=TEXT), {"allOf": [refer("New"), {"description": "D"}]}),
        ({"anyOf": [refer("Old"), NULL]}, {**make_object(b=TEXT), "nullable": True}),
    ],
)
def test_the_place_of_a_schema_makes_no_difference(old: Any, new: Any) -> None:
    """A schema that is renamed, inlined or hoisted takes the same values as before."""
    schemas = ({"Old": make_object(b=TEXT)}, {"New": make_object(b=TEXT)})

    assert compare(old, new, schemas=schemas) == []


def test_a_circle_ends_and_its_change_is_found() -> None:
    """A schema that holds itself is compared once on each way."""
    old = make_object(b=refer("Node"), c=TEXT)
    new = make_object(b=refer("Node"))

    changes = compare(refer("Node"), refer("Node"), schemas=({"Node": old}, {"Node": new}))

    assert changes == [("a.c", BREAKING, "field removed")]


def test_members_of_a_union_are_paired_by_what_they_are() -> None:
    """Objects of a union that stand in another order are still compared with their like."""
    one, two = make_object("b", b=TEXT), make_object("c", c=TEXT)

    changes = compare({"anyOf": [one, two]}, {"anyOf": [make_object("c", c=TEXT, d=TEXT), one]})

    assert changes == [("a.d", ADDITIVE, "new optional field")]


def test_a_change_has_the_component_as_its_home() -> None:
    """What changes inside a component has one home, wherever users meet it."""
    schemas = [{"Shared": make_object()}, {"Shared": make_object(b=TEXT)}]
    before, after = ({"components": {"schemas": named}} for named in schemas)
    field = make_object(x=refer("Shared"), y={"type": "array", "items": refer("Shared")})
    place = Place(before, after, Direction.REQUEST, "request", "request")

    changes = list(compare_schemas(field, field, place))

    assert [change.path for change in changes] == ["request.x.b", "request.y[].b"]
    assert {change.home for change in changes} == {"Shared.b"}


def test_a_dangling_reference_is_refused() -> None:
    """A contract with a reference to nothing cannot be compared."""
    with pytest.raises(ContractError, match="Absent leads nowhere"):
        compare(refer("Absent"), TEXT)
