"""Runs that are killed, and the run that finishes their jobs."""

import os
import random
import signal
from concurrent.futures import Future
from pathlib import Path

import pytest
from forking.processes import ForkedProcess, ForkServer

from .command_process import CONCURRENCY, SECRET, TIMEOUT_SECONDS, Run
from .fake_api import fake_api
from .job_lines import expect_results, show_results, write_jobs


@pytest.mark.parametrize(("suffix", "kills"), [("", 10), (".gz", 2)])
def test_kills_at_random_moments_lose_and_double_nothing(
    suffix: str,
    kills: int,
    run: Run,
    environment: dict[str, str],
    fork_server: ForkServer,
    tmp_path: Path,
) -> None:
    """After each SIGKILL the next run goes on, and only what was in flight is paid twice."""
    chance = random.Random(kills)  # noqa: S311  nothing depends on its secrecy
    source, output = tmp_path / "jobs.jsonl", tmp_path / f"results.jsonl{suffix}"
    write_jobs(source, 20 * kills)
    arguments = [source, "-o", output, "--resume", "--concurrency", CONCURRENCY]
    victim: list[Future[ForkedProcess]] = []
    last = 0

    def kill(number: int, _body: object) -> None:
        if number >= last and victim:
            # The server's thread may be ahead of the one that starts the run.
            victim.pop().result(TIMEOUT_SECONDS).kill()

    statuses: list[int] = []
    with fake_api(kill) as api, Path(os.devnull).open("r+b") as nothing:
        variables = {"OPENROUTER_BASE_URL": api.url, "OPENROUTER_API_KEY": SECRET}
        for _ in range(kills):
            last = len(api.queries) + chance.randint(1, 15)
            started: Future[ForkedProcess] = Future()
            victim.append(started)
            process = fork_server.start(
                ["batch", *map(str, arguments)],
                {**environment, **variables},
                [nothing.fileno()] * 3,
            )
            started.set_result(process)
            statuses.append(process.wait())
        done = run(api.url, *arguments)

    assert statuses == [-signal.SIGKILL] * kills
    assert (done.returncode, show_results(output)) == (0, expect_results(range(20 * kills)))
    assert len(api.queries) <= 20 * kills + kills * CONCURRENCY
