"""The pipeline as a whole: a fixed point, and the same contract however upstream writes it."""

import copy
import json
from collections.abc import Callable

import pytest
from contract.model import ContractError
from contract.overlay import Notice, apply_overlay
from contract.pipeline import build_contract, is_contract
from upstream import Json, get_operation, get_reply, get_request, get_schemas

Change = Callable[[Json], None]


def build(upstream: Json, overlay: Json) -> Json:
    """Make the contract of a document."""
    return build_contract(upstream, overlay, "upstream.yaml").document


def test_contract_is_a_fixed_point(contract: Json, overlay: Json) -> None:
    """The pipeline gives a contract back as it is, source included."""
    again = build_contract(copy.deepcopy(contract), overlay, "openapi.yaml").document

    assert json.dumps(contract) == json.dumps(again)
    assert is_contract(contract)


def test_overlay_changes_nothing_in_its_own_product(contract: Json, overlay: Json) -> None:
    """The overlay applied to a contract leaves it as it is."""
    assert apply_overlay(contract, overlay)[0] == contract


def test_pipeline_leaves_its_input_alone(upstream: Json, overlay: Json) -> None:
    """A document that went through is the same document afterwards."""
    before = copy.deepcopy(upstream)

    build(upstream, overlay)

    assert upstream == before


def test_no_word_of_upstream_is_left(contract: Json) -> None:
    """No prose of upstream's and no extension of another tool reaches the contract."""
    text = json.dumps(contract)

    assert "Words of theirs" not in text
    assert "x-foreign-extension" not in text


def test_new_fields_arrive(upstream: Json, overlay: Json) -> None:
    """A new field of request and reply is in the contract, its object named after its parent."""
    get_request(upstream)["properties"]["rank_hint"] = {
        "type": "object", "properties": {"weight": {"type": "number"}},
    }  # fmt: skip
    get_reply(upstream)["properties"]["warnings"] = {
        "type": "array", "items": {"type": "object", "properties": {"text": {"type": "string"}}},
    }  # fmt: skip

    schemas = get_schemas(build(upstream, overlay))

    assert schemas["CreateRerankRequestBody"]["properties"]["rank_hint"] == {
        "$ref": "#/components/schemas/CreateRerankRequestBodyRankHint"
    }
    assert schemas["CreateRerankResponseBody"]["properties"]["warnings"] == {
        "type": "array",
        "items": {"$ref": "#/components/schemas/CreateRerankResponseBodyWarningsItem"},
    }


def test_a_new_status_arrives(upstream: Json, overlay: Json) -> None:
    """A new status has the shared envelope, a description and the headers of every reply."""
    replies = get_operation(upstream)["responses"]
    replies["418"] = copy.deepcopy(replies["400"])

    contract = build(upstream, overlay)
    reply = get_operation(contract)["responses"]["418"]

    assert reply["description"] == "I'm a Teapot"
    assert get_reply(contract, "418") == {"$ref": "#/components/schemas/ErrorResponse"}
    assert "X-Generation-Id" in reply["headers"]


def test_another_error_envelope_keeps_its_own_name(upstream: Json, overlay: Json) -> None:
    """An envelope that differs is a component of its own, called after its status."""
    get_schemas(upstream)["ClosedData"]["properties"]["until"] = {"type": "string"}

    contract = build(upstream, overlay)

    assert get_reply(contract, "503") == {
        "$ref": "#/components/schemas/ServiceUnavailableErrorResponse"
    }
    assert get_schemas(contract)["ServiceUnavailableErrorResponse"]["properties"]["error"] == {
        "$ref": "#/components/schemas/ServiceUnavailableErrorData"
    }
    assert get_reply(contract, "502") == {"$ref": "#/components/schemas/ErrorResponse"}


def test_documents_as_strings_only(upstream: Json, overlay: Json) -> None:
    """The request of 2026-04 goes through; the class for documents stays for import."""
    get_request(upstream)["properties"]["documents"] = {
        "type": "array", "items": {"type": "string"},
    }  # fmt: skip

    result = build_contract(upstream, overlay, "upstream.yaml")
    documents = get_schemas(result.document)["CreateRerankRequestBody"]["properties"]["documents"]

    assert documents["items"] == {"type": "string"}
    assert documents["minItems"] == 1
    assert "DocumentRequest" in get_schemas(result.document)


def test_a_field_that_became_optional_goes_through(upstream: Json, overlay: Json) -> None:
    """A required field of the reply may become optional."""
    get_reply(upstream)["required"] = ["results"]

    schemas = get_schemas(build(upstream, overlay))

    assert schemas["CreateRerankResponseBody"]["required"] == ["results"]


def test_a_parameter_of_the_path_arrives(upstream: Json, overlay: Json) -> None:
    """A parameter that upstream declares on the path becomes one of the operation."""
    upstream["components"]["parameters"] = {
        "Lang": {"name": "Accept-Language", "in": "header", "schema": {"type": "string"}}
    }
    upstream["paths"]["/rerank"]["parameters"] = [
        {"$ref": "#/components/parameters/Lang"},
        {"name": "Authorization", "in": "header", "schema": {"type": "string"}},
    ]

    contract = build(upstream, overlay)

    assert {"$ref": "#/components/parameters/AcceptLanguage"} in (
        get_operation(contract)["parameters"]
    )
    assert "Authorization" not in contract["components"]["parameters"]


def drop_reply_field(document: Json) -> None:
    """Drop an optional field of the reply."""
    del get_reply(document)["properties"]["provider"]


def drop_request_field(document: Json) -> None:
    """Drop an optional field of the request."""
    del get_request(document)["properties"]["top_n"]


def drop_status(document: Json) -> None:
    """Drop a status."""
    del get_operation(document)["responses"]["529"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (drop_reply_field, "properties.provider"),
        (drop_request_field, "properties.top_n"),
        (drop_status, "responses['529']"),
    ],
)
def test_a_removal_is_reported_and_not_shipped(
    upstream: Json, overlay: Json, change: Change, named: str
) -> None:
    """A field or status that is gone stops the run, which names it."""
    change(upstream)

    with pytest.raises(ContractError) as caught:
        build(upstream, overlay)

    assert named in str(caught.value)


def test_what_upstream_catches_up_with_is_redundant(upstream: Json, overlay: Json) -> None:
    """An action of the overlay that upstream makes needless is reported."""
    get_request(upstream)["properties"]["user"] = {"type": "string"}

    target = "$.components.schemas.CreateRerankRequestBody.properties"
    notices = build_contract(upstream, overlay, "upstream.yaml").notices

    assert [str(n) for n in notices if "redundant" in n.message] == [
        str(Notice(target, "is redundant: its change is already there"))
    ]


def test_a_hand_edit_shows(contract: Json, overlay: Json) -> None:
    """The hash of a contract that somebody edited is another one."""
    edited = copy.deepcopy(contract)
    get_schemas(edited)["MaxPrice"]["properties"]["video"] = {"type": "string"}

    again = build(edited, overlay)

    assert again["info"]["x-upstream"]["sha256"] != contract["info"]["x-upstream"]["sha256"]
    assert edited != again


def test_every_step_explains_itself(upstream: Json, overlay: Json) -> None:
    """Asked to explain, each step says what it changed and why."""
    result = build_contract(upstream, overlay, "upstream.yaml", explain=True)

    assert any(
        line.startswith("open_enum: enums grow without notice (") for line in result.explanation
    )
    assert "  /x-foreign-extension: dropped '/'" in result.explanation


def test_a_silent_run_explains_nothing(upstream: Json, overlay: Json) -> None:
    """Without being asked to, the pipeline compares nothing."""
    assert build_contract(upstream, overlay, "upstream.yaml").explanation == []
