"""The file of the jobs that failed."""

import shutil
from collections.abc import Container
from pathlib import Path
from typing import Self

from openrouter_rerank.cli._errors import CommandError

from .line_file import compress, is_compressed, open_line_file
from .record_reader import read_records


class FailureFile:
    """
    A file with one line for each job that failed and has not succeeded since.

    During a run the file only grows. At its end, the lines of earlier runs whose job has succeeded
    or failed again are dropped. If the run is killed, the next run drops them.

    Args:
        path: Where it is.
        resume: Whether it may hold lines already.
        done: The positions of the jobs that earlier runs have done.

    Raises:
        UsageError: `open_line_file` refuses the file, or it holds something else than lines of a
            run.
    """

    def __init__(self, path: Path, *, resume: bool, done: Container[int]) -> None:
        # A file that another run has open is refused before it is read.
        self._file = open_line_file(path, resume=resume)
        self._path = path
        self._old: set[int] = set()
        self._succeeded: set[int] = set()
        if resume:
            self._file.close()
            self._old = drop_outdated_lines(path, done)
            self._file = open_line_file(path, resume=True)

    def append(self, line: bytes) -> None:
        """
        Write a failure's line.

        Raises:
            CommandError: It cannot be written.
        """
        self._file.append(line)

    def record_success(self, position: int) -> None:
        """Remember that a job has succeeded."""
        if position in self._old:
            self._succeeded.add(position)

    def __enter__(self) -> Self:
        """Return the file."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file, and drop the lines that are outdated."""
        self._file.close()
        if self._old:
            drop_outdated_lines(self._path, self._succeeded)


def drop_outdated_lines(path: Path, succeeded: Container[int]) -> set[int]:
    """
    Keep only the last line of each job that has not succeeded; a torn line is dropped, too.

    The file is replaced in one step, so that a kill loses none of its lines.

    Args:
        path: The file.
        succeeded: The positions of the jobs that have succeeded.

    Returns:
        The positions of the jobs that are left.

    Raises:
        CommandError: The file cannot be read or written.
        UsageError: It holds something else than lines of a run.
    """
    compressed = is_compressed(path)
    last: dict[int, int] = {}
    for number, (_, _, record) in enumerate(read_records(path, compressed=compressed)):
        if record.position not in succeeded:
            last[record.position] = number
    # A link stays a link.
    target = path.resolve()
    copy = target.with_name(f".{target.name}.new")
    try:
        with copy.open("wb") as kept:
            shutil.copymode(target, copy)
            records = read_records(path, compressed=compressed)
            for number, (_, line, record) in enumerate(records):
                if last.get(record.position) == number:
                    kept.write(compress(line) if compressed else line)
        copy.replace(target)
    except OSError as error:
        raise CommandError(f"cannot write {copy}: {error.strerror}.") from error
    return set(last)
