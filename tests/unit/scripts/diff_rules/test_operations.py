"""Operations compared: what is sent, and what is answered."""

from typing import Any

import pytest
from diff_rules.changes import ChangeClass
from diff_rules.operations import compare_operations

Contract = dict[str, Any]
BREAKING, ADDITIVE = ChangeClass.BREAKING, ChangeClass.ADDITIVE


def compare(old: Contract, new: Contract) -> list[tuple[str, ChangeClass, str]]:
    """Return the path, the class and the message of each change."""
    return [(c.path, c.change_class, c.message) for c in compare_operations(old, new)]


def test_equal_operations_have_no_changes(old: Contract, new: Contract) -> None:
    """A contract does not differ from itself."""
    assert compare(old, new) == []


def test_an_operation_removed_breaks_and_a_new_one_adds(old: Contract, new: Contract) -> None:
    """Operations are known by method and path."""
    new["paths"]["/others"] = new["paths"].pop("/things")

    assert compare(old, new) == [
        ("POST /things", BREAKING, "operation removed"),
        ("POST /others", ADDITIVE, "new operation"),
    ]


def test_paths_name_the_operation_if_there_are_several(old: Contract, new: Contract) -> None:
    """With more than one operation each change says in which it is."""
    for contract in (old, new):
        contract["paths"]["/others"] = {"get": {"responses": {"200": {"description": "-"}}}}
    del new["paths"]["/others"]["get"]["responses"]["200"]

    assert compare(old, new) == [("GET /others response.200", BREAKING, "status removed")]


@pytest.mark.parametrize(
    ("keyword", "value", "change_class", "message"),
    [
        ("operationId", "makeThing", BREAKING, 'operationId: "createThing" to "makeThing"'),
        ("tags", ["Other", "Thing"], BREAKING, 'tags: "Thing" to "Other"'),
        ("deprecated", True, ADDITIVE, "deprecated"),
    ],
)
def test_names_of_the_generated_module_break(
    old: Contract,
    new: Contract,
    operation: Contract,
    keyword: str,
    value: object,
    change_class: ChangeClass,
    message: str,
) -> None:
    """The operation's id and first tag are names that users of the generated module import."""
    operation[keyword] = value

    assert compare(old, new) == [("operation", change_class, message)]


def test_a_status_lost_breaks(old: Contract, new: Contract, operation: Contract) -> None:
    """A reply that is no longer declared is a loss."""
    del operation["responses"]["400"]

    assert compare(old, new) == [("response.400", BREAKING, "status removed")]


@pytest.mark.parametrize(("status", "change_class"), [("418", ADDITIVE), ("202", BREAKING)])
def test_a_new_error_adds_and_a_new_success_breaks(
    old: Contract, new: Contract, operation: Contract, status: str, change_class: ChangeClass
) -> None:
    """An error more is one more class to catch; a success more is another type to be given."""
    operation["responses"][status] = {"description": "-"}

    assert compare(old, new) == [(f"response.{status}", change_class, "new status")]


def test_direction_follows_from_where_a_schema_is_used(old: Contract, new: Contract) -> None:
    """One component in the request and in the reply is judged in each direction."""
    new["components"]["schemas"]["Thing"]["required"] = ["name"]

    assert compare(old, new) == [
        ("request.name", BREAKING, "now required"),
        ("response.200.name", ADDITIVE, "now required"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (True, False, [("request", ADDITIVE, "no longer required")]),
        (False, True, [("request", BREAKING, "now required")]),
        (None, False, [("request", ADDITIVE, "now takes a body")]),
        (None, True, [("request", BREAKING, "now needs a body")]),
        (True, None, [("request", BREAKING, "no longer takes a body")]),
        (None, None, []),
    ],
)
def test_a_body_that_is_needed_breaks(
    old: Contract,
    new: Contract,
    before: bool | None,
    after: bool | None,
    changes: list[tuple[str, ChangeClass, str]],
) -> None:
    """A body that calls newly need, or that is no longer read, breaks; one that may come adds."""
    for contract, required in ((old, before), (new, after)):
        operation = contract["paths"]["/things"]["post"]
        if required is None:
            del operation["requestBody"]
        else:
            operation["requestBody"]["required"] = required

    assert compare(old, new) == changes


def test_a_media_type_lost_breaks_and_a_new_one_adds(
    old: Contract, new: Contract, operation: Contract
) -> None:
    """Media types are compared in requests and in replies."""
    operation["responses"]["200"]["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    content = operation["requestBody"]["content"]
    operation["requestBody"]["content"] = {"application/xml": content["application/json"]}

    assert compare(old, new) == [
        ("request", BREAKING, "application/json removed"),
        ("request", ADDITIVE, "new media type application/xml"),
        ("response.200", ADDITIVE, "new media type text/event-stream"),
    ]


def test_one_of_several_media_types_is_named(old: Contract, new: Contract) -> None:
    """A change in another media type than JSON says in which it is."""
    for contract, kind in ((old, "string"), (new, "number")):
        reply = contract["paths"]["/things"]["post"]["responses"]["200"]
        reply["content"]["text/plain"] = {"schema": {"type": kind}}

    assert {path for path, _, _ in compare(old, new)} == {"response.200(text/plain)"}
