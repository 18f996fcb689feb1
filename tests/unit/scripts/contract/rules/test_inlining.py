"""References, written out within bounds."""

from typing import Any

import pytest
from contract.model import ContractError
from contract.rules.inlining import inline_references, resolve

Json = dict[str, Any]


def wrap(schema: Json, **schemas: Any) -> Json:
    """Return a document with the schema as its request."""
    body = {"content": {"application/json": {"schema": schema}}}
    post = {"requestBody": body, "responses": {}}
    return {"paths": {"/rerank": {"post": post}}, "components": {"schemas": schemas}}


def inline(schema: Json, **schemas: Any) -> Json:
    """Return the schema with its references written out."""
    post = inline_references(wrap(schema, **schemas))["paths"]["/rerank"]["post"]
    written: Json = post["requestBody"]["content"]["application/json"]["schema"]
    return written


def ref(name: str) -> Json:
    """Refer to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def test_chains_are_written_out() -> None:
    """A reference to a reference is what the last one stands for."""
    assert inline({"items": ref("A")}, A=ref("B"), B={"type": "string"}) == {
        "items": {"type": "string"}
    }


def test_siblings_of_a_schema_reference_count() -> None:
    """What stands beside a schema's reference holds too (OpenAPI 3.1), so it becomes an allOf."""
    assert inline({**ref("A"), "maxLength": 3}, A={"type": "string"}) == {
        "allOf": [{"type": "string"}, {"maxLength": 3}]
    }


def test_a_reference_in_an_example_is_data() -> None:
    """An example that holds a key `$ref` is no reference."""
    schema = {"type": "object", "example": {"$ref": "#/nowhere"}, "default": {"$ref": "x"}}

    assert inline(schema) == schema


@pytest.mark.parametrize(
    ("reference", "value"),
    [("#/a/b~1c", {"x": 1}), ("#/a/d~0e", {"y": 1}), ("#/a/list/1", {"z": 1}), ("#/a/any", {})],
)
def test_pointers_are_read(reference: str, value: Json) -> None:
    """Escapes and indices lead where RFC 6901 says."""
    holder = {"b/c": {"x": 1}, "d~e": {"y": 1}, "list": [0, {"z": 1}], "any": True}

    assert resolve({"a": holder}, reference) == value


@pytest.mark.parametrize(
    ("reference", "complaint"),
    [
        ("other.yaml#/A", "leads out of the document"),
        ("https://example.com/a.yaml", "leads out of the document"),
        ("#/components/schemas/Gone", "leads nowhere"),
        ("#/components/schemas/A/9", "leads nowhere"),
        ("#/components/schemas/A/type", "not an object"),
    ],
)
def test_references_that_lead_nowhere_are_refused(reference: str, complaint: str) -> None:
    """A dangling reference, or one that needs a file or the network, is refused."""
    with pytest.raises(ContractError, match=complaint):
        inline({"$ref": reference}, A={"type": "string"})


def test_circles_are_refused() -> None:
    """A schema that refers to itself through another one is refused, with the way it goes."""
    with pytest.raises(ContractError, match=r"circular reference: .*A -> .*B -> .*A"):
        inline(ref("A"), A={"items": ref("B")}, B={"items": ref("A")})


def test_a_bomb_of_references_is_refused() -> None:
    """References that double at each of forty levels are refused before memory runs out."""
    levels: Json = {f"L{n}": {"anyOf": [ref(f"L{n + 1}")] * 2} for n in range(40)}

    with pytest.raises(ContractError, match="more than 200000 objects"):
        inline(ref("L0"), **levels, L40={})


def test_a_long_chain_is_refused() -> None:
    """A chain that nests beyond any reason is refused."""
    levels: Json = {f"L{n}": {"items": ref(f"L{n + 1}")} for n in range(200)}

    with pytest.raises(ContractError, match="nests more than 100 deep"):
        inline(ref("L0"), **levels, L200={})
