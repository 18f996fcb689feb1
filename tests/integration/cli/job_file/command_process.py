"""The command `batch` as a process."""

import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

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
