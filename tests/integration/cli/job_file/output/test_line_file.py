"""A file that grows by whole lines."""

import errno
import gzip
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from io import FileIO
from pathlib import Path

import pytest
import typer
from openrouter_rerank.cli._errors import CommandError
from openrouter_rerank.cli._job_file.output.line_file import LineFile, open_line_file


def test_each_line_is_there_at_once(tmp_path: Path) -> None:
    """Nothing waits in a buffer."""
    file = tmp_path / "out.jsonl"
    seen: list[bytes] = []

    with open_line_file(file, resume=False) as lines:
        for line in (b"one\n", b"two\n"):
            lines.append(line)
            seen.append(file.read_bytes())

    assert seen == [b"one\n", b"one\ntwo\n"]


def test_each_line_of_a_compressed_file_can_be_read_at_once(tmp_path: Path) -> None:
    """The file is complete gzip after each line."""
    file = tmp_path / "out.jsonl.GZ"
    seen: list[bytes] = []

    with open_line_file(file, resume=False) as lines:
        for line in (b"one\n", b"two\n"):
            lines.append(line)
            seen.append(gzip.decompress(file.read_bytes()))

    assert seen == [b"one\n", b"one\ntwo\n"]


def test_a_file_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    """Without resume nothing is overwritten, and nothing is added."""
    file = tmp_path / "out"
    file.write_bytes(b"precious")

    with pytest.raises(CommandError, match=r"not empty.*--resume") as caught:
        open_line_file(file, resume=False)

    assert (caught.value.status, file.read_bytes()) == (2, b"precious")


def test_resuming_cuts_and_goes_on(tmp_path: Path) -> None:
    """A new line follows the place where the file was cut."""
    file = tmp_path / "out"
    file.write_bytes(b"one\ntor")

    with open_line_file(file, resume=True) as lines:
        lines.truncate(4)
        lines.append(b"two\n")

    assert file.read_bytes() == b"one\ntwo\n"


def test_two_runs_cannot_have_one_file(tmp_path: Path) -> None:
    """The second is refused until the first is over."""
    file = tmp_path / "out"

    with (
        open_line_file(file, resume=False),
        pytest.raises(CommandError, match="in use") as caught,
    ):
        open_line_file(file, resume=True)
    with open_line_file(file, resume=True):
        pass

    assert caught.value.status == 2


@pytest.mark.parametrize("name", ["missing/out", ".", "nul\0"])
def test_a_path_that_cannot_be_written_is_a_usage_error(name: str, tmp_path: Path) -> None:
    """The path is named before anything is sent."""
    with pytest.raises(CommandError, match="cannot write") as caught:
        open_line_file(tmp_path / name, resume=False)

    assert caught.value.status == 2


def test_a_device_is_written_but_not_resumed() -> None:
    """A device keeps nothing that a run could go on from."""
    with open_line_file(Path(os.devnull), resume=False) as lines:
        lines.append(b"one\n")

    with pytest.raises(CommandError, match="regular file") as caught:
        open_line_file(Path(os.devnull), resume=True)

    assert caught.value.status == 2


def test_a_line_that_does_not_fit_leaves_no_part_behind(
    tmp_path: Path, limit_file_size: Callable[[int], AbstractContextManager[None]]
) -> None:
    """On a full disk the file ends with the last whole line."""
    file = tmp_path / "out"

    with open_line_file(file, resume=False) as lines:
        lines.append(b"one\n")
        with limit_file_size(6), pytest.raises(CommandError, match=r"cannot write .*out"):
            lines.append(b"two\n")

    assert file.read_bytes() == b"one\n"


def test_a_reader_that_goes_away_ends_it_silently() -> None:
    """A closed pipe has its own exit status."""
    reader, writer = os.pipe()
    os.close(reader)

    with (
        LineFile(FileIO(writer, "wb"), "standard output", compressed=False) as lines,
        pytest.raises(typer.Exit) as caught,
    ):
        lines.append(b"one\n")

    assert caught.value.exit_code == 141


def test_a_pipe_that_would_have_to_be_waited_for_is_a_failure() -> None:
    """A line for which a non-blocking pipe has no room is not dropped silently."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)

    with (
        LineFile(FileIO(writer, "wb"), "standard output", compressed=False) as lines,
        pytest.raises(CommandError, match="cannot write standard output"),
    ):
        lines.append(b"x" * (1 << 22))
    os.close(reader)


def test_what_cannot_be_cut_is_a_failure() -> None:
    """A file that cannot be made shorter is named."""
    reader, writer = os.pipe()

    with (
        LineFile(FileIO(writer, "wb"), "results", compressed=False) as lines,
        pytest.raises(CommandError, match="cannot write results"),
    ):
        lines.truncate(0)
    os.close(reader)


def test_lines_get_to_the_disk_once_a_second_and_at_the_end(tmp_path: Path) -> None:
    """A fast run does not wait for the disk at each line."""
    times = iter([0.0, 0.5, 1.0, 1.0, 1.5, 1.9, 2.0, 2.0])
    seen: list[int] = []
    file = tmp_path / "out"

    with LineFile(
        FileIO(file, "ab"),
        str(file),
        compressed=False,
        clock=times.__next__,
        sync=lambda descriptor: seen.append(os.fstat(descriptor).st_size),
    ) as lines:
        for line in (b"1\n", b"2\n", b"3\n", b"4\n"):
            lines.append(line)

    assert seen == [4, 8]


def test_what_does_not_get_to_the_disk_is_a_failure(tmp_path: Path) -> None:
    """An error of the disk that comes late is told."""

    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    file = tmp_path / "out"
    lines = LineFile(FileIO(file, "ab"), str(file), compressed=False, sync=fail)
    lines.append(b"1\n")

    with pytest.raises(CommandError, match="Input/output error"):
        lines.close()
