"""What may be written: a valid contract that has lost nothing."""

import copy
from typing import Any

import pytest
from contract.checking import list_losses, validate_contract
from contract.model import ContractError
from contract.pipeline import build_contract, normalise

Json = dict[str, Any]


@pytest.fixture
def contract(upstream: Json, overlay: Json) -> Json:
    """Return a contract."""
    return build_contract(upstream, overlay, "upstream.yaml").document


def test_a_contract_is_valid(contract: Json) -> None:
    """The validator gives a valid contract back as it is."""
    assert validate_contract(contract) == contract


def test_an_invalid_contract_is_refused_in_one_line(contract: Json) -> None:
    """What is not OpenAPI is named with its place."""
    del contract["paths"]["/rerank"]["post"]["responses"]["400"]["description"]
    contract["paths"]["/rerank"]["post"]["responses"]["400"]["headers"] = 5

    with pytest.raises(ContractError, match="not valid OpenAPI, at ") as caught:
        validate_contract(contract)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("reference", ["#/components/schemas/Gone", "https://example.com/a.yaml"])
def test_a_reference_that_the_overlay_left_open_is_refused(contract: Json, reference: str) -> None:
    """A reference that leads nowhere, or out of the contract, is named and never fetched."""
    contract["components"]["schemas"]["Result"]["properties"]["document"] = {"$ref": reference}

    with pytest.raises(ContractError, match=f"the reference {reference} leads"):
        validate_contract(contract)


@pytest.mark.parametrize(
    ("path", "lost"),
    [
        (("paths", "/rerank", "post", "responses", "529"), "the status 529"),
        (
            ("components", "schemas", "Result", "properties", "index"),
            "the required field response.results[].index",
        ),
        (
            ("components", "schemas", "ErrorData", "properties", "message"),
            "the required field error.error.message",
        ),
    ],
)
def test_a_loss_is_named(contract: Json, path: tuple[str, ...], lost: str) -> None:
    """A status or a required field that is gone is named."""
    after = copy.deepcopy(contract)
    holder = after
    for key in path[:-1]:
        holder = holder[key]
    del holder[path[-1]]

    assert list_losses(normalise(contract), normalise(after)) == [lost]


def test_a_field_that_is_no_longer_required_is_not_lost(contract: Json) -> None:
    """A field may become optional, and an optional one may go."""
    after = copy.deepcopy(contract)
    after["components"]["schemas"]["Result"]["required"] = ["index"]
    del after["components"]["schemas"]["MaxPrice"]["properties"]["audio"]

    assert list_losses(normalise(contract), normalise(after)) == []
