"""The Makefile: it says what it can do, and in one line what it lacks."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TARGETS = [
    "help", "demo", "test", "test-unit", "coverage", "test-all", "test-lowest", "docs", "sync",
    "generate", "drift", "check", "bench", "clean",
]  # fmt: skip
TOOLS = ["awk", "cat", "env", "grep", "make", "mkdir", "rm", "sh", "tail", "touch"]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


class Machine:
    """A machine with make, a few standard tools and the project in a folder with a space."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "my project"
        self.commands = folder / "bin"
        self.commands.mkdir()
        for tool in TOOLS:
            if path := shutil.which(tool):
                (self.commands / tool).symlink_to(path)
        version = "hooks/openrouter_rerank/_version.py"
        (self.project / version).parent.mkdir(parents=True)
        for name in ("Makefile", "pyproject.toml", version):
            shutil.copy(ROOT / name, self.project / name)

    def add_python(self, name: str, script: str) -> None:
        """Put a command on PATH that a script replaces."""
        path = self.commands / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def make(self, target: str) -> subprocess.CompletedProcess[str]:
        """Run make with this machine's commands and a package index that nobody serves."""
        environment = {
            "HOME": str(self.project.parent),
            "PATH": str(self.commands),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": "http://127.0.0.1:1/",
            "PIP_RETRIES": "0",
        }
        return subprocess.run(
            [self.commands / "make", target],
            capture_output=True,
            check=False,
            cwd=self.project,
            env=environment,
            text=True,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Set up a machine without Python."""
    return Machine(tmp_path)


def complaints(result: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the lines on stderr without make's own last word."""
    return [line for line in result.stderr.splitlines() if not line.startswith("make: ***")]


def test_help_lists_each_target_in_one_line(machine: Machine) -> None:
    """`make help` lists the targets, each with what it does."""
    result = machine.make("help")

    lines = [line.split(maxsplit=1) for line in result.stdout.splitlines()]
    assert [line[0] for line in lines] == TARGETS
    assert all(len(line) == 2 for line in lines)


@pytest.mark.parametrize("target", ["demo", "test"])
def test_missing_python_is_named(machine: Machine, target: str) -> None:
    """Without any Python that runs and is new enough, one line says so and nothing is made."""
    machine.add_python("python3", "echo 'no such version' >&2; exit 127")

    result = machine.make(target)

    assert result.returncode == 2
    assert complaints(result) == [
        "no Python >= 3.11 found; install one or name it: make PYTHON=/path/to/python"
    ]
    assert not (machine.project / ".venv").exists()


def test_missing_venv_is_named(machine: Machine, tmp_path: Path) -> None:
    """A Python without ensurepip, as Debian has it, is named with what to install."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "ensurepip.py").write_text("raise ImportError\n", encoding="utf-8")
    machine.add_python("python3", f"PYTHONPATH='{hidden}' exec '{sys.executable}' \"$@\"")

    result = machine.make("demo")

    (complaint,) = complaints(result)
    assert complaint.endswith(" has no venv with ensurepip; install it (Debian: python3-venv)")
    assert result.returncode == 2


def test_missing_package_index_is_named(machine: Machine, add_pip: Callable[[Path], None]) -> None:
    """Without a package index one line says what could not be installed, each time."""
    add_pip(machine.project / ".venv")

    first, second = machine.make("demo"), machine.make("demo")

    assert (first.returncode, second.returncode) == (2, 2)
    for result in (first, second):
        (complaint,) = complaints(result)
        assert complaint.startswith("pip could not install ")
        assert "is the package index reachable?" in complaint
