"""The wheel, environments that hold it with what it requires and nothing more, and a server."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable, Collection, Iterator
from importlib import metadata
from pathlib import Path

import pytest
from openrouter_rerank import local
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
SECONDS = 300
Run = Callable[..., subprocess.CompletedProcess[str]]


def run_pip(*arguments: str | Path) -> None:
    """Run pip without a package index and without settings from outside."""
    subprocess.run([sys.executable, "-m", "pip", "--isolated", "--quiet", *arguments], check=True)


def find_needed(
    distribution: metadata.Distribution, extras: Collection[str]
) -> dict[str, metadata.Distribution]:
    """Find what a distribution with these extras requires, directly or through others, by name."""
    found: dict[str, metadata.Distribution] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(distribution, frozenset(extras))]
    while waiting:
        current, current_extras = waiting.pop()
        for requirement in map(Requirement, current.requires or []):
            name, further = canonicalize_name(requirement.name), frozenset(requirement.extras)
            marker = requirement.marker
            is_meant = not marker or any(
                marker.evaluate({"extra": extra}) for extra in ("", *current_extras)
            )
            if is_meant and (name, further) not in seen:
                seen.add((name, further))
                found[name] = metadata.distribution(name)
                waiting.append((found[name], further))
    return found


def link_distribution(distribution: metadata.Distribution, packages: Path) -> None:
    """Put there what an installed distribution put beside its metadata, but for its commands."""
    for file in distribution.files or []:
        source = Path(str(file.locate()))
        # Bytecode is recorded even where none was written.
        if ".." not in file.parts and source.exists():
            target = packages / file
            target.parent.mkdir(parents=True, exist_ok=True)
            link_file(source, target)


def link_file(source: str | Path, target: str | Path) -> None:
    """Link a file, since a framework's are large; copy it where it is on another file system."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def make_environment(folder: Path) -> Path:
    """Make an environment without pip, and return its interpreter."""
    venv.create(folder, symlinks=sys.platform != "win32")
    return Path(find_path("scripts", folder), "python")


def find_path(name: str, environment: Path) -> Path:
    """Return a path of an environment, by the name that sysconfig has for it."""
    paths = {"base": str(environment), "platbase": str(environment)}
    return Path(sysconfig.get_path(name, "venv", paths))


@pytest.fixture
def add_pip() -> Callable[[Path], None]:
    """Give what makes an environment with the pip that is installed here, in a moment."""

    def add_pip(folder: Path) -> None:
        make_environment(folder)
        link_distribution(metadata.distribution("pip"), find_path("purelib", folder))

    return add_pip


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

    There is no package index, so what the wheel requires is linked from the environment of the
    tests, file by file as recorded there. Nothing else can be imported, unlike where a test hides
    modules from its own process, and `pip check` judges whether the closure was the right one.
    """
    folder = tmp_path_factory.mktemp("bare")
    python, packages = make_environment(folder), find_path("purelib", folder)
    run_pip("--python", python, "install", "--no-index", "--no-deps", wheel)
    (installed,) = metadata.distributions(path=[str(packages)])
    for distribution in find_needed(installed, ()).values():
        link_distribution(distribution, packages)
    return python


@pytest.fixture(scope="session")
def add_extra(bare_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """
    Give what makes an environment of the wheel with one extra and returns its interpreter.

    Further arguments name distributions to be there as well.
    """
    bare = find_path("purelib", bare_python.parents[1])

    def add_extra(extra: str, *others: str) -> Path:
        folder = tmp_path_factory.mktemp(extra)
        python, packages = make_environment(folder), find_path("purelib", folder)
        shutil.copytree(bare, packages, copy_function=link_file, dirs_exist_ok=True)
        (installed,) = metadata.distributions(name="openrouter-rerank", path=[str(packages)])
        present = {each.name for each in metadata.distributions(path=[str(packages)])}
        needed = find_needed(installed, (extra,))
        for other in others:
            needed |= {other: metadata.distribution(other)}
            needed |= find_needed(needed[other], ())
        for distribution in needed.values():
            if distribution.name not in present:
                link_distribution(distribution, packages)
        return python

    return add_extra


@pytest.fixture
def server_url() -> Iterator[str]:
    """Serve the model."""
    with local.running() as server_url:
        yield server_url


@pytest.fixture
def run(server_url: str, tmp_path: Path) -> Run:
    """Give what runs a Python against the server, in a folder of its own."""
    environment = {
        "HAYSTACK_TELEMETRY_ENABLED": "False",
        "HOME": str(tmp_path),
        "OPENROUTER_API_KEY": "sk-or-extras",
        "OPENROUTER_BASE_URL": server_url,
        "PATH": os.defpath,
        "RAY_USAGE_STATS_ENABLED": "0",
    }

    def run(python: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, "-I", *arguments],
            capture_output=True,
            check=False,
            cwd=tmp_path,
            env=environment,
            text=True,
            timeout=SECONDS,
        )

    return run
