"""The command batch as users run it: a process with files, pipes, signals and a server."""

import gzip
import json
import os
import pty
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from openrouter_rerank.cli._app import run as run_here
from openrouter_rerank.local import Faults, running

from .fake_api import FakeApi, fake_api

COMMAND = [sys.executable, "-m", "openrouter_rerank.cli", "batch"]
TIMEOUT_SECONDS = 60
CONCURRENCY = 4
SECRET = "sk-or-v1-secret-of-the-test"

Completed = subprocess.CompletedProcess[str]
Run = Callable[..., Completed]


def make_job(at: int) -> dict[str, Any]:
    return {"id": f"job {at}", "query": f"q{at}", "documents": [f"a{at}", f"b{at}"]}


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    """Write ten jobs."""
    file = tmp_path / "jobs.jsonl"
    write_jobs(file, 10)
    return file


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Name an output that is not there."""
    return tmp_path / "results.jsonl"


@pytest.fixture
def errors(tmp_path: Path) -> Path:
    """Name a file for failures that is not there."""
    return tmp_path / "errors.jsonl"


def write_jobs(file: Path, count: int) -> None:
    file.write_text("".join(json.dumps(make_job(at)) + "\n" for at in range(count)), "utf-8")


@contextmanager
def start(
    environment: dict[str, str], url: str, *arguments: object, stdin: int = subprocess.DEVNULL
) -> Generator[subprocess.Popen[str]]:
    """Start the command with pipes for its output, and end it if the test did not."""
    with subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**environment, "OPENROUTER_BASE_URL": url, "OPENROUTER_API_KEY": SECRET},
        encoding="utf-8",
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Give a function that runs the command in this process."""

    def run(url: str, *arguments: object) -> Completed:
        monkeypatch.setenv("OPENROUTER_BASE_URL", url)
        monkeypatch.setenv("OPENROUTER_API_KEY", SECRET)
        status = run_here(["batch", *map(str, arguments)])
        captured = capfd.readouterr()
        assert SECRET not in captured.out + captured.err
        return Completed([], status, captured.out, captured.err)

    return run


@pytest.fixture
def run_piped(environment: dict[str, str]) -> Run:
    """Give a function that runs the command as a process, with a pipe for its input."""

    def run(url: str, *arguments: object, stdin: str) -> Completed:
        with start(environment, url, *arguments, stdin=subprocess.PIPE) as process:
            out, error = process.communicate(stdin, TIMEOUT_SECONDS)
        return Completed([], process.returncode, out, error)

    return run


def read_lines(file: Path) -> list[dict[str, Any]]:
    data = file.read_bytes()
    return [
        json.loads(line)
        for line in (gzip.decompress(data) if file.suffix == ".gz" else data).splitlines()
    ]


def show_results(file: Path) -> dict[int, str]:
    """Return the first document of each job by its position; a job that is doubled fails."""
    lines = read_lines(file)
    assert len({line["position"] for line in lines}) == len(lines)
    return {line["position"]: line["result"]["results"][0]["document"]["text"] for line in lines}


def expect_results(positions: Sequence[int]) -> dict[int, str]:
    return {at: f"a{at}" for at in positions}


def test_each_job_gets_its_line(run: Run, jobs: Path, output: Path) -> None:
    """A run writes the reply to each job, and one line in the end."""
    with fake_api() as api:
        done = run(api.url, jobs, "-o", output)

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "openrouter-rerank: 10 done, 0 failed, 5 credits.\n"
    assert show_results(output) == expect_results(range(10))
    assert {line["id"] for line in read_lines(output)} == {f"job {at}" for at in range(10)}


def test_pipes_and_csv_and_options(run_piped: Run) -> None:
    """Jobs may come from a pipe and results may go into one; the options stand in for fields."""
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
    """The names tell that both files are compressed."""
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


@pytest.mark.parametrize(("suffix", "kills"), [("", 10), (".gz", 2)])
def test_kills_at_random_moments_lose_and_double_nothing(
    suffix: str, kills: int, run: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    """After each SIGKILL the next run goes on, and only what was in flight is paid twice."""
    chance = random.Random(kills)  # noqa: S311  nothing depends on its secrecy
    source, output = tmp_path / "jobs.jsonl", tmp_path / f"results.jsonl{suffix}"
    write_jobs(source, 20 * kills)
    arguments = [source, "-o", output, "--resume", "--concurrency", CONCURRENCY]
    victim: list[subprocess.Popen[str]] = []
    last = 0

    def kill(number: int, _body: object) -> None:
        if number >= last and victim:
            victim.pop().kill()

    statuses: list[int] = []
    with fake_api(kill) as api:
        for _ in range(kills):
            last = len(api.queries) + chance.randint(1, 15)
            with start(environment, api.url, *arguments) as process:
                victim.append(process)
                statuses.append(process.wait(TIMEOUT_SECONDS))
        done = run(api.url, *arguments)

    assert statuses == [-signal.SIGKILL] * kills
    assert (done.returncode, show_results(output)) == (0, expect_results(range(20 * kills)))
    assert len(api.queries) <= 20 * kills + kills * CONCURRENCY


def test_faults_lose_nothing(run: Run, tmp_path: Path, output: Path, errors: Path) -> None:
    """With one request in five failing, each job is done."""
    source = tmp_path / "jobs.jsonl"
    write_jobs(source, 30)
    faults = ("429", "500", "reset", "truncated", "html")
    script = [name for fault in faults for name in (fault, "ok", "ok", "ok", "ok")]

    with running(faults=Faults(script, retry_after=0)) as url:
        done = run(url, source, "-o", output, "--errors", errors)

    assert (done.returncode, errors.read_bytes()) == (0, b"")
    assert sorted(show_results(output)) == list(range(30))


def test_what_failed_is_written_down_and_tried_again(
    run: Run, jobs: Path, output: Path, errors: Path
) -> None:
    """A later run does what is left, and takes out of the failures what no longer holds."""
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


def test_without_a_file_failures_are_told(run: Run, jobs: Path, output: Path) -> None:
    """A failure is one line on standard error, with the line of the input."""
    with fake_api(lambda _, body: 422 if body["query"] == "q3" else None) as api:
        done = run(api.url, jobs, "-o", output)

    assert done.returncode == 3
    assert done.stderr.splitlines()[0].startswith(f"openrouter-rerank: {jobs}, line 4: ")
    assert len(done.stderr.splitlines()) == 2


BROKEN = '{"query": "q0", "documents": ["a0"]}\nnonsense\n{"query": "q2", "documents": []}\n'


def test_a_malformed_line_is_told_and_left_out(
    run: Run, tmp_path: Path, output: Path, errors: Path
) -> None:
    """Lines that are no job are named, on standard error and in the file, and the others go on."""
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


def test_strict_sends_nothing_for_a_malformed_line(run: Run, tmp_path: Path, output: Path) -> None:
    """The first line that is no job ends the run with its number, also when it is the last."""
    source = tmp_path / "jobs.jsonl"
    source.write_text(BROKEN.replace("nonsense\n", "\n"), "utf-8")

    with fake_api() as api:
        done = run(api.url, source, "-o", output, "--strict")

    assert (done.returncode, api.queries, output.read_bytes()) == (2, [], b"")
    assert "line 3: documents: must not be empty" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("text", "status"), [(BROKEN, 2), (json.dumps(make_job(0)), 0)])
def test_strict_checks_a_pipe_to_its_end(text: str, status: int, run_piped: Run) -> None:
    """A pipe is worked off from a copy, if it holds nothing but jobs."""
    with fake_api() as api:
        done = run_piped(api.url, "-", "-o", "-", "--strict", stdin=text)

    assert (done.returncode, len(api.queries)) == (status, status == 0)


@pytest.mark.parametrize("status", [401, 402])
def test_a_refusal_stops_the_run(status: int, run: Run, jobs: Path, output: Path) -> None:
    """What is done is kept, and the way on is told."""
    with fake_api(lambda number, _: status if number > 3 else None) as api:
        done = run(api.url, jobs, "-o", output, "--concurrency", 1)

    assert (done.returncode, len(api.queries), len(show_results(output))) == (1, 4, 3)
    assert "--resume" in done.stderr.splitlines()[-1]


def test_the_cost_has_a_limit_for_all_runs_together(run: Run, jobs: Path, output: Path) -> None:
    """A resumed run counts what the output has cost already."""
    arguments = [jobs, "-o", output, "--resume", "--concurrency", 1, "--max-cost"]
    with fake_api() as api:
        first = run(api.url, *arguments, "1.5")
        again = run(api.url, *arguments, "1.5")
        sent = len(api.queries)
        last = run(api.url, *arguments, "100")

    assert (first.returncode, again.returncode, sent) == (1, 1, 3)
    assert ["--max-cost" in done.stderr and "--resume" in done.stderr for done in (first, again)]
    assert (last.returncode, show_results(output)) == (0, expect_results(range(10)))


def test_a_limit_needs_costs(run: Run, jobs: Path, output: Path) -> None:
    """A reply that does not say what it costs ends a run with a limit, and is kept."""
    with fake_api(cost=None) as api:
        done = run(api.url, jobs, "-o", output, "--concurrency", 1, "--max-cost", 5)

    assert (done.returncode, len(api.queries), len(show_results(output))) == (1, 1, 1)
    assert "--max-cost" in done.stderr


def interrupt_when_busy(
    environment: dict[str, str], arguments: Sequence[object], *, wait: bool
) -> tuple[int, str, FakeApi]:
    """Send SIGINT, to a run whose requests are held back; wait lets them come to their end."""
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
    """Ctrl-C sends nothing new, keeps what comes, and says how to go on, which works."""
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
    """Ctrl-C twice ends the process although requests are under way."""
    status, _, _ = interrupt_when_busy(environment, [jobs, "-o", output], wait=False)

    assert (status, output.read_bytes()) == (130, b"")


def test_an_output_of_other_jobs_is_not_resumed(run: Run, jobs: Path, output: Path) -> None:
    """Nothing is sent, and nothing is changed, when the input is not the one of before."""
    with fake_api() as api:
        run(api.url, jobs, "-o", output)
        before = output.read_bytes()
        output.write_bytes(before + b'{"position": ')
        done = run(api.url, jobs, "-o", output, "--resume", "--model", "other")

    assert (done.returncode, len(api.queries)) == (2, 10)
    assert output.read_bytes() == before + b'{"position": '
    assert "line 1: not the job" in done.stderr


def test_a_reader_that_goes_away_is_no_failure(environment: dict[str, str], jobs: Path) -> None:
    """A closed pipe ends the run silently."""
    released = threading.Event()
    with (
        fake_api(lambda _number, _body: released.wait(TIMEOUT_SECONDS) and None) as api,
        start(environment, api.url, jobs, "-o", "-") as process,
    ):
        assert process.stdout is not None
        process.stdout.close()
        released.set()
        assert process.stderr is not None
        error = process.stderr.read()
        status = process.wait(TIMEOUT_SECONDS)

    assert (status, error) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_line(run: Run, jobs: Path) -> None:
    """A result that cannot be written ends the run."""
    with fake_api() as api:
        done = run(api.url, jobs, "-o", "/dev/full", "--concurrency", 1)

    assert done.returncode == 1
    assert done.stderr.startswith("openrouter-rerank: cannot write /dev/full")
    assert done.stderr.count("\n") == 1


def test_a_terminal_shows_how_far_it_is(
    environment: dict[str, str], jobs: Path, output: Path
) -> None:
    """On a terminal there is a bar with counts and cost, and it is gone in the end."""
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
