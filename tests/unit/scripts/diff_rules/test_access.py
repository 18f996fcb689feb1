"""Where requests go and with which credentials, compared."""

from typing import Any

import pytest
from diff_rules.changes import ChangeClass
from diff_rules.operations import compare_operations

Contract = dict[str, Any]
BREAKING, ADDITIVE = ChangeClass.BREAKING, ChangeClass.ADDITIVE
OURS, OTHER = "https://example.com/v1", "https://example.org/v1"


def compare(old: Contract, new: Contract) -> list[tuple[str, ChangeClass, str]]:
    """Return the path, the class and the message of each change."""
    return [(c.path, c.change_class, c.message) for c in compare_operations(old, new)]


def list_servers(*urls: str) -> list[dict[str, str]]:
    """Return servers of these URLs."""
    return [{"url": url} for url in urls]


@pytest.mark.parametrize(
    ("before", "after", "change_class", "message"),
    [
        ([OURS], [OTHER], BREAKING, f'"{OURS}" to "{OTHER}"'),
        ([OURS], [OURS, OTHER], ADDITIVE, f'new server "{OTHER}"'),
        ([OURS, OTHER], [OURS], BREAKING, f'"{OTHER}" removed'),
    ],
)
def test_requests_that_go_elsewhere_break(
    old: Contract,
    new: Contract,
    before: list[str],
    after: list[str],
    change_class: ChangeClass,
    message: str,
) -> None:
    """The first server is where the key goes, so another one breaks; one more adds."""
    old["servers"], new["servers"] = list_servers(*before), list_servers(*after)

    assert compare(old, new) == [("servers", change_class, message)]


def test_the_closest_servers_hold(old: Contract, new: Contract, operation: Contract) -> None:
    """An operation's own servers replace the document's."""
    new["servers"] = list_servers(OTHER)
    operation["servers"] = list_servers(OURS)

    assert compare(old, new) == []


def test_another_way_to_authenticate_breaks(old: Contract, new: Contract) -> None:
    """A way that is no longer accepted breaks, a new one adds."""
    new["components"]["securitySchemes"]["bearer"] = {"type": "http", "scheme": "basic"}

    changes = compare(old, new)

    assert [(path, change_class) for path, change_class, _ in changes] == [
        ("security", BREAKING),
        ("security", ADDITIVE),
    ]
    assert '"bearer"' in changes[0][2]


def test_the_name_of_a_scheme_makes_no_difference(old: Contract, new: Contract) -> None:
    """Security schemes are compared by what they are; prose about them does not count."""
    scheme = {**new["components"]["securitySchemes"].pop("bearer"), "description": "A key"}
    new["components"]["securitySchemes"]["apiKey"] = scheme
    new["security"] = [{"apiKey": []}]

    assert compare(old, new) == []


def test_credentials_that_become_needed_break(
    old: Contract, new: Contract, operation: Contract
) -> None:
    """An operation that was open to all and now wants a key breaks; the reverse is no one way."""
    old["paths"]["/things"]["post"]["security"] = []

    assert compare(old, new)[0] == (
        "security",
        BREAKING,
        "no longer accepts requests without credentials",
    )
