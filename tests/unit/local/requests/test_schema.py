"""Checking request bodies against the packaged contract."""

import pytest
from openrouter_rerank.local._requests.schema import find_violation

VALID: dict[str, object] = {"model": "m", "query": "q", "documents": ["a", {"text": "b"}]}


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"top_n": 1},
        {"top_n": 2.0},
        {"query": ""},
        {"provider": None},
        {"provider": {"sort": "a value of tomorrow", "max_price": {"prompt": "0.1"}}},
        {"trace": {"trace_id": "t", "any": {"thing": 1}}},
        {"user": "u", "session_id": "s" * 256},
        {"a_field_of_tomorrow": [1]},
        {"documents": [{"image": "https://example.com/a.png"}]},
    ],
)
def test_valid_body_has_no_violation(extra: dict[str, object]) -> None:
    """What the contract allows is valid, including unknown fields and values."""
    assert find_violation({**VALID, **extra}) is None


VIOLATIONS: list[tuple[dict[str, object], str]] = [
    ({"documents": []}, "documents: [] should be non-empty"),
    ({"documents": "a"}, "documents: 'a' is not of type 'array'"),
    ({"documents": [5]}, "documents[0]: 5 is not of type 'string' or 'object'"),
    ({"documents": ["a", {"text": 5}]}, "documents[1].text: 5 is not of type 'string'"),
    ({"documents": ["a", {}]}, "documents[1]: {} should be non-empty"),
    ({"query": None}, "query: None is not of type 'string'"),
    ({"top_n": 0}, "top_n: 0 is less than the minimum of 1"),
    ({"top_n": True}, "top_n: True is not of type 'integer'"),
    ({"provider": 3}, "provider: 3 is not of type 'object' or 'null'"),
    ({"provider": {"order": 1}}, "provider.order: 1 is not of type 'array', 'null'"),
    (
        {"provider": {"sort": {"by": 1}}},
        "provider.sort.by: 1 is not of type 'string', 'null'",
    ),
]


@pytest.mark.parametrize(("extra", "message"), VIOLATIONS)
def test_message_names_the_field(extra: dict[str, object], message: str) -> None:
    """The message begins with the field's path and follows the branch of a union that fits."""
    assert find_violation({**VALID, **extra}) == message


@pytest.mark.parametrize("field", ["model", "query", "documents"])
def test_missing_field_is_named(field: str) -> None:
    """A required field that is missing is what the message begins with."""
    body = {name: value for name, value in VALID.items() if name != field}

    assert find_violation(body) == f"{field}: required, but missing"


def test_body_that_is_no_object_is_refused() -> None:
    """A body of another type is named as the body."""
    assert find_violation([1]) == "body: [1] is not of type 'object'"


def test_long_values_are_quoted_in_part() -> None:
    """A message does not repeat a caller's long value."""
    message = find_violation({**VALID, "documents": "a" * 10_000})

    assert message is not None
    assert len(message) < 150
    assert message.startswith("documents: 'aaa")
    assert message.endswith("... is not of type 'array'")


def test_long_names_are_cut() -> None:
    """A message does not grow with the names of a caller's unknown fields."""
    message = find_violation({**VALID, "provider": {"x" * 10_000: 1}})

    assert message is not None
    assert len(message) < 400
