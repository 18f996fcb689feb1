"""Whether the public API breaks that of the last release without a version that allows it."""

import importlib.util
import os
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from contract.model import ContractError
from diff_rules.changes import Version, next_breaking_version

from .problems import NotComparableError, Problem

ROOTS = ("hooks", "generated")
PACKAGES = ("openrouter_rerank", "openrouter_rerank_api")
# Users reach these through attributes and keywords; their modules are private.
REACHED = (
    "_call.arguments.FallbackOptions",
    "_call.arguments.RawArguments",
    "_call.arguments.RerankArguments",
    "_call.arguments.RerankOptions",
    "_raw_response.RawRerank",
    "_rerank.Rerank",
)
VERSION_FILE = Path("hooks", "openrouter_rerank", "_version.py")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def check_release(root: Path) -> list[Problem]:
    """
    Return what breaks the API of the last tagged release, unless the version allows it.

    Raises:
        NotComparableError: There is no release to compare with.
        ContractError: A version cannot be read.
    """
    tag = find_tag(root)
    if importlib.util.find_spec("griffe") is None:
        return [
            Problem("pyproject.toml", "griffe is not installed", "run: pip install --group check")
        ]
    with tempfile.TemporaryDirectory() as scratch:
        released = Path(scratch).resolve()
        unpack(root, tag, released)
        needed = next_breaking_version(read_version(released))
        if read_version(root) >= needed:
            return []
        fix = f"put it back, or set the version in {VERSION_FILE} to {'.'.join(map(str, needed))}"
        return [
            Problem(where, f"breaks {tag}: {what}", fix)
            for where, what in find_breakages(released, root)
        ]


def find_tag(root: Path) -> str:
    """
    Return the last version tag at or before the checked-out commit.

    Raises:
        NotComparableError: There is no such tag, no repository, or no git.
    """
    try:
        top = run_git(root, "rev-parse", "--show-toplevel").decode().strip()
    except FileNotFoundError as error:
        raise NotComparableError("git is not installed") from error
    except subprocess.CalledProcessError as error:
        raise NotComparableError("the tree is not a git repository") from error
    if Path(top).resolve() != root.resolve():
        raise NotComparableError("the tree is not a git repository of its own")
    patterns = ("--match=v[0-9]*", "--match=[0-9]*")
    try:
        return run_git(root, "describe", "--tags", "--abbrev=0", *patterns).decode().strip()
    except subprocess.CalledProcessError as error:
        raise NotComparableError("there is no version tag yet") from error


def run_git(root: Path, *arguments: str) -> bytes:
    """Run git on the tree's own repository, even inside a git hook of another one."""
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, check=True).stdout


def unpack(root: Path, tag: str, folder: Path) -> None:
    """Write the sources of a release to a folder, without touching the working tree."""
    archive = run_git(root, "archive", "--format=tar", tag, *ROOTS)
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")


def read_version(root: Path) -> Version:
    """Return the version of the sources below a root."""
    text = (root / VERSION_FILE).read_text(encoding="utf-8")
    match = re.search(r'^__version__ = "(\d+)\.(\d+)\.(\d+)', text, re.MULTILINE)
    if match is None:
        raise ContractError(f"{VERSION_FILE}: not a version of three numbers")
    major, minor, patch = (int(number) for number in match.groups())
    return (major, minor, patch)


def find_breakages(old_root: Path, new_root: Path) -> Iterator[tuple[str, str]]:
    """Yield the place and the description of each break between the old and the new sources."""
    import griffe

    old, new = load(old_root), load(new_root)
    roots = (old_root, new_root)
    seen: set[tuple[str, str, str]] = set()
    for name in (*PACKAGES, *(f"{PACKAGES[0]}.{path}" for path in REACHED)):
        before, after = get(old, name), get(new, name)
        if before is None:
            continue
        if after is None:
            yield locate(before, roots), f"{name}: no longer there"
            continue
        for module, lost in list_lost_names(before, after):
            yield locate(module, roots), f"{module.path}.{lost}: no longer in __all__"
        for breakage in griffe.find_breaking_changes(before, after):
            said = _COLOUR.sub("", breakage.explain(griffe.ExplanationStyle.ONE_LINE))
            where, (_, title, kind) = locate(breakage.obj, roots), said.split(": ", 2)
            # An inherited or re-exported name is found several times but breaks once.
            key = (where, title.rpartition(".")[2], kind)
            if key not in seen:
                seen.add(key)
                told = breakage.obj.path if breakage.obj.is_module else title
                yield where, f"{told}: {kind}"


def get(collection: Any, name: str) -> Any:
    """Return the object of a dotted name; None if there is none."""
    try:
        return collection[name]
    except KeyError:
        return None


def load(root: Path) -> Any:
    """Return the packages below a root as griffe sees them, without importing them."""
    import griffe

    loader = griffe.GriffeLoader(
        search_paths=[root / folder for folder in ROOTS], allow_inspection=False
    )
    for package in PACKAGES:
        loader.load(package)
    loader.resolve_aliases(implicit=True, external=False)
    return loader.modules_collection


def list_lost_names(old: Any, new: Any) -> Iterator[tuple[Any, str]]:
    """Yield each name that a module no longer has in `__all__`, which griffe does not report."""
    for module in [old, *old.modules.values()] if old.is_module else []:
        after = new if module is old else get(new, module.name)
        # Griffe itself reports the removal of a module.
        if after is not None and (module is old or not module.is_private):
            names, kept = ({str(name) for name in side.exports or ()} for side in (module, after))
            yield from ((module, name) for name in sorted(names - kept))


def locate(thing: Any, roots: Sequence[Path]) -> str:
    """
    Return the file and the line of an object that griffe found, relative to its root.

    A removed object has the line that it had in the release.
    """
    path = Path(thing.filepath)
    name = next((path.relative_to(root) for root in roots if path.is_relative_to(root)), path)
    return f"{name}:{thing.lineno or 1}"
