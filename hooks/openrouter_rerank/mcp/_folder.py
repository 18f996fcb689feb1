"""The folder whose files may be read, and nothing outside of it."""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path, PurePath, PureWindowsPath

MAX_FILE_BYTES = 1 << 20
MAX_FILES = 50_000
MAX_NAMED_FILES = 20
WILDCARDS = frozenset("*?[")
# What Windows lacks is 0. Without O_NONBLOCK, a named pipe would keep us waiting for its writer.
_OPEN = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


@dataclass(frozen=True, slots=True)
class Line:
    """
    A line of a file.

    Attributes:
        file: The file's path below the folder, with slashes.
        number: From 1.
        text: The line without its end.
    """

    file: str
    number: int
    text: str


@dataclass(slots=True)
class FolderLines:
    """
    What was read.

    Attributes:
        lines: The lines that are not blank.
        skipped: The first files that could not be read, with the reason.
        skipped_count: How many there were.
    """

    lines: list[Line] = field(default_factory=list[Line])
    skipped: dict[str, str] = field(default_factory=dict[str, str])
    skipped_count: int = 0

    def skip(self, file: str, reason: str) -> None:
        """Note that a file was not read."""
        self.skipped_count += 1
        if len(self.skipped) < MAX_NAMED_FILES:
            self.skipped[file] = reason


class RefusedPathError(ValueError):
    """A path leads out of the folder, or a pattern is none."""


class UnreadableFileError(Exception):
    """A file is not one whose lines can be ranked; the message says why, without its name."""


class AllowedFolder:
    """
    Reads the files of one folder.

    Links are followed as long as they lead to a file in the folder.

    Args:
        path: The folder.
        max_files: How many files it may have for a pattern to be looked up.

    Raises:
        OSError: There is no such folder.
    """

    def __init__(self, path: str | os.PathLike[str], *, max_files: int = MAX_FILES) -> None:
        self._max_files = max_files
        self._root = Path(path).resolve(strict=True)
        if not self._root.is_dir():
            raise NotADirectoryError(f"{self._root} is no folder")

    def read_lines(self, pattern: str, max_lines: int) -> FolderLines:
        """
        Read the lines of the files that a pattern names.

        Args:
            pattern: A path below the folder, or a pattern in which `*` and `?` stand for characters
                of a name and `**` for any number of folders. As in a shell, none of them stands for
                a name that begins with a dot.
            max_lines: How many lines there may be.

        Raises:
            RefusedPathError: The pattern leads out of the folder, or matches too much.
        """
        found = FolderLines()
        for file in self._find(pattern):
            name = _to_text(file)
            try:
                lines = self._read(file).split("\n")
            except UnreadableFileError as error:
                found.skip(name, str(error))
            else:
                # An editor counts only these ends of lines.
                found.lines.extend(
                    Line(name, number, line.removesuffix("\r"))
                    for number, line in enumerate(lines, start=1)
                    if line.strip()
                )
            # Files that follow are not even read.
            if len(found.lines) > max_lines:
                raise RefusedPathError(
                    f"{pattern!r} has more than the {max_lines:,} lines that can be ranked at "
                    "once; name fewer or smaller files"
                )
        return found

    def _find(self, pattern: str) -> Iterator[PurePath]:
        """Find the files that a pattern names, in the order of their paths."""
        parts = _split_pattern(pattern)
        if not WILDCARDS.intersection(pattern):
            return iter([PurePath(*parts)])
        return (file for file in sorted(self._walk(parts)) if _matches(file.parts, parts))

    def _walk(self, pattern: Sequence[str]) -> Iterator[PurePath]:
        """List the files, without those below links, and below hidden folders if none is named."""
        wants_hidden = any(part.startswith(".") for part in pattern)
        seen = 0
        for folder, folders, files in os.walk(self._root):
            if not wants_hidden:
                folders[:] = [name for name in folders if not name.startswith(".")]
            seen += len(files)
            if seen > self._max_files:
                raise RefusedPathError(
                    f"the folder has more than {self._max_files:,} files; name one without * and ?"
                )
            below = Path(folder).relative_to(self._root)
            yield from (below / name for name in files)

    def _read(self, file: PurePath) -> str:
        """
        Read a file.

        Raises:
            UnreadableFileError: It is none, or no text, or too large, or outside of the folder.
        """
        try:
            descriptor = self._open(file)
            try:
                state = os.fstat(descriptor)
                if not stat.S_ISREG(state.st_mode):
                    raise UnreadableFileError("no regular file")
                if state.st_size > MAX_FILE_BYTES:
                    raise UnreadableFileError(f"larger than {MAX_FILE_BYTES >> 20} MiB")
                with os.fdopen(descriptor, "rb", closefd=False) as stream:
                    content = stream.read(MAX_FILE_BYTES)
            finally:
                os.close(descriptor)
        except (OSError, RuntimeError) as error:
            # Python 3.11 and 3.12 have the second for links that go in a circle.
            reason = getattr(error, "strerror", None) or "cannot be read"
            raise UnreadableFileError(reason) from error
        if b"\0" in content:
            raise UnreadableFileError("no text")
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UnreadableFileError("not in UTF-8") from error

    def _open(self, file: PurePath) -> int:
        """
        Open a file that is really in the folder.

        Where the system can, each folder on the way is opened in the one before and no link is
        followed any more: what is swapped for a link meanwhile is refused.
        """
        real = (self._root / file).resolve()
        if not real.is_relative_to(self._root):
            raise UnreadableFileError("a link out of the folder")
        if os.open not in os.supports_dir_fd:
            return os.open(real, _OPEN)
        *folders, name = real.relative_to(self._root).parts or (".",)
        at = os.open(self._root, _OPEN | os.O_DIRECTORY)
        try:
            for folder in folders:
                inner = os.open(folder, _OPEN | os.O_DIRECTORY, dir_fd=at)
                os.close(at)
                at = inner
            return os.open(name, _OPEN, dir_fd=at)
        finally:
            os.close(at)


def _split_pattern(pattern: str) -> list[str]:
    """
    Split a pattern into the names that it is made of.

    Raises:
        RefusedPathError: It leads out of the folder, or is empty.
    """
    parts = [part for part in pattern.replace("\\", "/").split("/") if part not in {"", "."}]
    is_absolute = pattern.startswith(("/", "\\")) or bool(PureWindowsPath(pattern).drive)
    if is_absolute or ".." in parts or "\0" in pattern:
        raise RefusedPathError(f"{pattern!r} leads out of the folder; give a path below it")
    if not parts:
        raise RefusedPathError("name a file below the folder, such as notes.txt or **/*.md")
    return parts


def _matches(path: Sequence[str], pattern: Sequence[str]) -> bool:
    """Tell whether a path matches a pattern, name by name."""

    # A pattern with many `**` would try the same ends again and again.
    @cache
    def ends_match(name: int, part: int) -> bool:
        if part == len(pattern):
            return name == len(path)
        if pattern[part] == "**" and ends_match(name, part + 1):
            return True
        if name == len(path) or (path[name][0] == "." and pattern[part][0] != "."):
            return False
        if pattern[part] == "**":
            return ends_match(name + 1, part)
        return fnmatchcase(path[name], pattern[part]) and ends_match(name + 1, part + 1)

    return ends_match(0, 0)


def _to_text(file: PurePath) -> str:
    """Write a path so that JSON can hold it, whatever bytes its names have."""
    return file.as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "replace")
