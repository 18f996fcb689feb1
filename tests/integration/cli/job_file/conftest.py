"""Files of a run, the command in this process or in another, and a disk that is full."""

import resource
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from forking.processes import ForkServer, PipedProcess
from openrouter_rerank.cli._app import run as run_here
from openrouter_rerank.cli._job_file.interrupts import StopFlag, catch_interrupts

from .command_process import SECRET, Completed, Run, Start
from .job_lines import write_jobs


@pytest.fixture
def limit_file_size() -> Callable[[int], AbstractContextManager[None]]:
    """Give what lets no file of this process grow beyond a size, as on a full disk."""

    @contextmanager
    def limit(size: int) -> Generator[None]:
        previous = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, previous[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, previous)

    return limit


@pytest.fixture
def stop() -> Generator[StopFlag]:
    """Give a flag that signals to this process set."""
    with catch_interrupts() as stop:
        yield stop


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    """Write ten jobs."""
    file = tmp_path / "jobs.jsonl"
    write_jobs(file, 10)
    return file


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Name an output that is not there."""
    return tmp_path / "results.jsonl"


@pytest.fixture
def errors(tmp_path: Path) -> Path:
    """Name a file for failures that is not there."""
    return tmp_path / "errors.jsonl"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Give a function that runs the command in this process."""

    def run(url: str, *arguments: object) -> Completed:
        monkeypatch.setenv("OPENROUTER_BASE_URL", url)
        monkeypatch.setenv("OPENROUTER_API_KEY", SECRET)
        status = run_here(["batch", *map(str, arguments)])
        captured = capfd.readouterr()
        assert SECRET not in captured.out + captured.err
        return Completed([], status, captured.out, captured.err)

    return run


@pytest.fixture
def start(environment: dict[str, str], fork_server: ForkServer) -> Start:
    """Give a function that starts the command in a fork, with pipes for its streams."""

    def start(url: str, *arguments: object) -> AbstractContextManager[PipedProcess]:
        variables = {"OPENROUTER_BASE_URL": url, "OPENROUTER_API_KEY": SECRET}
        return fork_server.open(["batch", *map(str, arguments)], {**environment, **variables})

    return start


@pytest.fixture
def run_piped(start: Start) -> Run:
    """Give a function that runs the command as a process, with a pipe for its input."""

    def run(url: str, *arguments: object, stdin: str) -> Completed:
        with start(url, *arguments) as process:
            process.stdin.write(stdin)
            return Completed([], *process.end())

    return run
