"""However upstream writes the same operation, the contract is the same."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from contract.model import is_object
from contract.pipeline import build_contract
from upstream import Json, get_operation, get_request, get_schemas

Change = Callable[[Json], None]


def build(upstream: Json, overlay: Json) -> Json:
    """Make the contract of a document."""
    return build_contract(upstream, overlay, "upstream.yaml").document


def nullable_by_flag(schema: Json) -> None:
    """Write null as OpenAPI 3.0 did."""
    schema.update(type=schema["type"][0], nullable=True)


def nullable_by_any_of(schema: Json) -> None:
    """Write null as an alternative."""
    plain = {**schema, "type": schema["type"][0]}
    schema.clear()
    schema["anyOf"] = [plain, {"type": "null"}]


def nullable_by_one_of(schema: Json) -> None:
    """Write null as the first of two exclusive alternatives."""
    plain = {**schema, "type": schema["type"][0]}
    schema.clear()
    schema["oneOf"] = [{"nullable": True}, plain]


def nullable_by_enum(schema: Json) -> None:
    """Write null as an alternative that is an enum of null."""
    nullable_by_any_of(schema)
    schema["anyOf"][1] = {"enum": [None]}


def nullable_by_const(schema: Json) -> None:
    """Write null as an alternative that is the constant null."""
    nullable_by_any_of(schema)
    schema["anyOf"][1] = {"const": None}


def nullable_by_all_of(schema: Json) -> None:
    """Write null beside an allOf of the schema."""
    plain = {**schema, "type": schema["type"][0]}
    schema.clear()
    schema.update(nullable=True, allOf=[plain])


def nullable_by_decoration(schema: Json) -> None:
    """Write null as a decoration in an allOf."""
    plain = {**schema, "type": schema["type"][0]}
    schema.clear()
    schema["allOf"] = [plain, {"nullable": True, "description": "Words of theirs"}]


NULLS = [
    nullable_by_flag, nullable_by_any_of, nullable_by_one_of, nullable_by_enum, nullable_by_const,
    nullable_by_all_of, nullable_by_decoration,
]  # fmt: skip


@pytest.mark.parametrize("write_null", NULLS)
def test_every_way_to_write_null_is_the_same(
    upstream: Json, overlay: Json, contract: Json, write_null: Change
) -> None:
    """A scalar, lists and an enum that may be null come out the same, however null is written."""
    properties = get_schemas(upstream)["Preferences"]["properties"]
    for name in ("zdr", "ignore", "data_collection", "quantizations"):
        write_null(properties[name])

    assert build(upstream, overlay) == contract


@pytest.mark.parametrize("write_null", NULLS)
def test_an_object_that_may_be_null_is_the_same(
    upstream: Json, overlay: Json, contract: Json, write_null: Change
) -> None:
    """So does an object, which becomes a reference or null."""
    write_null(get_schemas(upstream)["Preferences"])

    assert build(upstream, overlay) == contract


@pytest.mark.parametrize(
    "provider",
    [
        {"$ref": "#/components/schemas/Preferences", "nullable": True},
        {"$ref": "#/components/schemas/Preferences", "description": "Words of theirs"},
        {"allOf": [{"$ref": "#/components/schemas/Preferences"}], "nullable": True},
        {"anyOf": [{"$ref": "#/components/schemas/Preferences"}, {"type": "null"}]},
        {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Preferences"}]},
    ],
)
def test_a_reference_that_may_be_null_is_the_same(
    upstream: Json, overlay: Json, contract: Json, provider: Json
) -> None:
    """Null beside a reference, around it or among alternatives says the same."""
    get_request(upstream)["properties"]["provider"] = provider

    assert build(upstream, overlay) == contract


def rename_components(document: Json) -> None:
    """Call every schema something else."""
    text = json.dumps(document).replace("Preferences", "Wishes").replace("Reply", "Trouble")
    document.update(json.loads(text))


def move_inline_schemas_to_components(document: Json) -> None:
    """Make components of what is inline, as a later generator of upstream's may."""
    schemas = get_schemas(document)
    items = get_request(document)["properties"]["documents"]["items"]["anyOf"]
    schemas["Doc"], items[1] = items[1], {"$ref": "#/components/schemas/Doc"}
    media = get_operation(document)["requestBody"]["content"]["application/json"]
    schemas["In"], media["schema"] = media["schema"], {"$ref": "#/components/schemas/In"}
    media = get_operation(document)["responses"]["200"]["content"]["application/json"]
    schemas["Out"], media["schema"] = media["schema"], {"$ref": "#/components/schemas/Out"}


def refer_to_everything(document: Json) -> None:
    """Make components of the path, the request body and a reply, and refer to a reference."""
    components = document["components"]
    operation = get_operation(document)
    components["requestBodies"] = {"Body": operation["requestBody"]}
    operation["requestBody"] = {"$ref": "#/components/requestBodies/Body"}
    components["responses"] = {
        "Wrong": operation["responses"]["400"],
        "Alias": {"$ref": "#/components/responses/Wrong"},
    }
    operation["responses"]["400"] = {"$ref": "#/components/responses/Alias"}
    components["pathItems"] = {"Rerank": document["paths"]["/rerank"]}
    document["paths"]["/rerank"] = {"$ref": "#/components/pathItems/Rerank"}


def add_aliases(document: Json) -> None:
    """Put a schema behind a chain of names."""
    schemas = get_schemas(document)
    schemas["Near"] = {"$ref": "#/components/schemas/Far"}
    schemas["Far"] = {"type": "string"}
    get_request(document)["properties"]["model"] = {"$ref": "#/components/schemas/Near"}


def add_media_types(document: Json) -> None:
    """Offer forms beside JSON, and JSON with a parameter."""
    operation = get_operation(document)
    content = operation["requestBody"]["content"]
    content["multipart/form-data"] = {"schema": {"type": "object"}}
    reply = operation["responses"]["400"]["content"]
    reply["application/json; charset=utf-8"] = reply.pop("application/json")
    reply["text/html"] = {"schema": {"type": "string"}}


def shuffle(document: Json) -> None:
    """Turn the order of keys, required names and enum values around."""

    def turn(node: Any) -> Any:
        return {key: turn(node[key]) for key in reversed(node)} if is_object(node) else node

    document_copy = turn(document)
    document.clear()
    document.update(document_copy)
    get_request(document)["required"].reverse()
    get_schemas(document)["Sorting"]["enum"].reverse()


def bound_as_before(document: Json) -> None:
    """Write the bound of `top_n` as the contract of 2026-04 did."""
    get_request(document)["properties"]["top_n"] = {
        "type": "integer", "minimum": 0, "exclusiveMinimum": 0,
    }  # fmt: skip


def bound_as_openapi_3_0(document: Json) -> None:
    """Write the bound of `top_n` as OpenAPI 3.0 does."""
    get_request(document)["properties"]["top_n"] = {
        "type": "integer", "minimum": 0, "exclusiveMinimum": True,
    }  # fmt: skip


def alias_prices(document: Json) -> None:
    """Write prices as references with decoration, as the contract of 2026-04 did."""
    schemas = get_schemas(document)
    schemas["Price"] = {"type": "string"}
    prices = schemas["Preferences"]["properties"]["max_price"]["properties"]
    prices["image"] = {"allOf": [{"$ref": "#/components/schemas/Price"}, {"description": "x"}]}
    prices["prompt"] = {"$ref": "#/components/schemas/Price"}


def open_with_bare_nullable(document: Json) -> None:
    """Write "anything" as `nullable: true`, as the contract of 2026-04 did."""
    for name, schema in get_schemas(document).items():
        if name.endswith("Data"):
            schema["properties"]["metadata"]["additionalProperties"] = {"nullable": True}
    wish = get_schemas(document)["LatencyWish"]["anyOf"]
    wish[2] = {"nullable": True}


def secure_the_operation(document: Json) -> None:
    """Declare security and servers on the operation."""
    get_operation(document)["security"] = document.pop("security")
    get_operation(document)["servers"] = document.pop("servers")


@pytest.mark.parametrize(
    "change",
    [
        rename_components, move_inline_schemas_to_components, refer_to_everything, add_aliases,
        add_media_types, shuffle, bound_as_before, bound_as_openapi_3_0, alias_prices,
        open_with_bare_nullable, secure_the_operation,
    ],
)  # fmt: skip
def test_what_says_the_same_gives_the_same(
    upstream: Json, overlay: Json, contract: Json, change: Change
) -> None:
    """Another way of writing the same operation gives the same contract, its hash included."""
    change(upstream)

    assert json.dumps(build(upstream, overlay)) == json.dumps(contract)
