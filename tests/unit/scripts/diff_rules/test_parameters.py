"""Parameters and headers compared."""

from typing import Any

import pytest
from diff_rules.changes import ChangeClass
from diff_rules.operations import compare_operations

Contract = dict[str, Any]
BREAKING, ADDITIVE = ChangeClass.BREAKING, ChangeClass.ADDITIVE


def compare(old: Contract, new: Contract) -> list[tuple[str, ChangeClass, str]]:
    """Return the path, the class and the message of each change."""
    return [(c.path, c.change_class, c.message) for c in compare_operations(old, new)]


@pytest.mark.parametrize(
    ("parameter", "change_class", "message"),
    [
        ({"name": "q", "in": "query"}, ADDITIVE, "new optional parameter"),
        ({"name": "q", "in": "query", "required": True}, BREAKING, "new required parameter"),
    ],
)
@pytest.mark.parametrize("holder", ["operation", "path"])
def test_a_new_parameter_breaks_if_it_is_required(
    old: Contract,
    new: Contract,
    operation: Contract,
    parameter: Contract,
    change_class: ChangeClass,
    message: str,
    holder: str,
) -> None:
    """A parameter counts alike on the operation and on its path item."""
    if holder == "operation":
        operation["parameters"].append(parameter)
    else:
        new["paths"]["/things"]["parameters"] = [parameter]

    assert compare(old, new) == [("request.query.q", change_class, message)]


def test_a_parameter_removed_breaks(old: Contract, new: Contract, operation: Contract) -> None:
    """What callers send may not stop being read."""
    operation["parameters"] = []

    assert compare(old, new) == [("request.header.X-App-Name", BREAKING, "parameter removed")]


@pytest.mark.parametrize(
    ("change", "change_class", "message"),
    [
        ({"required": True}, BREAKING, "now required"),
        ({"deprecated": True}, ADDITIVE, "deprecated"),
        ({"style": "simple"}, BREAKING, 'style: none to "simple"'),
        ({"schema": {"type": "string", "maxLength": 9}}, BREAKING, "maxLength: none to 9"),
    ],
)
def test_a_parameter_is_compared_like_a_field_of_the_request(
    old: Contract, new: Contract, change: Contract, change_class: ChangeClass, message: str
) -> None:
    """What it takes, whether it must be there, and how it is written count."""
    new["components"]["parameters"]["AppName"] |= change

    assert compare(old, new) == [("request.header.X-App-Name", change_class, message)]


def test_the_case_of_a_header_makes_no_difference(old: Contract, new: Contract) -> None:
    """Headers are the same in any case (RFC 9110, section 5.1)."""
    new["components"]["parameters"]["AppName"]["name"] = "x-app-name"
    headers = new["paths"]["/things"]["post"]["responses"]["200"]["headers"]
    headers["x-id"] = headers.pop("X-Id")

    assert compare(old, new) == []


def test_headers_of_replies_are_compared(old: Contract, new: Contract, operation: Contract) -> None:
    """A header lost breaks, a new one adds."""
    reply = operation["responses"]["200"]
    reply["headers"] = {"X-New": reply["headers"]["X-Id"]}

    assert compare(old, new) == [
        ("response.200.header.X-Id", BREAKING, "header removed"),
        ("response.200.header.X-New", ADDITIVE, "new header"),
    ]


def test_a_header_s_schema_is_one_of_replies(
    old: Contract, new: Contract, operation: Contract
) -> None:
    """A header that may hold more than before breaks."""
    operation["responses"]["200"]["headers"]["X-Id"]["schema"] = {"type": ["string", "null"]}

    assert compare(old, new) == [("response.200.header.X-Id", BREAKING, "now may be null")]
