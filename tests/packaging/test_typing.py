"""What the type checkers of users see: the installed wheel, not the source tree."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CONSUMER = Path(__file__).with_name("consumer.py")
PREAMBLE = """from openrouter_rerank import OpenRouter, RerankJob, operations
from openrouter_rerank.types import UNSET

client = OpenRouter()
"""
# Each line is one mistake, which a checker has to report in that line.
MISTAKES = """client.rerank.rerank(query="q", documents=["d"])
client.rerank.rerank(query="q", documents=[1], model="m")
client.rerank.rerank(query=None, documents=["d"], model="m")
client.rerank.rerank(query="q", documents=["d"], model="m", top_n="1")
client.rerank.rerank(query="q", documents=["d"], model="m", top_k=1)
client.rerank.rerank(query="q", documents=["d"], model="m", user=1)
client.rerank.rerank(query="q", documents=["d"], model="m", provider="price")
client.rerank.rerank(query="q", documents=["d"], model="m", session_id=UNSET)
client.rerank.rank(["d"], query="q", model="m", sessionid="s")
client.rerank.rank(["d"], query="q", model="m", trace=[])
client.rerank.rerank_batched(query="q", documents=["d"], model="m", users="u")
client.rerank.with_raw_response.rerank(query="q", documents=["d"], model="m", timeout_s=1)
client.rerank.with_raw_response.rerank(query="q", documents=["d"])
RerankJob(query="q", documents=["d"], model="m", priority=1)
RerankJob(query="q", documents=["d"], model="m", user=1)
client.rerank.rerank("q", ["d"], "m")
client.rerank.rerank(query="q", documents=["d"], model="m").results[0].score
client.rerank.rerank_async(query="q", documents=["d"], model="m").results
operations.DocumentRequest(text=1)
OpenRouter(api_kee="k")
client.rerank.rank(["d"], query="q", model="m")[0].score + 1
client.rerank.rank(["d"], query="q", model="m", on_failure="hide")
client.rerank.rank(["d"], query="q", model="m", fallback_models=[5])
client.rerank.rerank(query="q", documents=["d"], model="m", on_failure="raise")
client.rerank.with_raw_response.rerank(query="q", documents=["d"], model="m", fallback_models=[])
client.with_options(deadline="9")
client.rerank.rank(["d"], query="q", model="m", key="text")
client.rerank.rank(["d"], query="q", model="m").to_frame().shape
"""

Report = set[tuple[str, int]]


def run(folder: Path, *command: str | Path) -> str:
    """Run a checker in the folder, out of reach of this project's configuration."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MYPY", "PYRIGHT", "PYTHON"))
    }
    environment["PYRIGHT_PYTHON_IGNORE_WARNINGS"] = "1"
    result = subprocess.run(
        command, capture_output=True, check=False, cwd=folder, env=environment, text=True
    )
    assert result.stderr == ""
    return result.stdout


def run_mypy(folder: Path, python: Path) -> Report:
    """Return where mypy finds errors."""
    options = ("--strict", "--config-file=", "--cache-dir=cache", "--output=json")
    output = run(
        folder, sys.executable, "-m", "mypy", *options, f"--python-executable={python}", "."
    )
    return {(found["file"], found["line"]) for found in map(json.loads, output.splitlines())}


def run_pyright(folder: Path, python: Path) -> Report:
    """Return where pyright finds errors."""
    configuration = folder / "pyrightconfig.json"
    configuration.write_text(json.dumps({"include": ["*.py"], "typeCheckingMode": "strict"}))
    output = run(folder, sys.executable, "-m", "pyright", "--outputjson", f"--pythonpath={python}")
    found: list[dict[str, Any]] = json.loads(output)["generalDiagnostics"]
    return {(Path(each["file"]).name, each["range"]["start"]["line"] + 1) for each in found}


@pytest.fixture(scope="module", params=[run_mypy, run_pyright], ids=["mypy", "pyright"])
def report(
    request: pytest.FixtureRequest, bare_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Report:
    """Check a user's program and a list of mistakes against the installed wheel."""
    checker: Callable[[Path, Path], Report] = request.param
    pytest.importorskip(checker.__name__.removeprefix("run_"))
    folder = tmp_path_factory.mktemp("checked")
    (folder / "consumer.py").write_text(CONSUMER.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "mistakes.py").write_text(PREAMBLE + MISTAKES, encoding="utf-8")
    return checker(folder, bare_python)


def test_consumer_is_clean(report: Report) -> None:
    """A user's program has every type that it asserts, in the checker's strict mode."""
    errors = {line for file, line in report if file == "consumer.py"}

    assert errors == set()


def test_mistakes_are_reported(report: Report) -> None:
    """Each wrong call is reported where it stands, and the right lines before them are not."""
    first = PREAMBLE.count("\n") + 1

    errors = {line for file, line in report if file == "mistakes.py"}

    assert errors == set(range(first, first + MISTAKES.count("\n")))
