"""The wheel, and an environment that holds it with what it requires and nothing more."""

import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Collection
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def run_pip(*arguments: str | Path) -> None:
    """Run pip without a package index and without settings from outside."""
    subprocess.run([sys.executable, "-m", "pip", "--isolated", "--quiet", *arguments], check=True)


def find_needed(
    distribution: metadata.Distribution,
    extras: Collection[str],
    found: dict[str, metadata.Distribution],
) -> dict[str, metadata.Distribution]:
    """Add to `found` what a distribution with these extras requires, directly or through others."""
    for text in distribution.requires or []:
        requirement = Requirement(text)
        marker, name = requirement.marker, canonicalize_name(requirement.name)
        if marker and not any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            continue
        if name not in found:
            found[name] = metadata.distribution(name)
            find_needed(found[name], requirement.extras, found)
    return found


def copy_distribution(distribution: metadata.Distribution, packages: Path) -> None:
    """Copy what an installed distribution put beside its metadata; its commands stay behind."""
    for file in distribution.files or []:
        if ".." not in file.parts and "__pycache__" not in file.parts:
            target = packages / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(Path(str(file.locate())), target)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the hatchling that is installed here."""
    folder = tmp_path_factory.mktemp("wheel")
    run_pip("wheel", "--no-index", "--no-deps", "--no-build-isolation", "-w", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def bare_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    Install the wheel without extras into a new environment and return its interpreter.

    A package index is not at hand, so what the wheel requires is copied from the environment of the
    tests, file by file as recorded there. Nothing else can be imported, unlike where a test hides
    modules from its own process, and `pip check` judges whether the closure was the right one.
    """
    folder = tmp_path_factory.mktemp("bare")
    paths = {"base": str(folder), "platbase": str(folder)}
    venv.create(folder, symlinks=sys.platform != "win32")
    python = Path(sysconfig.get_path("scripts", "venv", paths), "python")
    packages = Path(sysconfig.get_path("purelib", "venv", paths))
    run_pip("--python", python, "install", "--no-index", "--no-deps", wheel)
    (installed,) = metadata.distributions(path=[str(packages)])
    for distribution in find_needed(installed, (), {}).values():
        copy_distribution(distribution, packages)
    return python
