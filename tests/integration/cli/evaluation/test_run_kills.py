"""Evaluations that are killed, and the run that finishes them."""

import json
import random
import signal
from collections import Counter
from pathlib import Path
from typing import Any

from forking.processes import ForkServer, PipedProcess
from integration.cli.evaluation.test_run import KEY, write_jobs
from integration.cli.job_file.fake_api import fake_api

MODELS = ("a/small", "b/medium", "c/large")
QUERIES, DOCUMENTS, CONCURRENCY, KILLS = 100, 50, 4, 3


def test_kills_lose_and_double_nothing(
    environment: dict[str, str], fork_server: ForkServer, tmp_path: Path
) -> None:
    """After each SIGKILL and through 429s the next run goes on; only what was in flight repeats."""
    data = write_jobs(tmp_path / "queries.jsonl", QUERIES, DOCUMENTS)
    folder = tmp_path / "kept"
    chance = random.Random(18)  # noqa: S311  nothing depends on its secrecy
    answered: Counter[tuple[str, str]] = Counter()
    victims: list[PipedProcess] = []
    kill_at = [chance.randint(20, 90) for _ in range(KILLS)]
    since_start = 0

    def step_in(number: int, body: dict[str, Any]) -> int | None:
        nonlocal since_start
        since_start += 1
        if kill_at and since_start >= kill_at[0] and victims:
            kill_at.pop(0)
            victims.pop().send_signal(signal.SIGKILL)
        if number % 60 == 7:
            return 429
        answered[body["model"], body["query"]] += 1
        return None

    arguments = [data, "--depth", DOCUMENTS, "--resume", folder, "--concurrency", CONCURRENCY]
    for model in MODELS:
        arguments += ["--model", model]
    statuses: list[int] = []
    output = ""
    with fake_api(step_in, cost=0.25) as api:
        variables = {"OPENROUTER_BASE_URL": api.url, "OPENROUTER_API_KEY": KEY}
        for _ in range(KILLS + 1):
            since_start = 0
            with fork_server.open(
                ["eval", *map(str, arguments), "--json"], {**environment, **variables}
            ) as process:
                victims.append(process)
                status, output, _error = process.end()
                statuses.append(status)

    evaluation = json.loads(output)
    assert statuses == [-signal.SIGKILL] * KILLS + [0]
    assert len(answered) == QUERIES * len(MODELS)
    assert sum(answered.values()) - len(answered) <= KILLS * CONCURRENCY
    assert evaluation["cost"] == QUERIES * len(MODELS) * 0.25
    assert [system["failures"] for system in evaluation["systems"]] == [[]] * 4
    lines = (folder / "outcomes.jsonl").read_text().splitlines()
    assert len({json.loads(line)["key"] for line in lines}) == len(lines) == len(answered)
