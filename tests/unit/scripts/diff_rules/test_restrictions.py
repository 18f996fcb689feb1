"""Which values pass: tighter breaks a request, and what is a hint alone breaks nothing."""

from typing import Any

import pytest
from diff_rules.changes import ChangeClass
from diff_rules.places import Direction, Place
from diff_rules.schemas import compare_schemas

BREAKING, ADDITIVE = ChangeClass.BREAKING, ChangeClass.ADDITIVE
OPEN_ENUM, COSMETIC = ChangeClass.OPEN_ENUM, ChangeClass.COSMETIC
TEXT = {"type": "string"}
INTEGER = {"type": "integer"}


def compare(old: Any, new: Any, direction: Direction) -> list[tuple[ChangeClass, str]]:
    """Return the class and the message of each change between two schemas."""
    place = Place({}, {}, direction, "a", "a")
    return [(change.change_class, change.message) for change in compare_schemas(old, new, place)]


@pytest.mark.parametrize(
    ("keyword", "kind", "loose", "tight"),
    [
        ("minItems", "array", None, 1),
        ("maxItems", "array", 10, 5),
        ("minLength", "string", 1, 2),
        ("maxLength", "string", None, 256),
        ("minProperties", "object", None, 1),
        ("maxProperties", "object", 3, 2),
        ("minimum", "integer", None, 0),
        ("maximum", "number", 1.5, 1),
        ("exclusiveMinimum", "number", None, 0),
        ("exclusiveMaximum", "integer", 9, 8),
    ],
)
def test_bounds_break_requests_when_they_tighten(
    keyword: str, kind: str, loose: float | None, tight: float
) -> None:
    """A tighter bound breaks a request alone, a looser one breaks nothing."""
    wide = {"type": kind} if loose is None else {"type": kind, keyword: loose}
    narrow = {"type": kind, keyword: tight}

    classes = [
        [change_class for change_class, _ in compare(pair[0], pair[1], direction)]
        for direction in Direction
        for pair in ((wide, narrow), (narrow, wide))
    ]

    assert classes == [[BREAKING], [ADDITIVE], [ADDITIVE], [ADDITIVE]]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({**INTEGER, "exclusiveMinimum": 0}, {**INTEGER, "minimum": 1}),
        ({**INTEGER, "minimum": 0, "exclusiveMinimum": True}, {**INTEGER, "minimum": 1}),
        ({**INTEGER, "exclusiveMaximum": 9}, {**INTEGER, "maximum": 8}),
        ({**TEXT, "minLength": 0}, TEXT),
        ({**TEXT, "enum": ["a", "b"]}, {"enum": ["b", "a"]}),
        ({"const": "a"}, {"enum": ["a"]}),
    ],
)
def test_other_words_for_the_same_bound_are_no_change(old: Any, new: Any) -> None:
    """Above 0 is from 1 for whole numbers, and so on: what means the same is the same."""
    assert compare(old, new, Direction.REQUEST) == []


@pytest.mark.parametrize(
    ("old", "new", "request_class", "response_class", "message"),
    [
        (TEXT, {**TEXT, "enum": ["a"]}, BREAKING, ADDITIVE, 'only these values: ["a"]'),
        ({**TEXT, "enum": ["a"]}, TEXT, ADDITIVE, BREAKING, 'any string, not only ["a"]'),
        ({"enum": ["a", "b"]}, {"enum": ["a"]}, BREAKING, ADDITIVE, 'values gone: ["b"]'),
        ({"enum": ["a"]}, {"enum": ["a", "b"]}, ADDITIVE, BREAKING, 'values added: ["b"]'),
        (TEXT, {**TEXT, "pattern": "^a"}, BREAKING, ADDITIVE, 'pattern: none to "^a"'),
        ({**TEXT, "pattern": "^a"}, TEXT, ADDITIVE, ADDITIVE, 'pattern: "^a" to none'),
        ({}, {"not": {"type": "null"}}, BREAKING, ADDITIVE, 'not: none to {"type": "null"}'),
        (TEXT, {**TEXT, "format": "uri"}, COSMETIC, COSMETIC, 'format: none to "uri"'),
        (TEXT, {**TEXT, "format": "date-time"}, BREAKING, BREAKING, 'format: none to "date-time"'),
        ({**TEXT, "default": "a"}, {**TEXT, "default": "b"}, BREAKING, BREAKING, '"a" to "b"'),
        (TEXT, {**TEXT, "default": "a"}, ADDITIVE, ADDITIVE, 'default: none to "a"'),
        (TEXT, {**TEXT, "deprecated": True}, ADDITIVE, ADDITIVE, "deprecated"),
        ({**TEXT, "deprecated": True}, TEXT, ADDITIVE, ADDITIVE, "no longer deprecated"),
    ],
)
def test_rules_have_their_class_in_each_direction(
    old: Any, new: Any, request_class: ChangeClass, response_class: ChangeClass, message: str
) -> None:
    """Fewer values break a request, more of them a reply, and a type in Python breaks both."""
    (in_request,) = compare(old, new, Direction.REQUEST)
    (in_response,) = compare(old, new, Direction.RESPONSE)

    assert (in_request[0], in_response[0]) == (request_class, response_class)
    assert message in in_request[1]


@pytest.mark.parametrize("direction", Direction)
def test_known_values_are_hints(direction: Direction) -> None:
    """Known values that come and go are an open enum's, whichever way the data goes."""
    old = {**TEXT, "x-known-values": ["a", "b"]}
    new = {**TEXT, "x-known-values": ["b", "c"]}

    assert compare(old, new, direction) == [(OPEN_ENUM, 'known values: +"c" -"a"')]


def test_known_values_stay_with_the_text_of_a_nullable_field() -> None:
    """The values of a text that may be null are compared like those of one that may not."""
    old = {"type": ["string", "null"], "x-known-values": []}
    new = {"anyOf": [{**TEXT, "x-known-values": ["a"]}, {"type": "null"}]}

    assert compare(old, new, Direction.REQUEST) == [(OPEN_ENUM, 'known values: +"a"')]
