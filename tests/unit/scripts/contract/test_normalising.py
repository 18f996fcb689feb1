"""The rules together, on schemas that nobody thought of."""

from collections.abc import Mapping, Sequence
from typing import Any

from contract.model import ContractError
from contract.naming import name_components
from contract.ordering import order_document
from contract.pipeline import normalise
from contract.rules.media import get_body_schema, get_operation
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

Json = dict[str, Any]
TYPES = (
    "string", "integer", "number", "array", "null", ["string", "null"],
    ["null", "object", "integer"], ["array", "string"], "object",
)  # fmt: skip
KEYWORDS: dict[str, tuple[Any, ...]] = {
    "type": TYPES,
    "enum": (["b", "a"], ["a", None], [None], [1, 2], ["x"]),
    "const": ("c", None, 3),
    "maxLength": (1, 2, 3),
    "minimum": (0, 1, 2, 3),
    "required": (["p"], ["q", "p"], []),
    "x-known-values": (["z"], ["b"]),
    "description": ("Words of theirs",),
    "default": ("a",),
}
# Keywords that JSON Schema 2020-12 does not know, or in a form that it does not.
OPENAPI_3_0: dict[str, tuple[Any, ...]] = {
    "nullable": (True, False),
    "exclusiveMinimum": (True, False, 0, 1, 2, 3),
}
MAX_KEYWORDS = 6


def draw_schemas(keywords: Mapping[str, Sequence[Any]]) -> st.SearchStrategy[Json]:
    """Return a strategy for schemas at any depth that have some of the keywords."""
    # Drawing a few pairs costs far less than drawing for each keyword whether it is there.
    pairs = [(name, value) for name, values in keywords.items() for value in values]
    flat = st.lists(st.sampled_from(pairs), max_size=MAX_KEYWORDS).map(dict)

    def extend(children: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
        members = st.lists(children, min_size=1, max_size=3)
        parts: dict[str, st.SearchStrategy[Any]] = {
            "properties": st.dictionaries(st.sampled_from("pqr"), children, max_size=2),
            "additionalProperties": st.one_of(st.booleans(), children),
            "items": children,
            "anyOf": members,
            "oneOf": members,
            "allOf": members,
        }
        pairs = st.one_of([st.tuples(st.just(name), part) for name, part in parts.items()])
        return st.builds(add_type, flat, st.lists(pairs, max_size=3).map(dict))

    return st.recursive(flat, extend, max_leaves=8)


def add_type(keywords: Json, parts: Json) -> Json:
    """Say what an object or a list is: without a type the rules infer one, and so close it."""
    merged = {**keywords, **parts}
    if "properties" in parts or "items" in parts:
        merged["type"] = "object" if "properties" in parts else ["array", "null"]
    return merged


SCALARS = (None, "a", "abcd", "c", 0, 1, 2.5, 3, True)
VALUES: tuple[Any, ...] = (
    *SCALARS, [], ["a"], [None, 2.5], [[1], {"p": "a"}], {}, {"p": None}, {"q": 1},
    {"p": "abcd", "q": 0}, {"p": 3, "q": ["a"], "r": {"p": 1}},
)  # fmt: skip


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
@given(draw_schemas(KEYWORDS | OPENAPI_3_0))
def test_named_schemas_are_a_fixed_point(schema: Json) -> None:
    """What the rules give, and naming, stays what it is when it goes through them again."""
    try:
        named = order_document(name_components(normalise(wrap(schema))))
    except ContractError:
        reject()

    assert order_document(name_components(normalise(named))) == named


@settings(deadline=None, derandomize=True, max_examples=200)
@given(draw_schemas(KEYWORDS))
def test_what_passed_before_passes_after(schema: Json) -> None:
    """The rules open a schema; they never close it to a value that it took."""
    try:
        request = get_body_schema(get_operation(normalise(wrap(schema)))["requestBody"])
    except ContractError:
        reject()
    taken = [value for value in VALUES if is_valid(value, schema)]
    assume(taken)

    assert request is not None
    assert [v for v in taken if not is_valid(v, request["properties"]["provider"])] == []
