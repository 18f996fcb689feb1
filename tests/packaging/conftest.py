"""The wheel, environments that hold it with what it requires and nothing more, and a server."""

import fcntl
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import contextmanager
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
    """
    Link what an installed distribution put beside its metadata, but for its commands.

    A regular package, which is one distribution's alone, is one link. Anything else is linked file
    by file, since other distributions can have files in the same folder.
    """
    files = [file for file in distribution.files or [] if ".." not in file.parts]
    regular = {file.parts[0] for file in files if file.parts[1:] == ("__init__.py",)}
    alone = [str(file) for file in files if file.parts[0] not in regular]
    for path in (*regular, *alone):
        source = Path(str(distribution.locate_file(path)))
        # Bytecode is recorded even where none was written.
        if source.exists():
            target = packages / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)


def link_file(source: str | Path, target: str | Path) -> None:
    """Link a file of the wheel, or copy it where it is on another file system."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def make_environment(folder: Path) -> Path:
    """Make an environment without pip, and return its interpreter."""
    venv.create(folder, symlinks=sys.platform != "win32")
    return find_python(folder)


def find_python(environment: Path) -> Path:
    """Return the interpreter of an environment."""
    return find_path("scripts", environment) / "python"


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


@contextmanager
def make_once(name: str, factory: pytest.TempPathFactory) -> Generator[tuple[Path, bool]]:
    """
    Give a folder that all processes of this run share, and whether it is still to be filled.

    Others wait until the first of them has filled it; if that fails, the next one starts again.
    """
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder.with_suffix(".done")
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        yield folder, not done.exists()
        done.touch()


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the hatchling that is installed here."""
    with make_once("wheel", tmp_path_factory) as (folder, is_empty):
        if is_empty:
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
    with make_once("bare", tmp_path_factory) as (folder, is_empty):
        if is_empty:
            python, packages = make_environment(folder), find_path("purelib", folder)
            run_pip("--python", python, "install", "--no-index", "--no-deps", wheel)
            (installed,) = metadata.distributions(path=[str(packages)])
            for distribution in find_needed(installed, ()).values():
                link_distribution(distribution, packages)
    return find_python(folder)


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
        shutil.copytree(bare, packages, symlinks=True, copy_function=link_file, dirs_exist_ok=True)
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
