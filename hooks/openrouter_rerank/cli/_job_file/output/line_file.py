"""A file that grows by whole lines."""

import errno
import gzip
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Self

import typer

from openrouter_rerank.cli._errors import CommandError, UsageError
from openrouter_rerank.cli._exit_status import ExitStatus
from openrouter_rerank.cli._stdout import require_stdout
from openrouter_rerank.cli._text import escape_json

if sys.platform != "win32":  # pragma: no branch - Windows
    import fcntl

_COMPRESSION_LEVEL = 6
# What a loss of power may cost, in seconds of work: to wait for the disk at each line would keep a
# fast run from writing.
SYNC_SECONDS = 1.0


class LineFile:
    """
    A file, or standard output, to which each line is written at once.

    Each line of JSON is one write, and in a compressed file its own member. What is written can be
    read whenever the process ends. A loss of power spares what is older than `SYNC_SECONDS` when
    the next line comes, and all that was written before the file was closed.

    Args:
        file: Unbuffered, open for appending.
        name: What messages call it; the path of a regular file.
        compressed: Whether to write gzip.
        clock: The time in seconds.
        sync: Waits until all that was written to a descriptor is on the disk.
    """

    def __init__(
        self,
        file: FileIO,
        name: str,
        *,
        compressed: bool,
        clock: Callable[[], float] = time.monotonic,
        sync: Callable[[int], object] = os.fsync,
    ) -> None:
        self.name = name
        self._file = file
        self._compressed = compressed
        self._is_regular = is_regular(file)
        self._is_terminal = file.isatty()
        self._clock = clock
        self._sync = sync
        self._synced_at = clock()

    def append(self, line: bytes) -> None:
        """
        Write a line.

        Raises:
            CommandError: It cannot be written; no part of it stays in a regular file.
            typer.Exit: Nobody reads the output any more.
        """
        if self._is_terminal:
            line = escape_json(line.decode()).encode()
        data = compress(line) if self._compressed else line
        size = os.fstat(self._file.fileno()).st_size if self._is_regular else 0
        try:
            _write(self._file, data)
            if self._clock() >= self._synced_at + SYNC_SECONDS:
                self._sync_file()
        except BrokenPipeError:
            raise typer.Exit(ExitStatus.CLOSED_PIPE) from None
        except OSError as error:
            if self._is_regular:
                # If that fails too, the next run with --resume cuts it off.
                with suppress(OSError):
                    self._file.truncate(size)
            raise CommandError(f"cannot write {self.name}: {error.strerror}.") from error

    def truncate(self, size: int) -> None:
        """
        Drop everything after a size in bytes.

        Raises:
            CommandError: The file cannot be changed.
        """
        try:
            self._file.truncate(size)
        except OSError as error:
            raise CommandError(f"cannot write {self.name}: {error.strerror}.") from error

    def replace(self, lines: Iterable[bytes]) -> None:
        """
        Replace all lines by others in one step, so that a kill loses nothing.

        A link stays a link; owner and permissions stay as well.

        Raises:
            CommandError: The lines cannot be written; the file is as it was.
        """
        target = Path(self.name).resolve()
        copy: Path | None = None
        try:
            # A name that nobody can foresee, and so plant a link at.
            descriptor, name = tempfile.mkstemp(".new", f".{target.name}.", target.parent)
            os.close(descriptor)
            copy = Path(name)
            file = FileIO(copy, "ab")
            try:
                # Nobody else may take it when it is in its place.
                _lock(file, copy)
                _keep_owner(target, copy)
                shutil.copymode(target, copy)
                for line in lines:
                    _write(file, compress(line) if self._compressed else line)
                self._sync(file.fileno())
                if sys.platform == "win32":  # pragma: no cover - Windows
                    file.close()
                    self._file.close()
                copy.replace(target)
                if sys.platform == "win32":  # pragma: no cover - Windows
                    file = FileIO(target, "ab")
            except BaseException:
                file.close()
                raise
            self._file.close()
            self._file, copy = file, None
            _sync_directory(target.parent)
        except OSError as error:
            raise CommandError(f"cannot write {target}: {error.strerror}.") from error
        finally:
            if copy is not None:
                copy.unlink(missing_ok=True)

    def close(self) -> None:
        """
        Close the file, so that other runs can use it; standard output stays open.

        Raises:
            CommandError: What was written does not get to the disk.
        """
        if self._file.closed:
            return
        try:
            self._sync_file()
        except OSError as error:
            raise CommandError(f"cannot write {self.name}: {error.strerror}.") from error
        finally:
            self._file.close()

    def _sync_file(self) -> None:
        if self._is_regular:
            self._sync(self._file.fileno())
        self._synced_at = self._clock()

    def __enter__(self) -> Self:
        """Return the file."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()


def open_stdout() -> LineFile:
    """
    Open standard output for lines.

    Raises:
        CommandError: It is closed.
    """
    require_stdout()
    file = FileIO(sys.stdout.fileno(), "wb", closefd=False)
    return LineFile(file, "standard output", compressed=False)


def open_line_file(path: Path, *, resume: bool) -> LineFile:
    """
    Open a file for one run, and create it if it does not exist.

    Args:
        path: Where it is; if its name ends in `.gz`, it is compressed.
        resume: Whether it may hold lines already.

    Raises:
        UsageError: It cannot be opened, another run has it open, it is not empty and not to be
            resumed, or it is to be resumed and is not a regular file.
    """
    try:
        file = FileIO(path, "ab")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot write {path}: {reason}. Check the path.") from error
    try:
        _claim(file, path, resume=resume)
        if is_regular(file):
            # Else a loss of power could take the whole file away.
            _sync_directory(path.resolve().parent)
    except CommandError:
        file.close()
        raise
    return LineFile(file, str(path), compressed=is_compressed(path))


def compress(line: bytes) -> bytes:
    """Compress a line to a member of gzip (RFC 1952, section 2.2)."""
    return gzip.compress(line, _COMPRESSION_LEVEL, mtime=0)


def is_compressed(path: Path) -> bool:
    """Tell by its name whether a file is gzip."""
    return path.suffix.lower() == ".gz"


def is_regular(file: FileIO) -> bool:
    """Tell whether a file is on a disk, and not a pipe or a device."""
    return stat.S_ISREG(os.fstat(file.fileno()).st_mode)


def _claim(file: FileIO, path: Path, *, resume: bool) -> None:
    if is_regular(file):
        _lock(file, path)
        if not resume and os.fstat(file.fileno()).st_size:
            raise UsageError(f"{path} is not empty. Go on with --resume, or give another file.")
    elif resume:
        raise UsageError(f"--resume needs a regular file, which {path} is not.")


def _lock(file: FileIO, path: Path) -> None:
    """Keep other runs out until the file is closed or the process ends; not on Windows."""
    if sys.platform == "win32":  # pragma: no cover - Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if isinstance(error, BlockingIOError):  # pragma: no branch - else there are no locks there
            raise _refuse_used(path) from error
    # The run that had it has put another file in its place.
    if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
        raise _refuse_used(path)


def _keep_owner(file: Path, copy: Path) -> None:
    if sys.platform == "win32":  # pragma: no cover - Windows
        return
    status = file.stat()
    if (status.st_uid, status.st_gid) != (os.getuid(), os.getgid()):
        with suppress(PermissionError):
            os.chown(copy, status.st_uid, status.st_gid)


def _refuse_used(path: Path) -> UsageError:
    return UsageError(f"{path} is in use. Wait for the other run, or give another file.")


def _sync_directory(path: Path) -> None:
    """Have the names in a directory on the disk; some file systems cannot, and need not."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write(file: FileIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        written = file.write(view)
        if not written:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        view = view[written:]
