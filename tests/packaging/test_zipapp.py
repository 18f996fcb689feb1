"""The package in a zip, with its dependencies beside it."""

import shutil
import subprocess
import sys
import zipapp
from pathlib import Path

PROGRAM = """
import openrouter_rerank
from openrouter_rerank import local
from openrouter_rerank.evaluation import demo_folder, evaluate, read_dataset

print("app.pyz" in openrouter_rerank.__file__)
documents = ["Berlin is in Germany.", "Paris is the capital of France."]
with local.client() as client:
    response = client.rerank.rerank(query="capital of France", documents=documents, model="m")
    print([result.index for result in response.results])
dataset = read_dataset(demo_folder()).take(2)
print(evaluate(None, dataset, models=["local/minilm"], depths=[2]).dataset.query_count)
"""
SECONDS = 120


def run_zip(
    wheel: Path, folder: Path, left_out: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Make a zip of a program and what the wheel holds, but for one file, and run it."""
    source = folder / "source"
    shutil.unpack_archive(wheel, source, "zip")
    if left_out is not None:
        (source / left_out).unlink()
    (source / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    zipapp.create_archive(source, folder / "app.pyz")
    return subprocess.run(
        [sys.executable, folder / "app.pyz"],
        capture_output=True,
        check=False,
        cwd=folder,
        text=True,
        timeout=SECONDS,
    )


def test_zip_ranks_and_evaluates(wheel: Path, tmp_path: Path) -> None:
    """From within a zip the model ranks, and the demo collection is there."""
    done = run_zip(wheel, tmp_path)

    assert (done.stdout.splitlines(), done.stderr) == (["True", "[1, 0]", "2"], "")


def test_zip_without_the_data_says_so(wheel: Path, tmp_path: Path) -> None:
    """A zip of the code alone names the file that is missing, before anything is ranked."""
    done = run_zip(wheel, tmp_path, left_out="openrouter_rerank_api/openapi.json")

    assert done.returncode == 1
    assert "DataFileError: the file openrouter_rerank_api/openapi.json is missing" in done.stderr
    assert done.stdout == "True\n"
