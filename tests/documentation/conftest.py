"""What the pages' blocks run against: the embedded server, as the environment names it."""

import inspect
import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from forking.processes import ForkServer
from forking.stand_in import standing_in
from openrouter_rerank import local

# Frameworks report to their makers; Haystack reads this when a page imports it.
os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Run the embedded server, with its model loaded, or a page's deadline could run out."""
    local.LOCAL.load()
    with local.running(model="minilm") as url:
        yield url


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer) -> Iterator[Path]:
    """Give a folder with the command in it, whose runs are forked."""
    folder = tmp_path_factory.mktemp("commands")
    with standing_in("openrouter-rerank", folder, fork_server):
        yield folder


@pytest.fixture
def reader(server: str, commands: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be somebody who reads a page: in an empty folder, with a key and the commands on the path."""
    folder = tmp_path / "reader"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("OPENROUTER_BASE_URL", server)
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-reader")
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("LANGSMITH_TRACING", "false")
    # The plugins that pages speak of; all that are installed here take seconds to load.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p openrouter_rerank.pytest_plugin -p pytest_httpx")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    monkeypatch.setenv("PATH", str(commands), prepend=":")
    # At each print pytest-examples asks for the stack to find the line of the page, but needs no
    # lines of source, which are looked for in all modules that were ever imported.
    monkeypatch.setattr(inspect, "stack", partial(inspect.stack, 0))
    # A block is run as a program would be, which takes the place of `__main__`.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    return folder
