"""The file of the jobs that failed."""

from collections.abc import Container, Iterator
from pathlib import Path
from typing import Self

from .line_file import is_compressed, open_line_file
from .record_reader import read_records
from .records import Record


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
            try:
                self._old = self._drop_outdated_lines(done)
            except BaseException:
                self._file.close()
                raise

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
        """Drop the lines that are outdated, and close the file."""
        try:
            if self._old:
                self._drop_outdated_lines(self._succeeded)
        finally:
            self._file.close()

    def _drop_outdated_lines(self, succeeded: Container[int]) -> set[int]:
        """
        Keep only the last line of each job that has not succeeded; a torn line is dropped, too.

        Args:
            succeeded: The positions of the jobs that have succeeded.

        Returns:
            The positions of the jobs that are left.

        Raises:
            CommandError: The file cannot be read or written.
            UsageError: It holds something else than lines of a run.
        """
        last: dict[int, int] = {}
        for number, (_, _, record) in enumerate(self._read_records()):
            if record.position not in succeeded:
                last[record.position] = number
        self._file.replace(
            line
            for number, (_, line, record) in enumerate(self._read_records())
            if last.get(record.position) == number
        )
        return set(last)

    def _read_records(self) -> Iterator[tuple[int, bytes, Record]]:
        return read_records(self._path, compressed=is_compressed(self._path))
