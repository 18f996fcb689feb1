"""Runs that are killed, and the run that finishes their jobs."""

import random
import signal
from pathlib import Path

import pytest

from .command_process import CONCURRENCY, ForkedRuns, Run, fork_runs
from .fake_api import fake_api
from .job_lines import expect_results, show_results, write_jobs


@pytest.mark.parametrize(("suffix", "kills"), [("", 10), (".gz", 2)])
def test_kills_at_random_moments_lose_and_double_nothing(
    suffix: str, kills: int, run: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    """After each SIGKILL the next run goes on, and only what was in flight is paid twice."""
    chance = random.Random(kills)  # noqa: S311  nothing depends on its secrecy
    source, output = tmp_path / "jobs.jsonl", tmp_path / f"results.jsonl{suffix}"
    write_jobs(source, 20 * kills)
    arguments = [source, "-o", output, "--resume", "--concurrency", CONCURRENCY]
    victim: list[ForkedRuns] = []
    last = 0

    def kill(number: int, _body: object) -> None:
        if number >= last and victim:
            victim.pop().kill()

    statuses: list[int] = []
    with fake_api(kill) as api, fork_runs(environment, api.url) as runs:
        for _ in range(kills):
            last = len(api.queries) + chance.randint(1, 15)
            victim.append(runs)
            statuses.append(runs.run(*arguments))
        done = run(api.url, *arguments)

    assert statuses == [-signal.SIGKILL] * kills
    assert (done.returncode, show_results(output)) == (0, expect_results(range(20 * kills)))
    assert len(api.queries) <= 20 * kills + kills * CONCURRENCY
