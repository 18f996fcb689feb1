"""A run from its options to its exit status."""

import gzip
import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from openrouter_rerank.local import Faults, Ranking, running

from .command_process import TIMEOUT_SECONDS, Run, Start
from .fake_api import fake_api
from .job_lines import expect_results, read_lines, show_results, write_jobs


class EqualRanker:
    """Finds all documents equally relevant, at once."""

    def rank(
        self,
        query: str,  # noqa: ARG002  the protocol has it
        documents: Sequence[str],
        *,
        checkpoint: Callable[[], None],  # noqa: ARG002  the protocol has it
    ) -> Ranking:
        """Give each document the same score."""
        return Ranking([0.5] * len(documents), token_count=0)


def test_each_job_gets_its_line(run: Run, jobs: Path, output: Path) -> None:
    """A run writes the reply to each job, and one line of counts at the end."""
    with fake_api() as api:
        done = run(api.url, jobs, "-o", output)

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "openrouter-rerank: 10 done, 0 failed, 5 credits.\n"
    assert show_results(output) == expect_results(range(10))
    assert {line["id"] for line in read_lines(output)} == {f"job {at}" for at in range(10)}


def test_pipes_and_csv_and_options(run_piped: Run) -> None:
    """Jobs and results may go through pipes, and options replace fields that are missing."""
    bodies: list[dict[str, Any]] = []
    with fake_api(lambda _, body: bodies.append(body)) as api:
        done = run_piped(
            api.url,
            "-",
            "-o",
            "-",
            "--format",
            "csv",
            "--model",
            "m",
            "--top-n",
            "1",
            stdin="query,document\nq,a\nq,b\n",
        )

    (line,) = done.stdout.splitlines()
    assert done.returncode == 0
    assert bodies == [{"query": "q", "documents": ["a", "b"], "model": "m", "top_n": 1}]
    assert [item["index"] for item in json.loads(line)["result"]["results"]] == [0]


def test_gzip_goes_in_and_out(run: Run, tmp_path: Path) -> None:
    """Both files are compressed if their names say so."""
    source, output = tmp_path / "jobs.csv.gz", tmp_path / "out.jsonl.gz"
    source.write_bytes(gzip.compress(b"query,document\nq0,a0\nq1,a1\n"))

    with fake_api() as api:
        done = run(api.url, source, "-o", output)

    assert (done.returncode, show_results(output)) == (0, expect_results(range(2)))


def test_the_model_on_this_machine_ranks(run: Run, jobs: Path, output: Path) -> None:
    """--local needs no server."""
    done = run("http://127.0.0.1:9/api/v1", jobs, "-o", output, "--local")

    assert done.returncode == 0
    assert len(show_results(output)) == 10


def test_faults_lose_nothing(run: Run, tmp_path: Path, output: Path, errors: Path) -> None:
    """With one request in five failing, each job is done."""
    source = tmp_path / "jobs.jsonl"
    write_jobs(source, 30)
    faults = ("429", "500", "reset", "truncated", "html")
    script = [name for fault in faults for name in (fault, "ok", "ok", "ok", "ok")]

    # A model that takes long to load would slow down the whole run: after the first 429 it sends at
    # the rate at which the server has answered before.
    with running(EqualRanker(), faults=Faults(script, retry_after=0)) as url:
        done = run(url, source, "-o", output, "--errors", errors)

    assert (done.returncode, errors.read_bytes()) == (0, b"")
    assert sorted(show_results(output)) == list(range(30))


def test_a_reader_that_goes_away_is_no_failure(start: Start, jobs: Path) -> None:
    """A closed pipe ends the run silently."""
    released = threading.Event()
    with (
        fake_api(lambda _number, _body: released.wait(TIMEOUT_SECONDS) and None) as api,
        start(api.url, jobs, "-o", "-") as process,
    ):
        process.stdout.close()
        released.set()
        error = process.stderr.read()
        status = process.wait()

    assert (status, error) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_line(run: Run, jobs: Path) -> None:
    """A result that cannot be written ends the run."""
    with fake_api() as api:
        done = run(api.url, jobs, "-o", "/dev/full", "--concurrency", 1)

    assert done.returncode == 1
    assert done.stderr.startswith("openrouter-rerank: cannot write /dev/full")
    assert done.stderr.count("\n") == 1
