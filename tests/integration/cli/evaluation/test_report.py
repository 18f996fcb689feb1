"""The command `eval` on the demo collection, and its report."""

import json
import sys
from pathlib import Path

import pytest
from openrouter_rerank.cli._app import run

JOB = {"query": "Which city?", "documents": ["Bonn", "Berlin"], "relevant": [1]}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Write a query with two documents."""
    path = tmp_path / "queries.jsonl"
    path.write_text(json.dumps(JOB) + "\n", encoding="utf-8")
    return path


def test_without_arguments_the_demo_collection_is_evaluated(
    clean_environment: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It needs no key: reranking helps most queries, and hurts a few."""
    status = run(["eval", "--depth", "10", "--json"])

    evaluation = json.loads(capfd.readouterr().out)
    first_stage, reranked = evaluation["systems"]
    compared = reranked["against_no_reranker"]
    assert (status, evaluation["dataset"]["name"]) == (0, "general-knowledge")
    assert evaluation["dataset"]["problems"] == []
    assert first_stage["measures"]["nDCG@10"]["value"] == pytest.approx(0.668, abs=0.001)
    assert reranked["measures"]["nDCG@10"]["value"] == pytest.approx(0.846, abs=0.02)
    assert compared["corrected_p"] < 0.05
    assert compared["wins"] > 10
    assert compared["losses"] > 0


def test_a_report_is_written_beside_the_tables(
    data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The page has the numbers of the tables."""
    report = tmp_path / "report.html"

    status = run(["eval", str(data), "--local", "--report", str(report)])

    assert status == 0
    assert "no reranker" in capfd.readouterr().out
    assert "<svg" in report.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "reason"), [("none/report.html", "No such file"), ("", "Is a directory")]
)
def test_a_file_that_cannot_be_written_is_told_before(
    data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, reason: str
) -> None:
    """Nothing is evaluated, and one line with status 2 names the file."""
    status = run(["eval", str(data), "--local", "--report", str(tmp_path / name)])

    captured = capfd.readouterr()
    assert (status, captured.out, captured.err.count("\n")) == (2, "", 1)
    assert f"--report: cannot write {tmp_path / name}: {reason}" in captured.err
    assert list(tmp_path.iterdir()) == [data]


def test_a_missing_extra_is_told_before(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Nothing is evaluated before somebody reads what to install."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    status = run(["eval", str(data), "--local", "--report", str(tmp_path / "report.html")])

    captured = capfd.readouterr()
    assert (status, captured.out) == (1, "")
    assert 'run pip install "openrouter-rerank[report]"' in captured.err
    assert list(tmp_path.iterdir()) == [data]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The tables are printed all the same."""
    status = run(["eval", str(data), "--local", "--report", "/dev/full"])

    captured = capfd.readouterr()
    assert status == 1
    assert "no reranker" in captured.out
    assert captured.err == "openrouter-rerank: cannot write /dev/full: No space left on device.\n"
