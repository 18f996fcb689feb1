"""The files beside the code: found in a folder and in a zip, and missed in plain words."""

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from openrouter_rerank._data_files import find_data_file, find_data_folder, read_data_file
from openrouter_rerank.errors import DataFileError, OpenRouterError

NAMES = ("a.txt", "deep/er/b.txt")


@pytest.fixture
def zipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Give the name of a package that is in a zip."""
    with zipfile.ZipFile(tmp_path / "program.zip", "w") as archive:
        archive.writestr("in_a_zip/__init__.py", "")
        for name in NAMES:
            archive.writestr(f"in_a_zip/data/{name}", f"é {name}")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "program.zip"), *sys.path])
    yield "in_a_zip"
    sys.modules.pop("in_a_zip", None)


def test_text_is_read_out_of_a_zip(zipped: str) -> None:
    """A package in a zip has its files as one in a folder has."""
    assert read_data_file(zipped, "data/deep/er/b.txt") == "é deep/er/b.txt"


def test_folder_is_copied_out_of_a_zip(zipped: str) -> None:
    """Who needs a real folder gets one, with each file where it was."""
    folder = find_data_folder(zipped, "data", NAMES)

    assert [(folder / name).read_text(encoding="utf-8") for name in NAMES] == [
        f"é {name}" for name in NAMES
    ]


def test_folder_of_an_installed_package_is_its_own() -> None:
    """Nothing is copied where the files are files."""
    folder = find_data_folder("openrouter_rerank._demo", "general-knowledge", ["corpus.jsonl"])

    assert folder.parent.name == "_demo"


def test_missing_file_is_named() -> None:
    """The error says which file is missing, and how it comes back."""
    with pytest.raises(DataFileError) as caught:
        find_data_file("openrouter_rerank.local", "data/gone.txt")

    assert not isinstance(caught.value, OpenRouterError)
    assert str(caught.value) == (
        "the file openrouter_rerank/local/data/gone.txt is missing. Install the package again "
        "with: pip install --force-reinstall --no-deps openrouter-rerank"
    )


def test_missing_file_of_a_program_names_the_option(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a program that PyInstaller built, the error says how to build it with the file."""
    monkeypatch.setattr(sys, "frozen", True, raising=False)

    with pytest.raises(DataFileError, match=r"again with --collect-data openrouter_rerank$"):
        find_data_file("openrouter_rerank.local", "data/gone.txt")
