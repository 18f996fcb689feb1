"""One workshop for all tests, and what the synthetic document gives there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from regeneration.variants import build_document
from regeneration.workshop import Workshop


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """Return the place where contracts and packages are made, each once."""
    workshop = Workshop(tmp_path_factory.mktemp("regeneration"))
    yield workshop
    workshop.close()


@pytest.fixture(scope="session")
def base(workshop: Workshop) -> Path:
    """Return the contract of the synthetic document, before any change."""
    result = workshop.sync("base", build_document())
    assert result.status == 0
    return result.contract
