"""Ctrl-C during a run."""

import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from .command_process import CONCURRENCY, TIMEOUT_SECONDS, Run, start
from .fake_api import FakeApi, fake_api
from .job_lines import expect_results, show_results


def interrupt_when_busy(
    environment: dict[str, str], arguments: Sequence[object], *, wait: bool
) -> tuple[int, str, FakeApi]:
    """Send SIGINT to a run whose requests are held back; `wait` lets them finish first."""
    busy, released = threading.Barrier(CONCURRENCY + 1), threading.Event()

    def hold(number: int, _body: object) -> None:
        if number <= CONCURRENCY:
            busy.wait(TIMEOUT_SECONDS)
            released.wait(TIMEOUT_SECONDS)

    with (
        fake_api(hold) as api,
        start(environment, api.url, *arguments, "--concurrency", CONCURRENCY) as process,
    ):
        busy.wait(TIMEOUT_SECONDS)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        notice = process.stderr.readline() + process.stderr.readline()
        if not wait:
            process.send_signal(signal.SIGINT)
            process.wait(TIMEOUT_SECONDS)
        released.set()
        _, error = process.communicate(timeout=TIMEOUT_SECONDS)
    assert "Ctrl-C again" in notice
    return process.returncode, error, api


def test_an_interrupt_finishes_what_is_in_flight(
    environment: dict[str, str], run: Run, jobs: Path, output: Path
) -> None:
    """After Ctrl-C nothing new is sent, replies are kept, and --resume goes on from there."""
    arguments = [jobs, "-o", output, "--resume"]

    status, error, api = interrupt_when_busy(environment, arguments, wait=True)
    kept = show_results(output)
    with fake_api() as rest:
        done = run(rest.url, *arguments)

    assert (status, len(api.queries), len(kept)) == (130, CONCURRENCY, CONCURRENCY)
    assert "--resume" in error.splitlines()[-1]
    assert (done.returncode, show_results(output)) == (0, expect_results(range(10)))


def test_a_second_interrupt_waits_for_nothing(
    environment: dict[str, str], jobs: Path, output: Path
) -> None:
    """Ctrl-C twice ends the process while requests are under way."""
    status, _, _ = interrupt_when_busy(environment, [jobs, "-o", output], wait=False)

    assert (status, output.read_bytes()) == (130, b"")
