"""Upstream's own documents, where they are at hand: each gives a client that works."""

from pathlib import Path

import pytest
import sync
from real_documents import DOCUMENTS, NAMES, needs_documents
from regeneration.regenerator import Regenerator, digest

# Since then only lists of values and ways of writing changed.
LAST_CHANGE = "openrouter-2026-06-09.yaml"
# So many real changes there were between 2026-04-07 and 2026-08-21.
MOST_SETS = 7


@pytest.fixture(scope="module")
def contracts(regenerator: Regenerator) -> dict[str, Path]:
    """Return the contract of each document."""
    results = {name: regenerator.sync(name, sync.load_file(DOCUMENTS[name])) for name in DOCUMENTS}
    assert {result.status for result in results.values()} == {0}
    return {name: result.contract for name, result in results.items()}


@needs_documents
def test_python_changes_only_with_the_contract(
    contracts: dict[str, Path], regenerator: Regenerator
) -> None:
    """There are no more different sets of Python than there were real changes."""
    sets = {name: digest(regenerator.generate(path)) for name, path in contracts.items()}

    assert len({found for name, found in sets.items() if name >= LAST_CHANGE}) <= 1
    assert len(set(sets.values())) <= min(MOST_SETS, len(sets))


@needs_documents
@pytest.mark.parametrize("name", NAMES)
def test_the_client_works(name: str, contracts: dict[str, Path], regenerator: Regenerator) -> None:
    """The client's own tests pass over the package of each document."""
    assert regenerator.run_client_tests(contracts[name]) == ""
