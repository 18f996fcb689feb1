"""The contract's example of each reply."""

import pytest
from openrouter_rerank.local._contract.examples import (
    describe_status,
    find_body,
    find_headers,
    follow_reference,
)


def test_example_of_a_status_is_found() -> None:
    """A declared status has the body that its example in the contract has."""
    body = find_body(529)

    assert body["error"]["metadata"] == {"error_type": "provider_overloaded"}


def test_undeclared_status_has_a_body_of_the_same_shape() -> None:
    """A status that the contract does not declare gets its code and its reason phrase."""
    assert find_body(451) == {
        "error": {"code": 451, "message": "Unavailable For Legal Reasons"},
    }


@pytest.mark.parametrize(
    ("status", "names"),
    [
        (429, ["Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"]),
        (503, ["Retry-After"]),
        (500, []),
        (418, []),
    ],
)
def test_declared_headers_have_their_examples(status: int, names: list[str]) -> None:
    """The headers are the contract's, except one that would override `Retry-After`."""
    headers = find_headers(status)

    assert list(headers) == names
    assert all(value.isdecimal() for value in headers.values())


@pytest.mark.parametrize(("status", "reason"), [(499, "client error"), (530, "server error")])
def test_status_without_a_name_is_described(status: int, reason: str) -> None:
    """An unknown status is described as a client or a server error."""
    assert describe_status(status) == reason


@pytest.mark.parametrize("header", [{"example": "2"}, {"$ref": "#/components/headers/RetryAfter"}])
def test_header_is_found_where_it_is_declared(header: dict[str, str]) -> None:
    """A header may be declared in place or by reference."""
    assert follow_reference(header)["example"] == "2"
