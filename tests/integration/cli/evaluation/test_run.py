"""The command `eval`, against a server that keeps the order of what it gets."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from forking.processes import ForkServer
from integration.cli.job_file.fake_api import FakeApi, fake_api
from openrouter_rerank._call.defaults import DEFAULT_MODEL
from openrouter_rerank.cli._app import run as run_here

KEY = "sk-or-v1-secret-of-the-test"
Completed = subprocess.CompletedProcess[str]
Run = Callable[..., Completed]


def write_jobs(path: Path, count: int, documents: int = 4) -> Path:
    """Write queries whose second document is relevant."""
    jobs = [
        {
            "id": f"q{number}",
            "query": f"query {number}",
            "documents": [f"document {number}.{at}" for at in range(documents)],
            "relevant": [1],
        }
        for number in range(count)
    ]
    path.write_text("".join(f"{json.dumps(job)}\n" for job in jobs))
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Write six queries with four documents each."""
    return write_jobs(tmp_path / "queries.jsonl", 6)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Give a function that runs the command in this process."""

    def run(api: FakeApi | None, *arguments: object) -> Completed:
        monkeypatch.setenv("OPENROUTER_BASE_URL", api.url if api else "http://127.0.0.1:9/api/v1")
        monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
        status = run_here(["eval", *map(str, arguments)])
        captured = capfd.readouterr()
        assert KEY not in captured.out + captured.err
        return Completed([], status, captured.out, captured.err)

    return run


def test_tables_and_the_verdict_are_printed(run: Run, data: Path) -> None:
    """Each system has a row in each table, and the last lines say what to do."""
    with fake_api() as api:
        done = run(api, data, "--model", "a/b", "--model", "c/d", "--depth", 4)

    lines = done.stdout.splitlines()
    rows = [line.split() for line in lines if line.startswith(("no reranker", "a/b", "c/d"))]
    assert done.returncode == 0
    assert lines[0] == (
        "6 queries, 24 documents of queries.jsonl; candidates: the order in the file."
    )
    assert [row[:2] for row in rows] == [
        ["no", "reranker"],
        ["a/b,", "depth"],
        ["c/d,", "depth"],
    ] * 3
    assert rows[1][3:] == ["0.631", "0.631", "to", "0.631", "+0.000", "1.000", "0/6/0", "1.000"]
    assert rows[7][3] == "500"
    assert "The first 4 candidates hold 100.0% of the relevant documents" in done.stdout
    assert lines[-2].startswith("Do not rerank: no model is significantly better")
    assert len(api.queries) == 12


def test_the_estimate_is_told_before_most_is_paid(run: Run, data: Path) -> None:
    """Without a terminal nobody is asked, and the estimate stands on standard error."""
    with fake_api() as api:
        done = run(api, data, "--depth", 2, "--depth", 4, "--max-cost", 100)

    assert done.returncode == 0
    assert done.stderr == (
        "openrouter-rerank: 10 calls with 30 documents are left to the API, for about 5 credits by "
        "the price of those that were made; 1 credits are paid.\n"
    )


def test_json_is_the_evaluation(run: Run, data: Path) -> None:
    """What a program reads is what the table shows."""
    with fake_api() as api:
        done = run(api, data, "--depth", 4, "--measure", "MRR", "--measure", "P@1", "--json")

    evaluation = json.loads(done.stdout)
    assert evaluation["measures"] == ["MRR", "P@1"]
    assert [system["name"] for system in evaluation["systems"]] == [
        "no reranker",
        f"{DEFAULT_MODEL}, depth 4",
    ]
    assert evaluation["systems"][1]["cost_per_1000_queries"] == 500
    assert len(evaluation["queries"]) == 6


def test_embedded_models_need_no_key_and_no_network(run: Run, tmp_path: Path) -> None:
    """The model on this machine finds what the words do not say, and costs nothing."""
    data = tmp_path / "pairs.csv"
    data.write_text(
        "query,document,relevant\n"
        "What is the capital of France?,Bread rises because of yeast.,0\n"
        "What is the capital of France?,Paris is where the French government sits.,1\n"
    )

    done = run(None, data, "--local", "--depth", 2, "--json")

    local = json.loads(done.stdout)["systems"][1]
    assert (done.returncode, done.stderr) == (0, "")
    assert local["name"] == "local/minilm, depth 2"
    assert local["measures"]["nDCG@10"]["value"] == 1.0
    assert local["cost_per_1000_queries"] == 0.0
    assert local["latency"]["count"] == 1


def test_a_folder_gets_its_candidates_from_bm25(run: Run, tmp_path: Path) -> None:
    """The settings of the first stage are those of the command line, and are told."""
    (tmp_path / "corpus.jsonl").write_text(
        '{"_id": "d1", "text": "dogs"}\n{"_id": "d2", "title": "the", "text": "cat"}\n'
    )
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "cats"}\n')
    (tmp_path / "all.qrels").write_text("q 0 d2 1\n")
    arguments = [tmp_path, "--qrels", tmp_path / "all.qrels", "--k1", 1.5, "--b", 0.5]
    with fake_api() as api:
        stemmed = run(api, *arguments)
        plain = run(api, *arguments, "--stemmer", "none", "--stop-words", "none")

    assert "BM25 (k1 1.5, b 0.5, stop words en, stemmer english)." in stemmed.stdout
    assert "BM25 (k1 1.5, b 0.5, stop words none, stemmer none)." in plain.stdout
    assert len(api.queries) == 1


def test_what_is_wrong_with_the_data_is_told(run: Run, data: Path) -> None:
    """Problems stand on standard error, each with its count and examples."""
    with data.open("a") as file:
        for number in range(7):
            file.write(json.dumps({"id": f"x{number}", "query": "q", "documents": ["d"]}) + "\n")
    with fake_api() as api:
        done = run(api, data, "--queries", 1)

    assert done.returncode == 0
    assert done.stderr.splitlines()[0] == (
        "openrouter-rerank: queries without a judgement: left out: 7, such as x0, x1, x2, x3, x4, "
        "..."
    )
    assert len(api.queries) == 1


def test_failed_calls_are_told_and_end_in_3(run: Run, data: Path) -> None:
    """The evaluation comes to its end, and a script sees that not all went well."""

    def refuse(_: int, body: dict[str, Any]) -> int | None:
        return 400 if body["query"] == "query 2" else None

    with fake_api(refuse) as api:
        done = run(api, data, "--depth", 4)

    assert done.returncode == 3
    assert f"{DEFAULT_MODEL}, depth 4, query q2 failed: 400: no for query 2" in done.stdout


def test_a_limit_of_the_cost_ends_the_run_which_can_go_on(
    run: Run, data: Path, tmp_path: Path
) -> None:
    """Each message says what to do, and what was paid for is not paid for again."""
    arguments = [data, "--depth", 4, "--concurrency", 1]
    folder = ["--resume", tmp_path / "kept"]
    with fake_api() as api:
        lost = run(api, *arguments, "--max-cost", 1)
        first = run(api, *arguments, *folder, "--max-cost", 1)
        second = run(api, *arguments, *folder, "--max-cost", 1)
        sent = len(api.queries)
        done = run(api, *arguments, *folder)

    assert (lost.returncode, first.returncode, second.returncode) == (1, 1, 1)
    assert "With --resume FOLDER, what was paid for would be kept" in lost.stderr
    assert "which is more than --max-cost 1 allows" in first.stderr
    stopped = (
        "stopped: the cost has reached --max-cost 1. Raise it. What was paid for is kept: run it "
        "again to go on.\n"
    )
    assert first.stderr.endswith(stopped)
    assert second.stderr.endswith(stopped)
    assert (done.returncode, sent, len(api.queries)) == (0, 4, 8)
    assert "it holds 2 calls, which were not made again" in done.stderr


def test_a_cache_gives_what_was_paid_before(run: Run, data: Path, tmp_path: Path) -> None:
    """With --cache, another evaluation sends nothing and names the same price."""
    cache = ["--cache", tmp_path / "cache"]
    with fake_api() as api:
        first = run(api, data, "--depth", 4, *cache, "--json")
        sent = len(api.queries)
        second = run(api, data, "--depth", 4, *cache, "--json")

    assert (first.returncode, second.returncode, len(api.queries)) == (0, 0, sent)
    one, two = json.loads(first.stdout), json.loads(second.stdout)
    price = "cost_per_1000_queries"
    assert two["systems"][1][price] == pytest.approx(one["systems"][1][price])
    assert (one["cost"] > 0, two["cost"]) == (True, 0.0)


def test_a_cost_that_nobody_tells_is_told(run: Run, data: Path) -> None:
    """Without a price the estimate says so, and a limit cannot be kept."""
    with fake_api(cost=None) as api:
        unknown = run(api, data, "--depth", 4)
        limited = run(api, data, "--depth", 4, "--max-cost", 1)

    assert (
        f"at a price that the replies of {DEFAULT_MODEL} do not tell; 0 credits" in unknown.stderr
    )
    assert "unknown" in unknown.stdout
    assert limited.returncode == 1
    assert "a reply does not tell what it cost" in limited.stderr


def test_a_wrong_key_ends_the_run(run: Run, data: Path) -> None:
    """The message says what to check."""
    with fake_api(lambda _number, _body: 401) as api:
        done = run(api, data, "--concurrency", 1)

    assert done.returncode == 1
    assert "Check OPENROUTER_API_KEY" in done.stderr
    assert len(api.queries) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.jsonl"], "cannot read missing.jsonl: No such file"),
        (["{data}", "--measure", "F1"], "measures: 'F1' is unknown"),
        (
            ["{data}", "--local", "--model", "nothing"],
            "models: 'local/nothing': model: there is neither",
        ),
        (["{data}", "--split", "dev"], "is no folder"),
        (["{data}", "--max-cost", "0"], "max_cost: "),
        (["{data}", "--resume", "{data}"], "Give another folder"),
        (["{data}", "--depth", "0"], "--depth"),
    ],
)
def test_wrong_options_are_told_before_anything_is_sent(
    run: Run, data: Path, arguments: list[str], message: str
) -> None:
    """Each mistake is one line and status 2."""
    with fake_api() as api:
        done = run(api, *(argument.format(data=data) for argument in arguments))

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert message in done.stderr
    assert api.queries == []


def test_a_missing_package_is_told(run: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever lacks the extra reads what to install."""
    for name in [name for name in sys.modules if name.startswith("openrouter_rerank.evaluation")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "numpy", None)

    done = run(None, data)

    assert done.returncode == 1
    assert 'needs the package numpy: run pip install "openrouter-rerank[eval]"' in done.stderr


def ask(
    commands: ForkServer, data: Path, environment: dict[str, str], *options: str, answer: bytes
) -> str:
    """Run the command on a terminal, type an answer, and return all that it showed."""
    main, worker = pty.openpty()
    arguments = ["eval", str(data), "--depth", "4", *options]
    process = commands.start(arguments, environment, [worker] * 3)
    os.close(worker)
    os.write(main, answer)
    shown = b""
    while chunk := read(main):
        shown += chunk
    os.close(main)
    process.wait()
    return shown.decode()


def read(terminal: int) -> bytes:
    """Read what is shown; nothing at its end."""
    try:
        return os.read(terminal, 1 << 16)
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("answer", "options", "sent", "shown"),
    [
        (b"y\n", [], 6, "Do not rerank"),
        (b"n\n", [], 1, "stopped, having paid 0.5 credits"),
        (b"\x04", [], 1, "stopped, having paid 0.5 credits"),
        (b"", ["--yes"], 6, "Do not rerank"),
    ],
)
def test_on_a_terminal_the_estimate_is_a_question(
    data: Path,
    environment: dict[str, str],
    fork_server: ForkServer,
    answer: bytes,
    options: list[str],
    sent: int,
    shown: str,
) -> None:
    """Nothing more is paid unless somebody says yes, there or before."""
    with fake_api() as api:
        environment |= {"OPENROUTER_BASE_URL": api.url, "OPENROUTER_API_KEY": KEY, "COLUMNS": "200"}
        output = ask(fork_server, data, environment, *options, answer=answer)

    assert shown in output
    assert ("Go on?" in output) is not bool(options)
    assert "5 calls with 20 documents are left to the API, for about 2.5 credits" in output
    assert len(api.queries) == sent
