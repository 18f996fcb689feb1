"""The command `batch` as a process."""

import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager

from forking.processes import PipedProcess

COMMAND = [sys.executable, "-m", "openrouter_rerank.cli", "batch"]
TIMEOUT_SECONDS = 60
CONCURRENCY = 4
SECRET = "sk-or-v1-secret-of-the-test"

Completed = subprocess.CompletedProcess[str]
Run = Callable[..., Completed]
Start = Callable[..., AbstractContextManager[PipedProcess]]


@contextmanager
def start_interpreter(
    environment: dict[str, str], url: str, *arguments: object
) -> Generator[subprocess.Popen[str]]:
    """Start an interpreter, as users do, with pipes for its output."""
    with subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**environment, "OPENROUTER_BASE_URL": url, "OPENROUTER_API_KEY": SECRET},
        encoding="utf-8",
    ) as process:
        try:
            yield process
        finally:
            process.kill()
