"""From upstream's document to a client that works, for the document and for each change of it."""

from pathlib import Path

import pytest
import sync
from diff_rules.changes import Change, weigh
from diff_rules.reporting import compare_contracts
from regeneration.regenerator import Regenerator, digest
from regeneration.variants import VARIANTS, build_document


@pytest.fixture(scope="module")
def contracts(regenerator: Regenerator, base: Path) -> dict[str, Path]:
    """Return the contract of each changed document, written over that of the document before."""
    made: dict[str, Path] = {}
    for name, variant in VARIANTS.items():
        document = build_document()
        variant.change(document)
        result = regenerator.sync(name, document, base)
        assert result.status == 0, name
        made[name] = result.contract
    return made


@pytest.fixture
def contract(name: str, contracts: dict[str, Path]) -> Path:
    """Return the contract of one changed document."""
    return contracts[name]


def compare(old: Path, new: Path) -> list[Change]:
    """Compare two contracts; the source's hash in `info` differs whenever anything does."""
    changes = compare_contracts(sync.load_file(old), sync.load_file(new))
    return [change for change in changes if change.path != "#/info"]


def test_the_document_as_it_is_serves(regenerator: Regenerator, base: Path) -> None:
    """A whole document with every trap becomes a package that the client works with."""
    assert regenerator.run_client_tests(base) == ""


@pytest.mark.parametrize("name", VARIANTS)
def test_diff_gives_the_class(name: str, contract: Path, base: Path) -> None:
    """Each change has its class; what says the same in other words is none."""
    assert weigh(compare(base, contract)) is VARIANTS[name].change_class
    assert (contract.read_bytes() == base.read_bytes()) is (VARIANTS[name].change_class is None)


@pytest.mark.parametrize("name", VARIANTS)
def test_python_changes_only_where_it_must(
    name: str, contract: Path, base: Path, regenerator: Regenerator
) -> None:
    """What users cannot notice leaves the generated Python as it was, to the byte."""
    before, after = (digest(regenerator.generate(path)) for path in (base, contract))

    assert (after == before) is VARIANTS[name].keeps_python


@pytest.mark.parametrize("name", VARIANTS)
def test_the_client_works_with_untouched_hooks(
    name: str, contract: Path, regenerator: Regenerator
) -> None:
    """The client's own tests pass over the fresh package."""
    assert regenerator.run_client_tests(contract) == ""
