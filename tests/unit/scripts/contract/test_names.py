"""Names that no code can be generated from, and those that no person can tell apart."""

import copy
from typing import Any

import pytest
from contract.model import ContractError
from contract.names import MAX_CHARACTERS, refuse_unfit_names, refuse_unreadable_names

Json = dict[str, Any]
DOCUMENT: Json = {
    "tags": [{"name": "Rerank"}],
    "paths": {
        "/rerank": {
            "post": {
                "operationId": "createRerank",
                "tags": ["Rerank"],
                "parameters": [{"name": "X-Title", "in": "header"}],
                "responses": {"200": {"headers": {"X-Generation-Id": {}}}},
            }
        }
    },
    "components": {
        "headers": {"Age": {}},
        "parameters": {"Page": {"name": "page", "in": "query"}},
        "schemas": {"Result": {"properties": {"index": {}}, "required": ["index"]}},
    },
}
PLACES = (
    "tags", "operation id", "operation tags", "parameter", "reply header", "header component",
    "parameter component", "named parameter component", "schema", "property", "required",
)  # fmt: skip


def put(place: str, name: str) -> Json:
    """Return the document with one more name in a place."""
    document = copy.deepcopy(DOCUMENT)
    operation = document["paths"]["/rerank"]["post"]
    components = document["components"]
    result = components["schemas"]["Result"]
    match place:
        case "tags":
            document["tags"].append({"name": name})
        case "operation id":
            operation["operationId"] = name
        case "operation tags":
            operation["tags"].append(name)
        case "parameter":
            operation["parameters"].append({"name": name, "in": "query"})
        case "reply header":
            operation["responses"]["200"]["headers"][name] = {}
        case "header component":
            components["headers"][name] = {}
        case "parameter component":
            components["parameters"][name] = {"name": "other", "in": "query"}
        case "named parameter component":
            components["parameters"]["Other"] = {"name": name, "in": "query"}
        case "schema":
            components["schemas"][name] = {}
        case "property":
            result["properties"][name] = {}
        case _:
            result["required"].append(name)
    return document


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("", "not 1 to"),
        ("a" * (MAX_CHARACTERS + 1), "not 1 to"),
        ("a\0b", "do not print"),
        ("a\nb", "do not print"),
        ("a\x1b[2Jb", "do not print"),
        ("a\u2028b", "do not print"),
        ("a\u202eb", "do not print"),
        ("a\u200bb", "do not print"),
        ("\ufb01le", "takes for others"),
        ("\uff42ody", "takes for others"),
        ("e\u0301", "takes for others"),
    ],
)
def test_an_unreadable_name_is_refused(place: str, name: str, complaint: str) -> None:
    """Wherever a name stands, one that nobody can read is refused, and shown in ASCII."""
    with pytest.raises(ContractError, match=complaint) as caught:
        refuse_unreadable_names(put(place, name))

    assert str(caught.value).isascii()
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["class", "top-k", "größe", "self", "__init__", "openai/gpt"])
def test_an_odd_name_is_taken(place: str, name: str) -> None:
    """What the generator can make an identifier of is nobody's concern."""
    document = put(place, name)

    assert refuse_unreadable_names(document) is document


@pytest.mark.parametrize("place", ["parameter", "named parameter component"])
@pytest.mark.parametrize("name", ["body", "Body", "X-Cookies", "headers", "params", "quote"])
def test_a_parameter_that_the_functions_need_is_refused(place: str, name: str) -> None:
    """A parameter cannot be called what the generated functions call something of their own."""
    if name.startswith("X-"):
        assert refuse_unfit_names(put(place, name))
    else:
        with pytest.raises(ContractError, match=f"another use for the query parameter '{name}'"):
            refuse_unfit_names(put(place, name))


@pytest.mark.parametrize(
    "name", ["Unset", "UNSET", "Any", "Client", "TYPE_CHECKING", "Self", "Mapping", "HTTPStatus"]
)
def test_a_schema_that_the_modules_need_is_refused(name: str) -> None:
    """A schema cannot have the name of what the generated modules import."""
    with pytest.raises(ContractError, match=f"another use for the schema '{name}'"):
        refuse_unfit_names(put("schema", name))


@pytest.mark.parametrize(
    ("place", "name", "first"),
    [("schema", "result", "Result"), ("parameter", "Page", "page")],
)
def test_names_that_become_one_are_refused(place: str, name: str, first: str) -> None:
    """Two names of which the code makes one are refused, with both."""
    with pytest.raises(ContractError, match="become one name") as caught:
        refuse_unfit_names(put(place, name))

    assert f"{name!r}" in str(caught.value)
    assert first.lower() in str(caught.value).lower()


def test_a_parameter_may_be_in_two_places() -> None:
    """The generator tells a header and a query parameter of one name apart."""
    document = put("parameter", "x-title")

    assert refuse_unfit_names(document) is document


def test_what_is_no_name_is_left_to_the_validator() -> None:
    """A document of any shape is walked through, and nothing else is said about it."""
    document: Json = {
        "tags": [{"name": 5}],
        "paths": {"/rerank": {"post": {"parameters": [{"name": None}, 5], "tags": [5]}}},
        "components": {"schemas": ["a"], "parameters": 5},
    }

    assert refuse_unfit_names(document) is document
