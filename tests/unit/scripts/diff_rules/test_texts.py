"""What only readers of a contract notice."""

from typing import Any

import pytest
from diff_rules.changes import ChangeClass
from diff_rules.texts import compare_texts


def compare(old: Any, new: Any) -> list[tuple[str, str]]:
    """Return the pointer and the message of each change, all of them cosmetic."""
    changes = list(compare_texts(old, new))
    assert {change.change_class for change in changes} <= {ChangeClass.COSMETIC}
    return [(change.path, change.message) for change in changes]


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ({"info": {"version": "1"}}, {"info": {"version": "2"}}, [("#/info", "changed")]),
        ({}, {"x-retry": 1}, [("#/x-retry", "added")]),
        ({"a/b": {"summary": "A"}}, {"a/b": {}}, [("#/a~1b/summary", "removed")]),
        ({"a": [{"example": 1}]}, {"a": [{"example": 2}]}, [("#/a/0/example", "changed")]),
        ({"a": {"required": ["b", "c"]}}, {"a": {"required": ["c", "b"]}},
         [("#/a/required", "reordered")]),
        ({"properties": {"b": {}, "c": {}}}, {"properties": {"c": {}, "b": {}}},
         [("#/properties", "reordered")]),
    ],
)  # fmt: skip
def test_prose_examples_extensions_and_order_are_cosmetic(
    old: Any, new: Any, changes: list[tuple[str, str]]
) -> None:
    """Each change for readers stands at its JSON pointer."""
    assert compare(old, new) == changes


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"properties": {"title": {"type": "string"}}}, {"properties": {}}),
        ({"a": {"x-known-values": ["b"]}}, {"a": {"x-known-values": []}}),
        ({"a": {"default": {"title": 1}}}, {"a": {"default": {"title": 2}}}),
        ({"a": {"tags": ["b"]}}, {"a": {"tags": ["c"]}}),
        ({"type": "string", "format": "uri"}, {"format": "uri", "type": "string"}),
    ],
)
def test_what_the_other_comparisons_tell_is_left_to_them(old: Any, new: Any) -> None:
    """A field called `title`, known values, defaults and tags of an operation are no prose."""
    assert compare(old, new) == []
