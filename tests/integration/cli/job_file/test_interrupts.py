"""Ctrl-C, SIGTERM and SIGHUP during a run."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from .command_process import (
    COMMAND,
    CONCURRENCY,
    SECRET,
    TIMEOUT_SECONDS,
    Run,
    Start,
    start_interpreter,
)
from .fake_api import FakeApi, fake_api
from .job_lines import expect_results, make_job, show_results

SIGNALS = pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)


def interrupt_when_busy(
    start: Start, arguments: Sequence[object], number: signal.Signals, *, wait: bool
) -> tuple[int, str, FakeApi]:
    """Send a signal to a run whose requests are held back; `wait` lets them finish first."""
    busy, released = threading.Barrier(CONCURRENCY + 1), threading.Event()

    def hold(number: int, _body: object) -> None:
        if number <= CONCURRENCY:
            busy.wait(TIMEOUT_SECONDS)
            released.wait(TIMEOUT_SECONDS)

    with (
        fake_api(hold) as api,
        start(api.url, *arguments, "--concurrency", CONCURRENCY) as process,
    ):
        busy.wait(TIMEOUT_SECONDS)
        process.send_signal(number)
        notice = process.stderr.readline() + process.stderr.readline()
        if not wait:
            process.send_signal(number)
            process.wait()
        released.set()
        status, _, error = process.end()
    name = "Ctrl-C" if number == signal.SIGINT else number.name
    assert f"{name} again ends at once" in notice
    return status, error, api


@SIGNALS
def test_an_interrupt_finishes_what_is_in_flight(
    number: signal.Signals,
    status: int,
    start: Start,
    run: Run,
    jobs: Path,
    output: Path,
) -> None:
    """After a signal nothing new is sent, replies are kept, and --resume goes on from there."""
    arguments = [jobs, "-o", output, "--resume"]

    ended, error, api = interrupt_when_busy(start, arguments, number, wait=True)
    kept = show_results(output)
    with fake_api() as rest:
        done = run(rest.url, *arguments)

    assert (ended, len(api.queries), len(kept)) == (status, CONCURRENCY, CONCURRENCY)
    assert "--resume" in error.splitlines()[-1]
    assert (done.returncode, show_results(output)) == (0, expect_results(range(10)))


@SIGNALS
def test_a_second_interrupt_waits_for_nothing(
    number: signal.Signals, status: int, start: Start, jobs: Path, output: Path
) -> None:
    """The second signal ends the process while requests are under way."""
    ended, _, _ = interrupt_when_busy(start, [jobs, "-o", output], number, wait=False)

    assert (ended, output.read_bytes()) == (status, b"")


@SIGNALS
def test_an_interrupt_ends_the_wait_for_input(
    number: signal.Signals, status: int, start: Start, output: Path
) -> None:
    """While standard input is silent, the first signal is enough; what has come is kept."""
    with fake_api() as api, start(api.url, "-", "-o", output) as process:
        process.stdin.write(json.dumps(make_job(0)) + "\nnonsense\n")
        process.stdin.flush()
        malformed = process.stderr.readline()
        process.send_signal(number)
        ended = process.wait()
        error = process.stderr.read()

    assert "line 2" in malformed
    assert (ended, show_results(output)) == (status, {0: "a0"})
    assert error.endswith("openrouter-rerank: interrupted.\n")


def test_an_interrupt_ends_a_copy_of_the_input(start: Start, output: Path) -> None:
    """Before anything is sent, the first signal ends the process."""
    with start("http://127.0.0.1:9", "-", "-o", output, "--strict") as process:
        # More than a pipe holds, so that the process reads already.
        process.stdin.write(" " * (1 << 20) + "\n")
        process.send_signal(signal.SIGTERM)
        status = process.wait()

    assert status == 128 + signal.SIGTERM


def test_a_refusal_ends_the_wait_for_input(start: Start, output: Path) -> None:
    """A run that stops does not wait for the next line of a silent standard input."""
    with (
        fake_api(lambda _number, _body: 401) as api,
        start(api.url, "-", "-o", output) as process,
    ):
        process.stdin.write(json.dumps(make_job(0)) + "\n")
        process.stdin.flush()
        status = process.wait()

    assert status == 1


def test_an_interrupt_ends_retries(
    environment: dict[str, str], jobs: Path, output: Path, errors: Path
) -> None:
    """A request that fails after a signal is not sent again."""
    asked, released = threading.Event(), threading.Event()

    def refuse(_number: int, _body: object) -> int:
        asked.set()
        released.wait(TIMEOUT_SECONDS)
        return 500

    with (
        fake_api(refuse) as api,
        start_interpreter(environment, api.url, jobs, "-o", output, "--errors", errors) as process,
    ):
        asked.wait(TIMEOUT_SECONDS)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        process.stderr.readline()
        process.stderr.readline()
        released.set()
        status = process.wait(TIMEOUT_SECONDS)

    assert status == 128 + signal.SIGINT
    assert len(api.queries) == len(set(api.queries))


def test_a_hangup_that_is_ignored_stays_so(
    environment: dict[str, str], jobs: Path, output: Path
) -> None:
    """Below nohup, a closed terminal does not end the run."""
    asked, released = threading.Event(), threading.Event()

    def hold(_number: int, _body: object) -> None:
        asked.set()
        released.wait(TIMEOUT_SECONDS)

    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with (
            fake_api(hold) as api,
            start_interpreter(environment, api.url, jobs, "-o", output) as process,
        ):
            asked.wait(TIMEOUT_SECONDS)
            process.send_signal(signal.SIGHUP)
            released.set()
            status = process.wait(TIMEOUT_SECONDS)
    finally:
        signal.signal(signal.SIGHUP, previous)

    assert (status, show_results(output)) == (0, expect_results(range(10)))


TAKE_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, sys.argv[1:])
"""


def test_a_closed_terminal_keeps_the_replies(
    environment: dict[str, str], jobs: Path, output: Path
) -> None:
    """When the terminal goes away, as a lost connection has it, replies under way are written."""
    busy, released = threading.Barrier(CONCURRENCY + 1), threading.Event()

    def hold(_number: int, _body: object) -> None:
        busy.wait(TIMEOUT_SECONDS)
        released.wait(TIMEOUT_SECONDS)

    main, worker = pty.openpty()
    with (
        fake_api(hold) as api,
        subprocess.Popen(
            [
                *(sys.executable, "-c", TAKE_TERMINAL),
                *(*COMMAND, str(jobs), "-o", str(output), "--concurrency", str(CONCURRENCY)),
            ],
            stdin=worker,
            stdout=worker,
            stderr=worker,
            env={**environment, "OPENROUTER_BASE_URL": api.url, "OPENROUTER_API_KEY": SECRET},
        ) as process,
    ):
        os.close(worker)
        busy.wait(TIMEOUT_SECONDS)
        os.close(main)
        released.set()
        status = process.wait(TIMEOUT_SECONDS)

    assert (status, len(show_results(output))) == (129, CONCURRENCY)
