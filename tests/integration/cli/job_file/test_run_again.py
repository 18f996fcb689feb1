"""A second run over the same files."""

import gzip
import stat
from collections import Counter
from pathlib import Path
from typing import Any

from .command_process import Run
from .fake_api import fake_api
from .job_lines import expect_results, read_lines, show_results, write_jobs


def test_what_failed_is_written_down_and_tried_again(
    run: Run, jobs: Path, output: Path, errors: Path
) -> None:
    """A later run sends what is left, and drops outdated lines from the failures."""
    failing = {"q2", "q5"}

    def step_in(_number: int, body: dict[str, Any]) -> int | None:
        return 422 if body["query"] in failing else None

    arguments = [jobs, "-o", output, "--errors", errors, "--resume"]
    with fake_api(step_in) as api:
        first = run(api.url, *arguments)
        failures = read_lines(errors)
        failing.remove("q5")
        second = run(api.url, *arguments)

    assert (first.returncode, second.returncode) == (3, 3)
    assert second.stderr == "openrouter-rerank: 1 done, 8 before, 1 failed, 0.5 credits.\n"
    assert Counter(api.queries) == {f"q{at}": 1 + (at in {2, 5}) for at in range(10)}
    assert sorted(line["position"] for line in failures) == [2, 5]
    assert failures[0] | {"position": 0, "line": 0, "id": "", "message": ""} == {
        "position": 0,
        "line": 0,
        "id": "",
        "class": "UnprocessableEntityResponseError",
        "status": 422,
        "message": "",
        "attempts": 1,
    }
    assert [line["position"] for line in read_lines(errors)] == [2]
    assert sorted(show_results(output)) == [at for at in range(10) if at != 2]


def test_the_cost_has_a_limit_for_all_runs_together(run: Run, jobs: Path, output: Path) -> None:
    """A resumed run counts what the output has already cost."""
    arguments = [jobs, "-o", output, "--resume", "--concurrency", 1, "--max-cost"]
    with fake_api() as api:
        first = run(api.url, *arguments, "1.5")
        again = run(api.url, *arguments, "1.5")
        sent = len(api.queries)
        last = run(api.url, *arguments, "100")

    assert (first.returncode, again.returncode, sent) == (1, 1, 3)
    assert ["--max-cost" in done.stderr and "--resume" in done.stderr for done in (first, again)]
    assert (last.returncode, show_results(output)) == (0, expect_results(range(10)))


def test_a_torn_output_that_was_compressed_again_is_saved(run: Run, tmp_path: Path) -> None:
    """What can be read of it is not paid for again, and the file can be read by others again."""
    source, output = tmp_path / "jobs.jsonl", tmp_path / "results.jsonl.gz"
    write_jobs(source, 200)
    with fake_api() as api:
        run(api.url, source, "-o", output)
        output.write_bytes(gzip.compress(gzip.decompress(output.read_bytes()))[:-300])
        output.chmod(0o640)
        done = run(api.url, source, "-o", output, "--resume")

    assert (done.returncode, show_results(output)) == (0, expect_results(range(200)))
    assert len(api.queries) < 300
    assert stat.S_IMODE(output.stat().st_mode) == 0o640
    assert sorted(tmp_path.iterdir()) == [source, output]


def test_an_output_of_other_jobs_is_not_resumed(run: Run, jobs: Path, output: Path) -> None:
    """If the input is another one, nothing is sent and nothing is changed."""
    with fake_api() as api:
        run(api.url, jobs, "-o", output)
        before = output.read_bytes()
        output.write_bytes(before + b'{"position": ')
        done = run(api.url, jobs, "-o", output, "--resume", "--model", "other")

    assert (done.returncode, len(api.queries)) == (2, 10)
    assert output.read_bytes() == before + b'{"position": '
    assert "line 1: not the job" in done.stderr
