"""Upstream's document and this repository's overlay."""

import pytest
import sync
from contract.reading.loading import parse_document, read_source
from upstream import Json, build_upstream


@pytest.fixture
def upstream() -> Json:
    """Return a whole document of upstream's."""
    return build_upstream()


@pytest.fixture
def overlay() -> Json:
    """Return the overlay of this repository."""
    return parse_document(read_source(sync.OVERLAY))
