"""The ways to write null."""

from typing import Any

import pytest
from contract.rules.nulls import accepts_null, is_null, read_nullable, without_null

Json = dict[str, Any]
ANY: Json = {}


@pytest.mark.parametrize(
    "schema",
    [{"type": "null"}, {"type": ["null"]}, {"const": None}, {"enum": [None]}, {"nullable": True}],
)
def test_null_alone_is_recognised(schema: Json) -> None:
    """Each way to write null as an alternative counts."""
    assert is_null(schema)


@pytest.mark.parametrize("schema", [{}, {"type": "string"}, {"const": "null"}, {"enum": ["a"]}])
def test_what_is_not_null_is_not(schema: Json) -> None:
    """Anything, or a string that reads null, is no null."""
    assert not is_null(schema)


@pytest.mark.parametrize(
    ("schema", "read"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "string", "nullable": False}, {"type": "string"}),
        ({"type": ["string", "null"], "nullable": True}, {"type": ["string", "null"]}),
        ({"anyOf": [ANY], "nullable": True}, {"anyOf": [ANY, {"type": "null"}]}),
        ({"oneOf": [{"type": "null"}], "nullable": True}, {"oneOf": [{"type": "null"}]}),
        ({"nullable": True}, {"nullable": True}),
        ({"maxLength": 1, "nullable": True}, {"maxLength": 1}),
    ],
)
def test_the_flag_becomes_a_type(schema: Json, read: Json) -> None:
    """`nullable` goes into the types or the alternatives; alone it waits for what holds it."""
    assert read_nullable(schema) == read


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "nullable": True},
        {"type": ["string", "null"]},
        {"type": "string", "enum": ["a", None]},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        {"oneOf": [{"type": ["string", "null"]}]},
    ],
)
def test_without_null_takes_null_no_more(schema: Json) -> None:
    """Taken out, null is gone from wherever it was written."""
    assert accepts_null(schema)
    assert not accepts_null(without_null(schema))
