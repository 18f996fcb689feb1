"""How far a run has come."""

import os
import pty
from pathlib import Path

from forking.processes import ForkServer

from .fake_api import fake_api


def test_a_terminal_shows_how_far_it_is(
    environment: dict[str, str], fork_server: ForkServer, jobs: Path, output: Path
) -> None:
    """A terminal shows a bar with counts and cost, which is gone at the end."""
    main, worker = pty.openpty()
    with fake_api() as api:
        process = fork_server.start(
            ["batch", str(jobs), "-o", str(output)],
            {**environment, "OPENROUTER_BASE_URL": api.url, "COLUMNS": "120"},
            [worker] * 3,
        )
        os.close(worker)
        shown = b""
        try:
            while chunk := os.read(main, 65536):
                shown += chunk
        except OSError:
            pass  # Linux reports EIO when the last process closes its end.
        os.close(main)
        status = process.wait()

    assert status == 0
    assert b"10 done, 0 failed" in shown
    assert b"5 credits" in shown
    assert shown.rstrip().endswith(b"openrouter-rerank: 10 done, 0 failed, 5 credits.")
