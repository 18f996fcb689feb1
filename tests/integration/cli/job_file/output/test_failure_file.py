"""The file of the jobs that failed."""

import json
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from openrouter_rerank.cli._errors import CommandError
from openrouter_rerank.cli._job_file.input.entry import Entry
from openrouter_rerank.cli._job_file.output.failure_file import FailureFile
from openrouter_rerank.cli._job_file.output.line_file import compress, open_line_file
from openrouter_rerank.cli._job_file.output.record_reader import read_records
from openrouter_rerank.cli._job_file.output.records import encode_failure
from openrouter_rerank.errors import OpenRouterError

NONE: frozenset[int] = frozenset()


def make_line(position: int, message: str = "first") -> bytes:
    return encode_failure(Entry(position, position + 1), OpenRouterError(message), 1)


def read(path: Path) -> list[tuple[int, str]]:
    records = read_records(path, compressed=path.suffix == ".gz")
    return [(record.position, json.loads(line)["message"]) for _, line, record in records]


@pytest.mark.parametrize(("name", "pack"), [("e.jsonl", bytes), ("e.jsonl.gz", compress)])
def test_a_resumed_run_drops_outdated_lines(
    name: str, pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    """At the end each job that has not succeeded has only its last line."""
    file = tmp_path / name
    file.write_bytes(b"".join(pack(make_line(at)) for at in (0, 1, 2, 3)))

    with FailureFile(file, resume=True, done={0}) as failures:
        failures.record_success(1)
        failures.append(make_line(2, "second"))
        failures.append(make_line(5, "new"))
        failures.record_success(7)

    assert read(file) == [(3, "first"), (2, "second"), (5, "new")]


def test_nothing_is_lost_while_a_run_lasts(tmp_path: Path) -> None:
    """The old failures stay beside the new ones until the end."""
    file = tmp_path / "e.jsonl"
    file.write_bytes(make_line(0) + make_line(1))

    with FailureFile(file, resume=True, done=NONE) as failures:
        failures.record_success(0)
        failures.append(make_line(1, "second"))
        during = read(file)

    assert during == [(0, "first"), (1, "first"), (1, "second")]
    assert read(file) == [(1, "second")]


def test_lines_that_a_killed_run_has_left_are_cleaned_up(tmp_path: Path) -> None:
    """The next run drops doubled and torn lines, and those of jobs that were done."""
    file = tmp_path / "e.jsonl"
    torn = make_line(2)[:-5]
    file.write_bytes(make_line(0) + make_line(1) + make_line(1, "second") + torn)

    with FailureFile(file, resume=True, done={0}):
        during = read(file)

    assert during == [(1, "second")]


def test_a_file_keeps_its_mode_and_its_link(tmp_path: Path) -> None:
    """Replacing the content changes nothing else."""
    file, link = tmp_path / "e.jsonl", tmp_path / "link"
    file.write_bytes(make_line(0))
    file.chmod(0o640)
    link.symlink_to(file)

    with FailureFile(link, resume=True, done={0}):
        pass

    assert (link.is_symlink(), file.read_bytes()) == (True, b"")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert sorted(tmp_path.iterdir()) == [file, link]


@pytest.mark.parametrize(("resume", "reason"), [(False, "not empty"), (True, "line 1")])
def test_a_file_of_something_else_is_left_alone(resume: bool, reason: str, tmp_path: Path) -> None:
    """A file that no run has written is not changed."""
    file = tmp_path / "e.jsonl"
    file.write_bytes(b"precious\n")

    with pytest.raises(CommandError, match=reason) as caught:
        FailureFile(file, resume=resume, done=NONE)

    assert (caught.value.status, file.read_bytes()) == (2, b"precious\n")


def test_a_file_that_cannot_be_replaced_is_a_failure(
    tmp_path: Path, limit_file_size: Callable[[int], AbstractContextManager[None]]
) -> None:
    """On a full disk the failures stay, and no copy stays beside them."""
    file = tmp_path / "e.jsonl"
    file.write_bytes(make_line(0))

    with limit_file_size(6), pytest.raises(CommandError, match=r"cannot write .*e\.jsonl"):
        FailureFile(file, resume=True, done=NONE)

    assert read(file) == [(0, "first")]
    assert list(tmp_path.iterdir()) == [file]


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    """The copy that replaces the file has a name that nobody can foresee."""
    file, victim = tmp_path / "e.jsonl", tmp_path / "victim"
    file.write_bytes(make_line(0) + make_line(1))
    victim.write_bytes(b"precious")
    (tmp_path / ".e.jsonl.new").symlink_to(victim)

    with FailureFile(file, resume=True, done={0}):
        pass

    assert (victim.read_bytes(), read(file)) == (b"precious", [(1, "first")])


def test_nobody_can_take_the_file_when_it_is_replaced(tmp_path: Path) -> None:
    """The file stays locked, whichever file has its name."""
    file = tmp_path / "e.jsonl"
    file.write_bytes(make_line(0))

    with FailureFile(file, resume=True, done=NONE), pytest.raises(CommandError, match="in use"):
        open_line_file(file, resume=True)
