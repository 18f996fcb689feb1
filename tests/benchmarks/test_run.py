"""The benchmark's command, on runs whose figures are made up; nothing is measured."""

import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
FASTER = "httpx and sniffio, json"
SLOWER = "httpx, json"
CLIENT = "openrouter-rerank"

pytestmark = pytest.mark.skipif(not BENCHMARKS.exists(), reason="needs a checkout")


def make_run(ratio: float, key: str = "sync-10") -> dict[str, Any]:
    """Make a run of one table, in which the client has the ratio to the faster baseline."""
    rows = {
        FASTER: make_figure(0.4, 1.0),
        SLOWER: make_figure(0.8, 2.0),
        CLIENT: make_figure(0.4 * ratio, ratio),
    }
    return make_run_of(make_table(key, rows))


def make_figure(value: float, ratio: float) -> dict[str, float]:
    """Make a figure whose ratio to the slower baseline is half of that to the faster one."""
    return {"value": value, "to_faster": ratio, "to_slower": ratio / 2, "spread": 0.1}


def make_table(
    key: str, rows: dict[str, Any], faster: str | None = FASTER, slower: str | None = SLOWER
) -> dict[str, Any]:
    """Make a table as it is kept."""
    head = {"key": key, "title": "Small", "unit": "ms"}
    return {**head, "faster": faster, "slower": slower, "rows": rows}


def make_run_of(*tables: dict[str, Any]) -> dict[str, Any]:
    """Make a run of some tables."""
    return {"machine": {"date": "2026-10-01"}, "tables": [*tables]}


def reduce(samples: dict[str, list[float]], *baselines: str) -> Any:
    """Reduce samples to a table as the benchmark does."""
    make = runpy.run_path(str(BENCHMARKS / "measuring" / "rounds.py"))["make_table"]
    return make("key", "Title", "ms", samples, baselines=baselines)


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


def test_goal_against_the_slower_is_judged_by_itself(tmp_path: Path) -> None:
    """A client within the bound for the slower baseline can still miss that for the faster."""
    result = render(tmp_path, make_run(0.36, "async-50"))

    assert result.stderr.replace("\N{MULTIPLICATION SIGN}", "x") == (
        "missed: async small, 50 at once (openrouter-rerank): 0.360x, wanted at most 0.35x\n"
    )


def test_impossible_figure_is_no_success(tmp_path: Path) -> None:
    """A server that seems faster than its own model fails the check as a disturbed run."""
    rows = {"embedded server": make_figure(300.0, 1.4)}
    table = make_table("embedded", rows, "model", "model")

    result = render(tmp_path, make_run_of(table))

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
    assert [run["tables"][0]["rows"][CLIENT]["to_faster"] for run in kept] == [0.2, 0.3, 0.4]


def test_report_names_the_baselines_and_shows_both_ratios(tmp_path: Path) -> None:
    """Each table says which baseline was the faster one, and has each run's ratio to both."""
    render(tmp_path, make_run(0.5), make_run(0.7))

    report = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    (row,) = (line for line in report.splitlines() if line.startswith(f"| {CLIENT} |"))
    assert f"The faster is {FASTER}." in report
    assert f"The slower is {SLOWER}." in report
    assert row.replace("\N{MULTIPLICATION SIGN}", "x") == (
        f"| {CLIENT} | 0.24 | 0.2 to 0.28 | 10% | 0.50x | 0.70x | 0.25x | 0.35x |"
    )


def test_report_tells_where_the_baselines_changed_places(tmp_path: Path) -> None:
    """When another baseline was the faster in one run, the table names it run by run."""
    other = make_run_of(make_table("sync-10", {CLIENT: make_figure(1, 1)}, SLOWER, FASTER))

    render(tmp_path, make_run(0.5), other)

    report = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert f"The faster is {FASTER} in run 1, {SLOWER} in run 2." in report


def test_single_baseline_is_shown_once(tmp_path: Path) -> None:
    """A table with one baseline has one ratio a run."""
    rows = {"json.loads": make_figure(1, 1), CLIENT: make_figure(1.5, 1.5)}
    table = make_table("decoding", rows, "json.loads", "json.loads")

    render(tmp_path, make_run_of(table))

    report = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    (row,) = (line for line in report.splitlines() if line.startswith(f"| {CLIENT} |"))
    assert row.replace("\N{MULTIPLICATION SIGN}", "x") == (
        f"| {CLIENT} | 1.5 | 1.5 to 1.5 | 10% | 1.50x |"
    )
    assert "The slower is" not in report


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
    table = reduce({"a": [1.0, 9.0, 2.0], "b": [2.0, 18.0, 4.0]}, "a")

    expected = {"value": 4.0, "to_faster": 2.0, "to_slower": 2.0, "spread": 4.0}
    assert table.rows["b"] == expected


def test_faster_and_slower_are_told_by_the_figures() -> None:
    """The baseline that took less is the faster one, in whatever order they are named."""
    table = reduce({"a": [4.0], "b": [2.0], "client": [1.0]}, "a", "b")

    row = table.rows["client"]
    assert (table.faster, table.slower) == ("b", "a")
    assert (row["to_faster"], row["to_slower"]) == (0.5, 0.25)


def test_missing_baseline_leaves_the_other() -> None:
    """Where one of two baselines is not installed, the other is both the faster and the slower."""
    table = reduce({"a": [4.0], "client": [1.0]}, "a", "b")

    assert (table.faster, table.slower) == ("a", "a")


def test_row_that_ends_early_is_held_against_its_own_rounds() -> None:
    """A row of fewer rounds is compared with the baseline in those rounds."""
    table = reduce({"a": [1.0, 1.0, 9.0, 9.0], "slow": [5.0, 5.0]}, "a")

    assert table.rows["slow"]["to_faster"] == 5.0


def test_row_that_goes_on_is_held_against_the_rounds_of_both() -> None:
    """A row of more rounds is compared with the baseline in those that the baseline has."""
    table = reduce({"a": [1.0, 1.0], "often": [3.0, 3.0, 9.0, 9.0]}, "a")

    assert table.rows["often"]["to_faster"] == 3.0


def test_rounds_alternate_and_some_rows_have_more_or_fewer() -> None:
    """Rows take turns; a slow one stops after a round, and one that counts goes on alone."""
    run = runpy.run_path(str(BENCHMARKS / "measuring" / "rounds.py"))["run_rounds"]
    made: list[str] = []

    def make_task(name: str) -> Callable[[], float]:
        def task() -> float:
            made.append(name)
            return float(len(made))

        return task

    tasks = {name: make_task(name) for name in ("usual", "slow", "often")}
    samples = run(tasks, 2, often={"often": 2}, slow={"slow"})

    assert made == ["usual", "slow", "often", "usual", "often", "often", "often"]
    assert samples == {"usual": [1.0, 4.0], "slow": [2.0], "often": [3.0, 5.0, 6.0, 7.0]}


def test_table_without_baseline_has_no_ratios() -> None:
    """Without baselines there is nothing to be a multiple of."""
    table = reduce({"a": [4.0]})

    expected = {"value": 4.0, "to_faster": None, "to_slower": None, "spread": 0.0}
    assert (table.faster, table.slower) == (None, None)
    assert table.rows["a"] == expected


def test_nginx_that_refuses_its_configuration_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason why nginx cannot be used is its own message; without one there is no fault."""
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    find_fault = import_module("measuring.servers").find_fault

    fault = find_fault([sys.executable, "-c", "import sys; sys.exit('no such directive')"])

    assert fault == f"{sys.executable} does not take its configuration: no such directive"
    assert find_fault([sys.executable, "-c", ""]) == ""
