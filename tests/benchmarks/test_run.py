"""The benchmark's command, on runs whose figures are made up; nothing is measured."""

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
BASELINE = "httpx, json"
CLIENT = "openrouter-rerank"

pytestmark = pytest.mark.skipif(not BENCHMARKS.exists(), reason="needs a checkout")


def make_run(ratio: float) -> dict[str, Any]:
    """Make a run of one table, in which the client has the ratio."""
    rows = {
        BASELINE: {"value": 0.4, "ratio": 1.0, "spread": 0.1},
        CLIENT: {"value": 0.4 * ratio, "ratio": ratio, "spread": 0.1},
    }
    table = {"key": "sync-10", "title": "Small", "unit": "ms", "baseline": BASELINE, "rows": rows}
    return {"machine": {"date": "2026-10-01"}, "tables": [table]}


def render(folder: Path, *runs: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Have the report of some runs written into the folder, and the goals checked."""
    (folder / "results.json").write_text(json.dumps(runs), encoding="utf-8")
    return subprocess.run(
        [sys.executable, BENCHMARKS / "run.py", "--render", "--check", "--output", folder],
        capture_output=True,
        check=False,
        text=True,
    )


def test_met_goals_pass(tmp_path: Path) -> None:
    """A run within the bounds, one of them exactly on its bound, passes the check."""
    result = render(tmp_path, make_run(0.75))

    assert (result.returncode, result.stderr) == (0, "")


def test_missed_goal_fails_and_is_named(tmp_path: Path) -> None:
    """A run beyond a bound fails the check, which names the goal, the figure and the bound."""
    result = render(tmp_path, make_run(0.76))

    assert result.returncode == 1
    assert result.stderr.replace("\N{MULTIPLICATION SIGN}", "x") == (
        "missed: sync small (openrouter-rerank): 0.760x, wanted at most 0.75x\n"
    )


def test_impossible_figure_is_no_success(tmp_path: Path) -> None:
    """A server that seems faster than its own model fails the check as a disturbed run."""
    rows = {"embedded server": {"value": 300.0, "ratio": 1.4, "spread": 0.1}}
    table = {"key": "embedded", "title": "Server", "unit": "", "baseline": "model", "rows": rows}
    run: dict[str, Any] = {"machine": {}, "tables": [table]}

    result = render(tmp_path, run)

    assert result.returncode == 1
    assert "disturbed" in result.stderr


def test_check_judges_the_latest_run(tmp_path: Path) -> None:
    """An earlier run that missed a goal does not fail the check, but the report still tells."""
    result = render(tmp_path, make_run(0.9), make_run(0.7))

    report = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    (row,) = (line for line in report.splitlines() if line.startswith("| sync small |  |"))
    assert result.returncode == 0
    assert "0.900" in row
    assert "0.700" in row
    assert "missed" in row


def test_three_runs_are_kept(tmp_path: Path) -> None:
    """Of four runs the first is dropped."""
    render(tmp_path, *(make_run(ratio) for ratio in (0.1, 0.2, 0.3, 0.4)))

    kept = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert [run["tables"][0]["rows"][CLIENT]["ratio"] for run in kept] == [0.2, 0.3, 0.4]


def test_report_ends_with_the_notes(tmp_path: Path) -> None:
    """What was written by hand stands below the figures."""
    render(tmp_path, make_run(0.5))

    report = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert report.endswith((BENCHMARKS / "NOTES.md").read_text(encoding="utf-8"))


def test_chart_is_well_formed_and_names_the_clients(tmp_path: Path) -> None:
    """The chart is XML that shows each measured client with its ratio."""
    render(tmp_path, make_run(0.5))

    chart = ET.parse(tmp_path / "chart.svg")  # noqa: S314 - written by the program under test
    texts = [element.text for element in chart.iter("{http://www.w3.org/2000/svg}text")]
    assert CLIENT in texts
    assert "0.50\N{MULTIPLICATION SIGN}" in texts


def test_ratios_are_taken_inside_rounds() -> None:
    """A round in which the whole machine was slow leaves the ratio as it is."""
    make_table = runpy.run_path(str(BENCHMARKS / "measuring" / "rounds.py"))["make_table"]

    table = make_table(
        "key", "Title", "ms", {"a": [1.0, 9.0, 2.0], "b": [2.0, 18.0, 4.0]}, baseline="a"
    )

    assert table.rows["b"] == {"value": 4.0, "ratio": 2.0, "spread": 4.0}
