"""The packages of two contracts, by the generator's templates and by this repository's."""

import sys
from collections.abc import Iterator
from pathlib import Path

import generate
import openrouter_rerank_api.models as committed_models
import pytest
from package_twins import Twins, generate_stock, load_models

KINDS = Path(__file__).parent / "kinds.yaml"


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder for packages; what is imported from there is forgotten in the end."""
    folder = tmp_path_factory.mktemp("templates")
    yield folder
    for name in list(sys.modules):
        if name.partition(".")[0] in {package.name for package in folder.iterdir()}:
            del sys.modules[name]


@pytest.fixture(scope="session")
def contract_twins(workplace: Path) -> Twins:
    """Return the committed package and its twin."""
    stock = workplace / "stock_contract"
    generate_stock(generate.SPEC, stock)
    return Twins(load_models(stock), committed_models)


@pytest.fixture(scope="session")
def kinds_twins(workplace: Path) -> Twins:
    """Return the packages of the contract that has every kind of property."""
    stock, own = workplace / "stock_kinds", workplace / "own_kinds"
    generate_stock(KINDS, stock)
    generate.generate(KINDS, own)
    return Twins(load_models(stock), load_models(own))
