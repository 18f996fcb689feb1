"""A program that PyInstaller builds, where it is installed."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
from openrouter_rerank import local
from openrouter_rerank.evaluation import demo_folder, evaluate, read_dataset

documents = ["Berlin is in Germany.", "Paris is the capital of France."]
with local.client() as client:
    response = client.rerank.rerank(query="capital of France", documents=documents, model="m")
    print([result.index for result in response.results])
dataset = read_dataset(demo_folder()).take(2)
print(evaluate(None, dataset, models=["local/minilm"], depths=[2]).dataset.query_count)
"""
SECONDS = 600


def test_program_ranks_and_evaluates(tmp_path: Path) -> None:
    """The hooks give a program in one folder all that it needs, and no option is given."""
    pytest.importorskip("PyInstaller", reason="PyInstaller is not installed")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    build = [sys.executable, "-m", "PyInstaller", "--log-level", "ERROR", str(program)]

    subprocess.run(build, check=True, cwd=tmp_path, timeout=SECONDS)
    done = subprocess.run(
        [tmp_path / "dist" / "program" / "program"],
        capture_output=True,
        check=False,
        text=True,
        timeout=SECONDS,
    )

    assert (done.stdout.splitlines(), done.returncode) == (["[1, 0]", "2"], 0)
