"""The command as a process of its own, and the embedded server for it to talk to."""

import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

import pytest
from forking.processes import ForkServer
from openrouter_rerank.local import running

Completed: TypeAlias = subprocess.CompletedProcess[bytes]
RunCommand: TypeAlias = Callable[..., Completed]
Serve: TypeAlias = Callable[..., AbstractContextManager[str]]

TIMEOUT_SECONDS = 60
_OUR_VARIABLES = ("OPENROUTER_", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PYTHONIOENCODING")


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """Serve the API in this process on a free port."""
    with running() as url:
        yield url


@pytest.fixture(autouse=True)
def clear_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take what changes the command's behaviour out of the environment; pytest-xdist sets some."""
    for key in list(os.environ):
        if key.startswith(_OUR_VARIABLES):
            monkeypatch.delenv(key)


@pytest.fixture
def environment(clear_environment: None) -> dict[str, str]:
    """Give the environment for the command as a process."""
    return {**os.environ, "PYTHONUTF8": "1", "TERM": "xterm-256color"}


@pytest.fixture
def run_command(environment: dict[str, str], fork_server: ForkServer) -> RunCommand:
    """Give a function that runs the command in a fork to its end, with pipes for its streams."""

    def run(
        arguments: Sequence[str], stdin: bytes = b"", variables: Mapping[str, str] | None = None
    ) -> Completed:
        return fork_server.run(arguments, {**environment, **(variables or {})}, stdin)

    return run


@pytest.fixture
def run_interpreter(environment: dict[str, str]) -> RunCommand:
    """Give a function like `run_command` that starts an interpreter, as users do."""

    def run(
        arguments: Sequence[str], stdin: bytes = b"", variables: Mapping[str, str] | None = None
    ) -> Completed:
        return subprocess.run(
            [sys.executable, "-m", "openrouter_rerank.cli", *arguments],
            input=stdin,
            env={**environment, **(variables or {})},
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )

    return run


@pytest.fixture
def serve(environment: dict[str, str], fork_server: ForkServer) -> Serve:
    """Give a function that runs `serve` in a fork, with its options and variables, at a URL."""

    @contextmanager
    def serve(*options: str, **variables: str) -> Generator[str]:
        arguments = ["serve", "--port", "0", *options]
        with fork_server.open(arguments, {**environment, **variables}) as process:
            yield process.stdout.readline().rstrip("\n").partition("=")[2]

    return serve
