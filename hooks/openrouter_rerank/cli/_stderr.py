"""Standard error: nothing can be said about what cannot be written there, and nothing ends."""

import os
import sys
from typing import IO, TextIO, cast


class ErrorStream:
    """
    Standard error, or nothing.

    It may be closed, be a terminal that went away, or be on a full disk. Then it is silent, and
    the command does what it was started for.

    Args:
        stream: Standard error; None if its descriptor is closed.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.encoding = "utf-8" if stream is None else stream.encoding

    def write(self, text: str) -> int:
        """Write a text if that is possible."""
        if self._stream is not None:
            try:
                self._stream.write(text)
                self._stream.flush()
            except OSError:
                _discard(self._stream)
        return len(text)

    def flush(self) -> None:
        """Do nothing: each text is flushed when it is written."""

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return self._stream is not None and self._stream.isatty()


def open_stderr() -> IO[str]:
    """Give standard error as it is now."""
    return cast("IO[str]", ErrorStream(sys.stderr))


def _discard(stream: TextIO) -> None:
    # Otherwise the interpreter flushes again at exit, and changes the exit status.
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, stream.fileno())
    os.close(devnull)
