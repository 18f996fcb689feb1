"""Names from positions."""

from typing import Any

import pytest
from contract.naming import name_components, to_pascal

Json = dict[str, Any]
OBJECT: Json = {"type": "object", "properties": {"a": {"type": "string"}}}


def wrap(request: Json, success: Json | None = None, **errors: Json) -> Json:
    """Return a normalised document with these bodies."""
    replies = {"200": success or OBJECT, **{k.removeprefix("s"): v for k, v in errors.items()}}
    responses = {
        status: {
            "description": f"Reply {status}",
            "content": {"application/json": {"schema": schema}},
        }
        for status, schema in replies.items()
    }
    body = {"content": {"application/json": {"schema": request}}}
    return {"paths": {"/rerank": {"post": {"requestBody": body, "responses": responses}}}}


def holder(**properties: Any) -> Json:
    """Return an object with these properties."""
    return {"type": "object", "properties": properties}


def name_schemas(document: Json) -> Json:
    """Return the components' schemas."""
    schemas: Json = name_components(document)["components"]["schemas"]
    return schemas


def ref(name: str) -> Json:
    """Refer to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


@pytest.mark.parametrize(
    ("name", "pascal"),
    [
        ("HTTP-Referer", "HttpReferer"),
        ("X-OpenRouter-Title", "XOpenRouterTitle"),
        ("retry-after-ms", "RetryAfterMs"),
        ("previous_errors", "PreviousErrors"),
        ("camelCase", "CamelCase"),
        ("529", "529"),
    ],
)
def test_words_become_one(name: str, pascal: str) -> None:
    """A name's words are run together, each with a capital."""
    assert to_pascal(name) == pascal


def test_known_positions_have_their_names() -> None:
    """Objects at the positions of the table are called by it, through arrays and alternatives."""
    documents = {"type": "array", "items": {"anyOf": [{"type": "string"}, OBJECT]}}

    schemas = name_schemas(wrap(holder(documents=documents, provider=OBJECT)))

    properties = schemas["CreateRerankRequestBody"]["properties"]
    assert properties["documents"]["items"]["anyOf"][1] == ref("DocumentRequest")
    assert properties["provider"] == ref("ProviderPreferences")


def test_unknown_positions_are_called_after_their_parents() -> None:
    """An object elsewhere has its parent's name and its property's."""
    deep = holder(inner={"type": "array", "items": holder(last={"type": "object", "properties": {
        "x": {}}})})  # fmt: skip

    schemas = name_schemas(wrap(holder(new_thing=deep)))

    assert {name for name in schemas if "NewThing" in name} == {
        "CreateRerankRequestBodyNewThing",
        "CreateRerankRequestBodyNewThingInnerItem",
        "CreateRerankRequestBodyNewThingInnerItemLast",
    }


def test_an_object_that_may_be_null_is_a_reference_or_null() -> None:
    """The component itself is never null."""
    schemas = name_schemas(wrap(holder(provider={**OBJECT, "type": ["object", "null"]})))

    assert schemas["CreateRerankRequestBody"]["properties"]["provider"] == {
        "anyOf": [ref("ProviderPreferences"), {"type": "null"}]
    }
    assert schemas["ProviderPreferences"]["type"] == "object"


def test_an_object_without_properties_is_named_only_by_the_table() -> None:
    """A free-form object stays where it is, unless users know it by a name."""
    free = {"type": "object", "additionalProperties": True}

    schemas = name_schemas(wrap(holder(anything=free), s400=holder(error=holder(metadata=free))))

    assert schemas["CreateRerankRequestBody"]["properties"]["anything"] == free
    assert schemas["ErrorData"]["properties"]["metadata"] == ref("ErrorMetadata")


def test_several_objects_at_one_position_are_numbered() -> None:
    """The second of two objects among alternatives has a number."""
    schemas = name_schemas(wrap(holder(provider={"anyOf": [OBJECT, holder(b={})]})))

    assert schemas["ProviderPreferences"] == OBJECT
    assert schemas["ProviderPreferences2"] == holder(b={})


def test_the_most_common_envelope_has_the_name() -> None:
    """Errors share `ErrorResponse`; one that differs begins with what its status is called."""
    odd = holder(error=holder(code={"type": "string"}))
    usual = holder(error=holder(code={"type": "integer"}))

    schemas = name_schemas(wrap(OBJECT, s400=odd, s404=usual, s500=usual))

    assert schemas["ErrorData"] == usual["properties"]["error"]
    assert schemas["Reply400ErrorResponse"]["properties"]["error"] == ref("Reply400ErrorData")


def test_headers_and_parameters_are_called_by_their_names() -> None:
    """Equal headers are one component; one that differs at a status has that for an ending."""
    document = wrap(OBJECT, s400=OBJECT, s429=OBJECT)
    post = document["paths"]["/rerank"]["post"]
    for status, kind in (("200", "string"), ("400", "string"), ("429", "integer")):
        post["responses"][status]["headers"] = {"X-Id": {"schema": {"type": kind}}}
    post["parameters"] = [{"name": "HTTP-Referer", "in": "header"}]

    named = name_components(document)

    assert set(named["components"]["headers"]) == {"XId", "XId429"}
    assert named["paths"]["/rerank"]["post"]["parameters"] == [
        {"$ref": "#/components/parameters/HttpReferer"}
    ]


def test_the_operation_is_called_as_users_know_it() -> None:
    """Upstream may call its operation and its tag anything."""
    document = wrap(OBJECT)
    document["tags"] = [{"name": "Search"}]
    document["paths"]["/rerank"]["post"].update(operationId="rank", tags=["Search"])

    named = name_components(document)

    assert named["paths"]["/rerank"]["post"]["operationId"] == "createRerank"
    assert named["tags"] == [{"name": "Rerank"}]
