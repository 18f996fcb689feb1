"""The lines of job files and of what a run writes."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def make_job(at: int) -> dict[str, Any]:
    return {"id": f"job {at}", "query": f"q{at}", "documents": [f"a{at}", f"b{at}"]}


def write_jobs(file: Path, count: int) -> None:
    file.write_text("".join(json.dumps(make_job(at)) + "\n" for at in range(count)), "utf-8")


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
