"""Upstream's document, this repository's overlay, and the contract that the two give."""

import copy

import pytest
import sync
from contract.pipeline import build_contract
from contract.reading.loading import parse_document, read_source
from upstream import Json, build_upstream


@pytest.fixture
def upstream() -> Json:
    """Return a whole document of upstream's."""
    return build_upstream()


@pytest.fixture(scope="session")
def parsed_overlay() -> Json:
    """Read the overlay once."""
    return parse_document(read_source(sync.OVERLAY))


@pytest.fixture
def overlay(parsed_overlay: Json) -> Json:
    """Return the overlay of this repository."""
    return copy.deepcopy(parsed_overlay)


@pytest.fixture(scope="session")
def built_contract(parsed_overlay: Json) -> Json:
    """Build the contract of upstream's document once."""
    return build_contract(build_upstream(), parsed_overlay, "upstream.yaml").document


@pytest.fixture
def contract(built_contract: Json) -> Json:
    """Return the contract of upstream's document."""
    return copy.deepcopy(built_contract)
