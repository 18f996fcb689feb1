"""The command `batch` as a process."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

COMMAND = [sys.executable, "-m", "openrouter_rerank.cli", "batch"]
TIMEOUT_SECONDS = 60
CONCURRENCY = 4
SECRET = "sk-or-v1-secret-of-the-test"

Completed = subprocess.CompletedProcess[str]
Run = Callable[..., Completed]


@contextmanager
def start(
    environment: dict[str, str], url: str, *arguments: object, stdin: int = subprocess.DEVNULL
) -> Generator[subprocess.Popen[str]]:
    """Start the command with pipes for its output, and end it if the test did not."""
    with subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**environment, "OPENROUTER_BASE_URL": url, "OPENROUTER_API_KEY": SECRET},
        encoding="utf-8",
    ) as process:
        try:
            yield process
        finally:
            process.kill()


class ForkedRuns:
    """
    Runs of the command that are forked from one process, where its modules are imported already.

    Args:
        process: Runs `forking_command.py`, with unbuffered pipes.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._requests, self._replies = process.stdin, process.stdout
        self._process_id: Future[int] = Future()

    def run(self, *arguments: object) -> int:
        """Run the command to its end, and return its exit code; a signal's is negative."""
        self._requests.write(json.dumps(["batch", *map(str, arguments)]).encode() + b"\n")
        self._process_id.set_result(self._read())
        exit_code = self._read()
        self._process_id = Future()
        return exit_code

    def kill(self) -> None:
        """Kill the run that is under way, from another thread, which may be ahead of this one."""
        os.kill(self._process_id.result(TIMEOUT_SECONDS), signal.SIGKILL)

    def _read(self) -> int:
        # Unbuffered, so that select sees all that was not read.
        assert select.select([self._replies], [], [], TIMEOUT_SECONDS)[0], "the run hangs"
        return int(self._replies.readline())


@contextmanager
def fork_runs(environment: dict[str, str], url: str) -> Generator[ForkedRuns]:
    """Start the process that runs are forked from, and end it if the test did not."""
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("forking_command.py"))],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**environment, "OPENROUTER_BASE_URL": url, "OPENROUTER_API_KEY": SECRET},
    ) as process:
        runs = ForkedRuns(process)
        try:
            yield runs
        finally:
            process.kill()
