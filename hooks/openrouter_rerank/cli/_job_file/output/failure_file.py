"""The file of the jobs that failed."""

import shutil
from collections.abc import Container
from pathlib import Path
from types import TracebackType
from typing import Self

from openrouter_rerank.cli._errors import CommandError

from .line_file import compress, is_compressed, open_lines
from .record_reader import read_records


class FailureFile:
    """
    One line for each job that failed and has not succeeded since.

    What earlier runs have written stays until the same job succeeds or fails again: while a run
    lasts the file only grows, and at its end the lines that no longer hold are dropped. A killed
    run leaves them to the next one.

    Args:
        path: Where it is.
        resume: Whether it may hold lines already.
        done: The positions of the jobs that earlier runs have done.

    Raises:
        CommandError: The file cannot be used, see `open_lines`, or holds anything else than a run's
            lines (status 2).
    """

    def __init__(self, path: Path, *, resume: bool, done: Container[int]) -> None:
        # Another run's file is refused before it is looked into.
        self._file = open_lines(path, resume=resume)
        self._path = path
        self._old: set[int] = set()
        self._settled: set[int] = set()
        if resume:
            self._file.close()
            self._old = drop_settled(path, done)
            self._file = open_lines(path, resume=True)

    def append(self, line: bytes) -> None:
        """
        Write a failure's line.

        Raises:
            CommandError: It cannot be written.
        """
        self._file.append(line)

    def settle(self, position: int) -> None:
        """Note that a job has succeeded."""
        if position in self._old:
            self._settled.add(position)

    def __enter__(self) -> Self:
        """Return the file."""
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Drop what no longer holds, and close the file."""
        self._file.close()
        if self._old:
            drop_settled(self._path, self._settled)


def drop_settled(path: Path, settled: Container[int]) -> set[int]:
    """
    Keep the last line of each job that is not settled; a torn end goes, too.

    The file is replaced in one step, so that none of its lines is lost at any moment.

    Returns:
        The positions of the jobs that are left.

    Raises:
        CommandError: The file cannot be read or written, or holds anything else than a run's lines.
    """
    compressed = is_compressed(path)
    last: dict[int, int] = {}
    for number, (_, _, record) in enumerate(read_records(path, compressed=compressed)):
        if record.position not in settled:
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
