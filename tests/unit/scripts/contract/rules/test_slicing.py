"""Out of the whole document, the one operation and what it refers to."""

from typing import Any

import pytest
from contract.model import ContractError
from contract.rules.slicing import slice_operation

Json = dict[str, Any]
UNDECLARED: list[Json] = [{"gone": []}]


def test_slice_holds_what_the_operation_refers_to(upstream: Json) -> None:
    """Of hundreds of schemas those that a chain of references leads to are left."""
    sliced = slice_operation(upstream)

    schemas = sliced["components"]["schemas"]
    assert {"Preferences", "Vendor", "LatencyQuantiles", "CrowdedData"} <= schemas.keys()
    assert not [name for name in schemas if name.startswith("Unrelated")]
    assert list(sliced["paths"]) == ["/rerank"]


def test_slice_keeps_the_roots_retries_and_no_other_extension(upstream: Json) -> None:
    """The retry extensions stay, and with them the servers and the security that is used."""
    sliced = slice_operation(upstream)

    assert [key for key in sliced if key.startswith("x-")] == [
        "x-retry-strategy",
        "x-speakeasy-retries",
    ]
    assert list(sliced["components"]["securitySchemes"]) == ["key"]
    assert sliced["tags"] == [upstream["tags"][1]]
    assert sliced["servers"] == upstream["servers"]


def test_a_reference_into_another_path_is_followed(upstream: Json) -> None:
    """A schema that is only written at another path is part of the slice."""
    reference = "#/paths/~1other/get/responses/200/content/application~1json/schema"
    post = upstream["paths"]["/rerank"]["post"]
    post["responses"]["400"]["content"]["application/json"]["schema"] = {"$ref": reference}

    sliced = slice_operation(upstream)

    assert "/other" in sliced["paths"]
    assert "Unrelated300" in sliced["components"]["schemas"]


def test_the_operation_overrides_its_path(upstream: Json) -> None:
    """Of two parameters with one name and place the operation's is taken."""
    item = upstream["paths"]["/rerank"]
    item["parameters"] = [
        {"name": "X-A", "in": "header", "schema": {"type": "integer"}},
        {"name": "X-B", "in": "header", "schema": {"type": "integer"}},
    ]
    item["post"]["parameters"] = [{"name": "X-A", "in": "header", "schema": {"type": "string"}}]

    parameters = slice_operation(upstream)["paths"]["/rerank"]["post"]["parameters"]

    assert [(p["name"], p["schema"]["type"]) for p in parameters] == [
        ("X-A", "string"),
        ("X-B", "integer"),
    ]


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (("openapi",), "2.0", "not OpenAPI 3"),
        (("openapi",), None, "not OpenAPI 3"),
        (("paths",), {}, "no path /rerank"),
        (("paths",), [], "no path /rerank"),
        (("paths", "/rerank"), {"get": {}}, "no POST /rerank"),
        (("paths", "/rerank"), {"$ref": "#/paths/~1rerank"}, "circular reference"),
        (("paths", "/rerank", "post", "responses"), None, "has no responses"),
        (("paths", "/rerank", "post", "requestBody"), None, "has no requestBody"),
        (("paths", "/rerank", "parameters"), ["X-A"], "parameter is not an object"),
        (("paths", "/rerank", "parameters"), {}, "`parameters` is not a list"),
        (("servers",), [], "names no server"),
        (("security",), UNDECLARED, "scheme gone is not declared"),
        (("components", "schemas", "Vendor"), None, "leads to what is not an object"),
        (("components", "schemas"), {}, "leads nowhere"),
    ],
)
def test_what_cannot_be_sliced_is_refused(
    upstream: Json, path: tuple[str, ...], value: Any, complaint: str
) -> None:
    """A document without the operation, or with an end missing, is refused with a reason."""
    holder = upstream
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value

    with pytest.raises(ContractError, match=complaint):
        slice_operation(upstream)
