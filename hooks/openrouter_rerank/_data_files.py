"""The files beside the code, which may be in a folder, in a zip or in a frozen program."""

import atexit
import shutil
import sys
from collections.abc import Iterable
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from tempfile import mkdtemp

from .errors import DataFileError


def find_data_file(package: str, path: str) -> Traversable:
    """
    Find a file that a package brings.

    Args:
        package: The package's full name.
        path: Where the file lies below it, with slashes.

    Raises:
        DataFileError: It is not there.
    """
    found = files(package).joinpath(*path.split("/"))
    if not found.is_file():
        name = f"{package.replace('.', '/')}/{path}"
        raise DataFileError(f"the file {name} is missing. {_advise(package.partition('.')[0])}")
    return found


def read_data_file(package: str, path: str) -> str:
    """
    Read a text in UTF-8 that a package brings.

    Args:
        package: The package's full name.
        path: Where the file lies below it, with slashes.

    Raises:
        DataFileError: It is not there.
    """
    return find_data_file(package, path).read_text(encoding="utf-8")


def find_data_folder(package: str, path: str, names: Iterable[str]) -> Path:
    """
    Find a folder that a package brings, or copy it out of the zip that the package is in.

    Args:
        package: The package's full name.
        path: Where the folder lies below it, with slashes.
        names: The files that it holds, with slashes.

    Returns:
        The folder; a copy lasts as long as the process.

    Raises:
        DataFileError: A file is not there.
    """
    found = {name: find_data_file(package, f"{path}/{name}") for name in names}
    folder = files(package).joinpath(*path.split("/"))
    if isinstance(folder, Path):
        return folder
    # Python 3.11 has `resources.as_file` for single files alone.
    copy = Path(mkdtemp(prefix="openrouter-rerank-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    for name, file in found.items():
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    return copy


def is_frozen() -> bool:
    """Tell whether a program was made of this package and its Python, as by PyInstaller."""
    return bool(getattr(sys, "frozen", False))


def _advise(package: str) -> str:
    if is_frozen():
        return (
            f"This program was built without the data of {package}: with PyInstaller, build it "
            f"again with --collect-data {package}"
        )
    return (
        "Install the package again with: pip install --force-reinstall --no-deps openrouter-rerank"
    )
