"""How far a run has come."""

import os
import pty
import subprocess
from pathlib import Path

from .command_process import COMMAND
from .fake_api import fake_api


def test_a_terminal_shows_how_far_it_is(
    environment: dict[str, str], jobs: Path, output: Path
) -> None:
    """A terminal shows a bar with counts and cost, which is gone at the end."""
    main, worker = pty.openpty()
    with (
        fake_api() as api,
        subprocess.Popen(
            [*COMMAND, jobs, "-o", output],
            stderr=worker,
            env={**environment, "OPENROUTER_BASE_URL": api.url, "COLUMNS": "120"},
        ) as process,
    ):
        os.close(worker)
        shown = b""
        try:
            while chunk := os.read(main, 65536):
                shown += chunk
        except OSError:
            pass  # Linux reports EIO when the last process closes its end.
        os.close(main)

    assert process.returncode == 0
    assert b"10 done, 0 failed" in shown
    assert b"5 credits" in shown
    assert shown.rstrip().endswith(b"openrouter-rerank: 10 done, 0 failed, 5 credits.")
