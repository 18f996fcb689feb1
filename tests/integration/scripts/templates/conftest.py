"""Models of two contracts, from stock templates and from this repository's."""

import sys
from collections.abc import Iterator
from pathlib import Path

import generate
import openrouter_rerank_api.models as committed_models
import pytest
from template_models import ModelPair, generate_with_stock_templates, load_models

KINDS = Path(__file__).parent / "kinds.yaml"


@pytest.fixture(scope="session")
def packages_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder for packages; their imports are undone at the end."""
    folder = tmp_path_factory.mktemp("templates")
    yield folder
    for name in list(sys.modules):
        if name.partition(".")[0] in {package.name for package in folder.iterdir()}:
            del sys.modules[name]


@pytest.fixture(scope="session")
def contract_models(packages_folder: Path) -> ModelPair:
    """Return the models of the committed package, beside stock ones."""
    stock = packages_folder / "stock_contract"
    generate_with_stock_templates(generate.SPEC, stock)
    return ModelPair(load_models(stock), committed_models)


@pytest.fixture(scope="session")
def kinds_models(packages_folder: Path) -> ModelPair:
    """Return the models of the contract that has every kind of property."""
    stock, own = packages_folder / "stock_kinds", packages_folder / "own_kinds"
    generate_with_stock_templates(KINDS, stock)
    generate.generate(KINDS, own)
    return ModelPair(load_models(stock), load_models(own))
