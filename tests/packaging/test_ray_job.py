"""The page's job on a local Ray, with the wheel and its extra alone."""

import subprocess
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from documentation.first_example import read_example

JOB = """
import runpy, sys
import pyarrow, ray
from pyarrow import parquet

_, example, folder = sys.argv
rows = {"query": ["the capital of France"] * 3, "documents": [["Bread", "Paris"]] * 3}
parquet.write_table(pyarrow.table(rows), "queries.parquet")
ray.init(address="local", num_cpus=2, include_dashboard=False, _temp_dir=folder)
runpy.run_path(example)
ray.shutdown()
print(parquet.read_table("ranked").select(["order", "error"]).to_pylist())
"""
Run = Callable[..., subprocess.CompletedProcess[str]]
AddExtra = Callable[..., Path]


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed here")
def test_ray_job_runs_with_the_extra_alone(add_extra: AddExtra, run: Run, tmp_path: Path) -> None:
    """The page's job ranks a Parquet file on a local Ray, with what Ray Data itself brings."""
    example = tmp_path / "example.py"
    text = read_example("frameworks/ray").replace("s3://bucket", str(tmp_path))
    example.write_text(text, encoding="utf-8")

    # Ray's sockets are in this folder, and their paths have to be short.
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        result = run(add_extra("ray"), "-c", JOB, example, folder)

    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == str([{"order": [1, 0], "error": None}] * 3)
