"""What changed, in lines."""

from typing import Any

import pytest
from contract.explaining import explain_change


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, ["/a: 1 -> 2"]),
        ({"a": {"b/c": 1}}, {"a": {}}, ["/a/b~1c: dropped 1"]),
        ({}, {"a": {"b": 1}}, ["/a: added an object of 1"]),
        ({"a": [1, 2]}, {"a": [1, 3]}, ["/a/1: 2 -> 3"]),
        ({"a": [1]}, {"a": [1, 2]}, ["/a: [1] -> [1, 2]"]),
        ({"a": list(range(9))}, {"a": 0}, ["/a: a list of 9 -> 0"]),
        ({"a": "x" * 99}, {"a": 0}, [f"/a: '{'x' * 59}... -> 0"]),
        (dict.fromkeys("abcdef", 1), {}, ["/: dropped 6 keys, a to f"]),
    ],
)
def test_differences_are_lines(before: Any, after: Any, lines: list[str]) -> None:
    """Each difference is one line with its place; many keys of one object are one line."""
    assert list(explain_change(before, after)) == lines
