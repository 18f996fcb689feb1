"""Standard output: as wide as the terminal, uncut in a pipe, and silent when nobody reads it."""

import io
import json
import os
import shutil
import sys
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager

import typer
from rich.console import Console, RenderableType

from ._errors import CommandError
from ._exit_status import ExitStatus
from ._text import escape_json

# Wider than any line, so that nothing is cut without a terminal.
UNLIMITED_COLUMNS = 1 << 30


def require_stdout() -> None:
    """
    Check that there is a standard output, before anything is paid for.

    Raises:
        CommandError: Its descriptor is closed.
    """
    # The interpreter sets None then.
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison]
        raise CommandError("standard output is closed. Send it somewhere else.")


def open_console() -> Console:
    """
    Make a console for standard output as it is now.

    The width is that of `COLUMNS` if it is set, else the terminal's; without a terminal it has no
    limit. Only terminals get colours, and `NO_COLOR` (any value but the empty one,
    https://no-color.org) switches off every escape sequence.
    """
    terminal = sys.stdout.isatty()
    coloured = terminal and not os.environ.get("NO_COLOR")
    return Console(
        file=sys.stdout,
        force_terminal=terminal,
        color_system="auto" if coloured else None,
        width=shutil.get_terminal_size(fallback=(UNLIMITED_COLUMNS, 24)).columns,
        highlight=False,
        soft_wrap=True,
    )


def write_lines(console: Console, lines: Iterable[RenderableType]) -> None:
    """
    Write styled lines and tables; characters that the encoding lacks become question marks.

    Raises:
        CommandError: The output cannot be written.
        typer.Exit: Nobody reads it any more.
    """
    # The end of a capture calls write, too, even without text.
    with _convert_write_errors(), console.capture() as capture:
        for line in lines:
            console.print(line)
    _write(capture.get(), encoding=None, errors="replace")


def write_json(value: Mapping[str, object]) -> None:
    """Write a JSON object in UTF-8, whatever the locale's encoding; escaped on a terminal."""
    # UTF-8 lacks only lone surrogates, and what "backslashreplace" writes for them is JSON's own
    # escape.
    text = json.dumps(value, ensure_ascii=False, indent=2)
    shown = escape_json(text) if sys.stdout.isatty() else text
    _write(f"{shown}\n", encoding="utf-8", errors="backslashreplace")


def write_line(text: str) -> None:
    """Write one plain line."""
    require_stdout()
    _write(f"{text}\n", encoding=None, errors="replace")


def _write(text: str, *, encoding: str | None, errors: str) -> None:
    stream = sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding=encoding, errors=errors)
    with _convert_write_errors():
        stream.write(text)
        stream.flush()


@contextmanager
def _convert_write_errors() -> Generator[None]:
    try:
        yield
    except BrokenPipeError:
        discard_stdout()
        raise typer.Exit(ExitStatus.CLOSED_PIPE) from None
    except OSError as error:
        discard_stdout()
        raise CommandError(
            f"cannot write the output: {error.strerror}. Send it somewhere else."
        ) from error


def discard_stdout() -> None:
    """Send what is still to be written nowhere."""
    # Otherwise the interpreter flushes again at exit, fails again and prints that.
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)
