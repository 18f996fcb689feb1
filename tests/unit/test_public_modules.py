"""The modules that only export names: what they list, and what they refuse."""

import subprocess
import sys
from types import ModuleType

import openrouter_rerank
import pytest
from openrouter_rerank import components, operations, types, utils

LAZY = [openrouter_rerank, components, operations, utils]


@pytest.mark.parametrize("module", [*LAZY, types], ids=lambda module: module.__name__)
def test_every_exported_name_is_there_and_listed(module: ModuleType) -> None:
    """`dir()` lists what `__all__` names, and each name can be had."""
    names = set(module.__all__)

    assert names <= set(dir(module))
    assert all(getattr(module, name) is not None for name in names)


@pytest.mark.parametrize("module", LAZY, ids=lambda module: module.__name__)
def test_unknown_name_is_an_attribute_error(module: ModuleType) -> None:
    """A name that a lazy module does not have is refused as by any other, by its full path."""
    with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute 'nope'"):
        module.nope  # noqa: B018


def test_names_of_the_official_sdk_are_aliases() -> None:
    """The official SDK's second name for the reply is the same class."""
    assert operations.CreateRerankResponse is operations.CreateRerankResponseBody


def test_importing_the_client_imports_little() -> None:
    """Whoever only imports the class waits for httpx, not for what a first call needs."""
    code = (
        "import sys; from openrouter_rerank import OpenRouter; "
        "print(*(name for name in sys.modules if name.startswith('openrouter_rerank')))"
    )

    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )

    assert set(result.stdout.split()) == {
        "openrouter_rerank",
        "openrouter_rerank._call",
        "openrouter_rerank._call.defaults",
        "openrouter_rerank._call.setting_types",
        "openrouter_rerank._client",
        "openrouter_rerank._version",
        "openrouter_rerank.types",
        "openrouter_rerank_api",
        "openrouter_rerank_api.unset",
    }
