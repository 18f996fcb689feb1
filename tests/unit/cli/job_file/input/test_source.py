"""Input that is no file of jobs is refused as a whole, before anything is sent."""

import gzip
import json
from pathlib import Path

import pytest
from openrouter_rerank.cli._errors import UsageError
from openrouter_rerank.cli._job_file.input.source import InputFormat, open_source
from openrouter_rerank.cli._job_file.interrupts import catch_interrupts

JOB = {"query": "q", "documents": ["a"]}


def count_jobs(path: Path, input_format: InputFormat | None = None) -> int:
    """Read a file, and count the jobs that nothing is wrong with."""
    with (
        catch_interrupts() as stop,
        open_source(str(path), input_format, stop, rewindable=False) as source,
    ):
        return sum(entry.problem is None for entry in source.read())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (json.dumps([JOB]).encode(), "jq -c"),
        (b"\xef\xbb\xbf\n" + json.dumps([JOB], indent=2).encode(), "jq -c"),
        (json.dumps(JOB, indent=2).encode(), "jq -c"),
        (gzip.compress(json.dumps([JOB]).encode(), mtime=0), "jq -c"),
        (json.dumps(JOB).encode("utf-16"), "UTF-16"),
        (json.dumps(JOB).encode("utf-16-le"), "UTF-8"),
        (b"PK\x03\x04", "Excel"),
        (b"PAR1", "Parquet"),
        (b"\x28\xb5\x2f\xfd", "Decompress"),
    ],
)
@pytest.mark.parametrize("input_format", [None, InputFormat.CSV])
def test_input_of_another_format_is_refused(
    data: bytes, message: str, input_format: InputFormat | None, tmp_path: Path
) -> None:
    """A JSON array, JSON over several lines and what is no text are told once, with advice."""
    path = tmp_path / "jobs.json"
    path.write_bytes(data)
    shown = "first row" if input_format and message == "jq -c" else message

    with pytest.raises(UsageError, match=shown):
        count_jobs(path, input_format)


def test_json_file_may_hold_json_lines(tmp_path: Path) -> None:
    """A name that ends in .json is no reason to refuse JSON Lines."""
    path = tmp_path / "jobs.json"
    path.write_text(f"\n{json.dumps(JOB)}\n{json.dumps(JOB)}\n", encoding="utf-8")

    assert count_jobs(path) == 2
