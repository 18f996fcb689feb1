"""Files of a run, the command in this process or in another, and a disk that is full."""

import resource
import subprocess
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from openrouter_rerank.cli._app import run as run_here
from openrouter_rerank.cli._job_file.interrupts import StopFlag, catch_interrupts

from .command_process import SECRET, TIMEOUT_SECONDS, Completed, Run, start
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
def run_piped(environment: dict[str, str]) -> Run:
    """Give a function that runs the command as a process, with a pipe for its input."""

    def run(url: str, *arguments: object, stdin: str) -> Completed:
        with start(environment, url, *arguments, stdin=subprocess.PIPE) as process:
            out, error = process.communicate(stdin, TIMEOUT_SECONDS)
        return Completed([], process.returncode, out, error)

    return run
