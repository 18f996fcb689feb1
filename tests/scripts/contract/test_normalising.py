"""The rules together, on schemas that nobody thought of."""

from typing import Any

from contract.model import ContractError, is_list, is_object
from contract.naming import name_components
from contract.ordering import order_document
from contract.pipeline import normalise
from contract.rules.media import get_body_schema, get_operation
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

Json = dict[str, Any]
KEYWORDS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(
            [
                "string",
                "integer",
                "number",
                "array",
                "null",
                ["string", "null"],
                ["null", "object", "integer"],
                ["array", "string"],
                "object",
            ]
        ),
        "nullable": st.booleans(),
        "enum": st.sampled_from([["b", "a"], ["a", None], [None], [1, 2], ["x"]]),
        "const": st.sampled_from(["c", None, 3]),
        "maxLength": st.integers(1, 3),
        "minimum": st.integers(0, 3),
        "exclusiveMinimum": st.one_of(st.booleans(), st.integers(0, 3)),
        "required": st.sampled_from([["p"], ["q", "p"], []]),
        "x-known-values": st.sampled_from([["z"], ["b"]]),
        "description": st.just("Words of theirs"),
        "default": st.just("a"),
    },
)


def extend(children: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """Build larger schemas of smaller ones."""
    members = st.lists(children, min_size=1, max_size=3)
    parts = st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(st.sampled_from("pqr"), children, max_size=2),
            "additionalProperties": st.one_of(st.booleans(), children),
            "items": children,
            "anyOf": members,
            "oneOf": members,
            "allOf": members,
        },
    )
    return st.builds(add_type, KEYWORDS, parts)


def add_type(keywords: Json, parts: Json) -> Json:
    """Say what an object or a list is: without a type the rules infer one, and so close it."""
    merged = {**keywords, **parts}
    if "properties" in parts or "items" in parts:
        merged["type"] = "object" if "properties" in parts else ["array", "null"]
    return merged


SCHEMAS = st.recursive(KEYWORDS, extend, max_leaves=8)


VALUES = st.recursive(
    st.sampled_from([None, "a", "abcd", 0, 1, 2.5, True]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("pqr"), inner, max_size=2)
    ),
    max_leaves=4,
)
# Keywords that JSON Schema 2020-12 does not know, or in a form that it does not.
OPENAPI_3_0 = {"nullable", "exclusiveMinimum"}


def find_keys(node: Any) -> set[str]:
    """Return every key at any depth."""
    if is_object(node):
        return set(node).union(*map(find_keys, node.values()))
    return set[str]().union(*map(find_keys, node)) if is_list(node) else set()


def is_valid(value: Any, schema: Json) -> bool:
    """Tell whether the schema takes the value."""
    validator: Any = Draft202012Validator(schema)
    return bool(validator.is_valid(value))


def wrap(schema: Json) -> Json:
    """Return a document whose request has the schema at a property."""
    request = {"type": "object", "properties": {"provider": schema}}
    bodies = [{"content": {"application/json": {"schema": s}}} for s in (request, {})]
    post = {"requestBody": bodies[0], "responses": {"200": bodies[1]}}
    return {
        "openapi": "3.0.0",
        "servers": [{"url": "https://api.example.com"}],
        "paths": {"/rerank": {"post": post}},
    }


@settings(deadline=None, derandomize=True, max_examples=300)
@given(SCHEMAS)
def test_named_schemas_are_a_fixed_point(schema: Json) -> None:
    """What the rules give, and naming, stays what it is when it goes through them again."""
    try:
        named = order_document(name_components(normalise(wrap(schema))))
    except ContractError:
        reject()

    assert order_document(name_components(normalise(named))) == named


@settings(deadline=None, derandomize=True, max_examples=200)
@given(SCHEMAS, VALUES)
def test_what_passed_before_passes_after(schema: Json, value: Any) -> None:
    """The rules open a schema; they never close it to a value that it took."""
    assume(not OPENAPI_3_0 & find_keys(schema))
    try:
        request = get_body_schema(get_operation(normalise(wrap(schema)))["requestBody"])
    except ContractError:
        reject()
    assume(is_valid(value, schema))

    assert request is not None
    assert is_valid(value, request["properties"]["provider"])
