"""The wheel installed without extras: complete, importable and able to rerank."""

import subprocess
import sys
from pathlib import Path

from openrouter_rerank import __version__, local

CONSUMER = Path(__file__).with_name("consumer.py")
SECONDS = 60


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(command, capture_output=True, check=False, text=True, timeout=SECONDS)


def test_requirements_are_complete(bare_python: Path) -> None:
    """Each distribution there finds what it requires there, in a version that it takes."""
    result = run(sys.executable, "-m", "pip", "--isolated", "--python", bare_python, "check")

    assert (result.stdout, result.returncode) == ("No broken requirements found.\n", 0)


def test_imports_without_extras(bare_python: Path) -> None:
    """The package and every module of its public interface import without a warning."""
    names = "components, errors, operations, types, __version__"

    result = run(bare_python, "-I", "-W", "error", "-c", f"from openrouter_rerank import {names}")

    assert (result.stderr, result.returncode) == ("", 0)


def test_reranks_without_extras(bare_python: Path) -> None:
    """A user's program gets its documents in order from a real server, and its error by class."""
    with local.running() as server_url:
        result = run(bare_python, "-I", "-W", "error", CONSUMER, server_url)

    berlin, paris = "Berlin is the capital of Germany.", "Paris is the capital of France."
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        __version__,
        str([paris, berlin]),
        str([paris]),
        str([paris, berlin]),
        "404",
    ]


def test_command_names_missing_extra(bare_python: Path) -> None:
    """The command without its extra says in one line what to install, and fails."""
    result = run(bare_python.with_name("openrouter-rerank"), "--version")

    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "openrouter-rerank[cli]" in result.stderr
