"""One regenerator for all tests, and what the synthetic document gives there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from regeneration.regenerator import Regenerator
from regeneration.variants import build_document


@pytest.fixture(scope="session")
def regenerator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Regenerator]:
    """Return the place where contracts and packages are made, each once."""
    regenerator = Regenerator(tmp_path_factory.mktemp("regeneration"))
    yield regenerator
    regenerator.close()


@pytest.fixture(scope="session")
def base(regenerator: Regenerator) -> Path:
    """Return the contract of the synthetic document, before any change."""
    result = regenerator.sync("base", build_document())
    assert result.status == 0
    return result.contract
