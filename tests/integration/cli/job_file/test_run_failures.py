"""Jobs that fail, jobs that are malformed, and what stops a run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .command_process import Run
from .fake_api import fake_api
from .job_lines import expect_results, make_job, read_lines, show_results


def test_without_a_file_failures_are_printed(run: Run, jobs: Path, output: Path) -> None:
    """A failure is one line on standard error, with the line of the input."""
    with fake_api(lambda _, body: 422 if body["query"] == "q3" else None) as api:
        done = run(api.url, jobs, "-o", output)

    assert done.returncode == 3
    assert done.stderr.splitlines()[0].startswith(f"openrouter-rerank: {jobs}, line 4: ")
    assert len(done.stderr.splitlines()) == 2


BROKEN = '{"query": "q0", "documents": ["a0"]}\nnonsense\n{"query": "q2", "documents": []}\n'


def test_a_malformed_line_is_named_and_skipped(
    run: Run, tmp_path: Path, output: Path, errors: Path
) -> None:
    """Malformed lines are named on standard error and in the file, and the other jobs are sent."""
    source = tmp_path / "jobs.jsonl"
    source.write_text(BROKEN, "utf-8")

    with fake_api() as api:
        done = run(api.url, source, "-o", output, "--errors", errors)

    assert (done.returncode, api.queries, show_results(output)) == (3, ["q0"], {0: "a0"})
    assert [f"line {at}" in done.stderr for at in (1, 2, 3)] == [False, True, True]
    assert sorted((line["line"], line["attempts"]) for line in read_lines(errors)) == [
        (2, 0),
        (3, 0),
    ]


@pytest.mark.parametrize(
    ("count", "rest"), [(5, ""), (6, "1 more is no job"), (40, "35 more are no jobs")]
)
def test_a_file_of_something_else_is_told_in_a_few_lines(
    count: int, rest: str, run: Run, tmp_path: Path, output: Path, errors: Path
) -> None:
    """After five malformed lines their number follows, and what a job is; the file has them all."""
    source = tmp_path / "jobs.txt"
    source.write_text("plain text\n" * count, "utf-8")

    done = run("http://127.0.0.1:9", source, "-o", output, "--errors", errors)

    *told, last = done.stderr.splitlines()
    assert (done.returncode, len(read_lines(errors))) == (3, count)
    assert [": not JSON" in line for line in told] == [True] * 5 + [False] * bool(rest)
    assert last == f"openrouter-rerank: 0 done, {count} failed, 0 credits."
    if rest:
        example = '{"query": "q", "documents": ["a", "b"]}'
        assert (
            told[-1] == f"openrouter-rerank: {source}: {rest}. A job is a line such as {example}."
        )


@pytest.mark.parametrize(
    ("name", "content", "example"),
    [
        ("jobs.jsonl", "", 'a line such as {"query": "q", "documents": ["a", "b"]}'),
        ("jobs.jsonl", "\n \n", 'a line such as {"query": "q", "documents": ["a", "b"]}'),
        ("jobs.csv", "query,document\n", "rows under a first row with query,document"),
    ],
)
@pytest.mark.parametrize("resume", [[], ["--resume"]])
def test_an_input_without_jobs_is_an_error(
    name: str, content: str, example: str, resume: list[str], run: Run, tmp_path: Path, output: Path
) -> None:
    """As for `rank`, there is nothing to do, which is one line and exit status 1."""
    source = tmp_path / name
    source.write_text(content, "utf-8")

    done = run("http://127.0.0.1:9", source, "-o", output, *resume)

    assert (done.returncode, done.stderr) == (
        1,
        f"openrouter-rerank: {source} holds no jobs. A job is {example}.\n",
    )


def test_strict_sends_nothing_for_a_malformed_line(run: Run, tmp_path: Path, output: Path) -> None:
    """The first malformed line ends the run with its number, also if it is the last."""
    source = tmp_path / "jobs.jsonl"
    source.write_text(BROKEN.replace("nonsense\n", "\n"), "utf-8")

    with fake_api() as api:
        done = run(api.url, source, "-o", output, "--strict")

    assert (done.returncode, api.queries, output.read_bytes()) == (2, [], b"")
    assert "line 3: documents: must not be empty" in done.stderr
    assert done.stderr.count("\n") == 1


APART = "id,query,document\n1,q,a\n2,r,b\n1,q,c\n"


def test_rows_of_one_id_that_are_apart_are_told(run: Run, tmp_path: Path, output: Path) -> None:
    """Two jobs with one id are sent as they stand, with a warning that names both lines."""
    source = tmp_path / "jobs.csv"
    source.write_text(APART, "utf-8")

    with fake_api() as api:
        done = run(api.url, source, "-o", output)

    assert (done.returncode, sorted(api.queries)) == (0, ["q", "q", "r"])
    assert "warning: " in done.stderr
    assert "line 4: a job of this id or query began on line 2" in done.stderr


def test_few_warnings_are_told(run: Run, tmp_path: Path, output: Path) -> None:
    """An input that is sorted by document gives a few warnings, not one for each row."""
    source = tmp_path / "jobs.csv"
    source.write_text("query,document\n" + "q,a\nr,a\n" * 10, "utf-8")

    with fake_api() as api:
        done = run(api.url, source, "-o", output)

    assert done.stderr.count("warning: ") == 5
    assert "further warnings are left out" in done.stderr


def test_strict_refuses_rows_that_are_apart(run: Run, tmp_path: Path, output: Path) -> None:
    """With --strict nothing is sent, since one of the two jobs lacks documents."""
    source = tmp_path / "jobs.csv"
    source.write_text(APART, "utf-8")

    with fake_api() as api:
        done = run(api.url, source, "-o", output, "--strict")

    assert (done.returncode, api.queries) == (2, [])
    assert "line 4: a job of this id" in done.stderr


@pytest.mark.parametrize(("text", "status"), [(BROKEN, 2), (json.dumps(make_job(0)), 0)])
def test_strict_checks_a_pipe_to_its_end(text: str, status: int, run_piped: Run) -> None:
    """A pipe is copied and checked, and its jobs are sent if all are right."""
    with fake_api() as api:
        done = run_piped(api.url, "-", "-o", "-", "--strict", stdin=text)

    assert (done.returncode, len(api.queries)) == (status, status == 0)


@pytest.mark.parametrize("status", [401, 402])
def test_a_refusal_stops_the_run(status: int, run: Run, jobs: Path, output: Path) -> None:
    """The results are kept, and the message says how to go on."""
    with fake_api(lambda number, _: status if number > 3 else None) as api:
        done = run(api.url, jobs, "-o", output, "--concurrency", 1)

    assert (done.returncode, len(api.queries), len(show_results(output))) == (1, 4, 3)
    assert "--resume" in done.stderr.splitlines()[-1]


def spoil_usage(usage: object) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return what replaces what each reply says about its cost."""
    return lambda reply: {**reply, "usage": usage}


# What a reply may say that tells no cost.
USAGES: list[object] = [
    *({"cost": None}, {"cost": "free"}, {"cost": "-1"}, {"cost": True}, {"cost": ["1"]}),
    *({"cost": {"usd": 1}}, {"cost": -1.0}, {}, None, "0.5", ["cost"], 0.5),
]


@pytest.mark.parametrize("usage", USAGES, ids=repr)
def test_a_cost_that_cannot_be_read_is_paid_once(
    usage: object, run: Run, jobs: Path, output: Path
) -> None:
    """The result is kept, the stop says in one line what to do, and no run sends the job again."""
    arguments = [jobs, "-o", output, "--concurrency", 1]
    with fake_api() as api:
        api.change = spoil_usage(usage)
        first = run(api.url, *arguments, "--max-cost", 5)
        again = run(api.url, *arguments, "--max-cost", 5, "--resume")
        sent = list(api.queries)
        last = run(api.url, *arguments, "--resume")

    assert (first.returncode, again.returncode, last.returncode) == (1, 1, 0)
    assert sent == ["q0", "q1"]
    assert sorted(api.queries) == [f"q{at}" for at in range(10)]
    assert show_results(output) == expect_results(range(10))
    [stop] = [line for line in first.stderr.splitlines() if "stopped" in line]
    assert "does not tell what it cost" in stop
    assert "Its result is kept. Leave out --max-cost. Run it again with --resume" in stop


def test_a_reply_without_a_ranking_says_that_resuming_pays_again(
    run: Run, jobs: Path, output: Path
) -> None:
    """There is no result to keep: one line says so, what it may cost, and how to get past it."""
    with fake_api() as api:
        api.change = lambda reply: {**reply, "results": "none"}
        done = run(api.url, jobs, "-o", output, "--concurrency", 1, "--max-cost", 5)

    assert (done.returncode, len(api.queries), show_results(output)) == (1, 1, {})
    [stop] = [line for line in done.stderr.splitlines() if "stopped" in line]
    for words in ("may have been billed", "sent again", "Leave out --max-cost", "out of INPUT"):
        assert words in stop


@pytest.mark.parametrize("field", ["[" * 980 + "]" * 980, "1e999", "-1e999"])
def test_a_field_that_cannot_be_written_does_not_cost_the_reply(
    field: str, run: Run, jobs: Path, output: Path, errors: Path
) -> None:
    """The field is left out, and the job is done: its ranking was paid for."""
    with fake_api() as api:
        api.extra = field
        done = run(api.url, jobs, "-o", output, "--errors", errors, "--concurrency", 1)

    assert (done.returncode, len(show_results(output)), read_lines(errors)) == (0, 10, [])
    assert "extra" not in output.read_text(encoding="utf-8")


@pytest.mark.parametrize("cost", [-1000.0, float("1e308") * 10, 10**400, -(10**400)])
def test_a_cost_that_cannot_be_does_not_defeat_the_limit(
    cost: float, run: Run, jobs: Path, output: Path
) -> None:
    """It counts as unknown, which ends a run with a limit; the reply is kept."""
    with fake_api(cost=cost) as api:
        done = run(api.url, jobs, "-o", output, "--concurrency", 1, "--max-cost", 5)

    assert (done.returncode, len(api.queries), len(show_results(output))) == (1, 1, 1)
