"""The contract: valid, open where upstream grows, and illustrated by examples that fit it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import generate
import pytest
from contract.reading.contracts import load_contract
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from openrouter_rerank import components, operations
from openrouter_rerank._call.target import ATTRIBUTION_HEADERS
from openrouter_rerank.testing import FakeOpenRouter
from openrouter_rerank_api import models

CONTRACT: dict[str, Any] = load_contract(Path(generate.SPEC))
OPERATION = CONTRACT["paths"]["/rerank"]["post"]
RESPONSES = OPERATION["responses"]
STATUSES = [200, 400, 401, 402, 403, 404, 408, 412, 413, 422, 429, 500, 502, 503, 504, 524, 529]


def walk(node: Any, path: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every mapping in the document with its path."""
    if isinstance(node, dict):
        mapping = cast("dict[str, Any]", node)
        yield path, mapping
        for key, value in mapping.items():
            yield from walk(value, f"{path}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(cast("list[object]", node)):
            yield from walk(value, f"{path}/{index}")


def test_contract_is_valid_openapi() -> None:
    """The contract is a valid OpenAPI 3.1 document, the packaged copy included."""
    validate(CONTRACT)

    assert CONTRACT["openapi"].startswith("3.1.")


def test_every_enum_is_open() -> None:
    """No value is ever refused: known values are listed, sorted, in an extension only."""
    closed = [path for path, node in walk(CONTRACT) if "enum" in node or "const" in node]
    unsorted = [
        path
        for path, node in walk(CONTRACT)
        if "x-known-values" in node and node["x-known-values"] != sorted(node["x-known-values"])
    ]

    assert closed == []
    assert unsorted == []


def test_known_values_stay_out_of_descriptions() -> None:
    """A description names no known value, since it becomes a docstring and values grow weekly."""
    named = [
        (path, value)
        for path, node in walk(CONTRACT)
        for value in node.get("x-known-values", [])
        if f"`{value}`" in node.get("description", "")
    ]

    assert named == []


def test_every_known_status_is_declared() -> None:
    """The success and each status that the API is known to answer with are there."""
    assert [str(status) for status in STATUSES] == list(RESPONSES)


@pytest.mark.parametrize(
    "media",
    [
        pytest.param(OPERATION["requestBody"]["content"]["application/json"], id="request"),
        *(
            pytest.param(response["content"]["application/json"], id=status)
            for status, response in RESPONSES.items()
        ),
    ],
)
def test_every_example_fits_its_schema(media: dict[str, Any]) -> None:
    """The example of the request and of each reply is one that its schema accepts."""
    validator: Any = Draft202012Validator({**media["schema"], "components": CONTRACT["components"]})

    assert [error.message for error in validator.iter_errors(media["example"])] == []


@pytest.mark.parametrize("status", [status for status in STATUSES if status != 200])
def test_errors_share_one_envelope(status: int) -> None:
    """Each error's body is the one shared schema, and its example is an error of that status."""
    media = RESPONSES[str(status)]["content"]["application/json"]
    error = media["example"]["error"]

    assert media["schema"] == {"$ref": "#/components/schemas/ErrorResponse"}
    assert status == error.get("code", error.get("http_status"))


def test_every_header_parameter_is_sent() -> None:
    """A call can send each header that the operation takes."""
    parameters = CONTRACT["components"]["parameters"]
    names = {
        parameters[node["$ref"].rpartition("/")[2]]["name"] for node in OPERATION["parameters"]
    }
    headers: dict[str, Any] = dict.fromkeys(ATTRIBUTION_HEADERS, "x")
    with FakeOpenRouter() as client:
        client.rerank.rerank(documents=["a"], model="m", query="q", **headers)

    assert [name for name in names if client.requests[0].headers.get(name) != "x"] == []
    assert names


def test_every_named_model_is_exported() -> None:
    """Each schema that has a name is a class that users can import."""
    named = {name for name in models.__all__ if name in CONTRACT["components"]["schemas"]}

    assert named - {*components.__all__, *operations.__all__} == set()
    assert named


def test_a_result_always_has_its_document() -> None:
    """A result's document is required and never null, while usage may be null."""
    schemas = CONTRACT["components"]["schemas"]

    assert "document" in schemas["Result"]["required"]
    assert schemas["Result"]["properties"]["document"] == {
        "$ref": "#/components/schemas/DocumentResponse"
    }
    assert {"type": "null"} in schemas["CreateRerankResponseBody"]["properties"]["usage"]["anyOf"]
