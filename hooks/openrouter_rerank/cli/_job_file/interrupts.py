"""Ctrl-C, SIGTERM and SIGHUP: the first ends the run in order, the second ends the process."""

import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

from openrouter_rerank.cli._errors import PROGRAM
from openrouter_rerank.cli._exit_status import SIGNAL_STATUS

# Windows has no SIGHUP.
_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
_STANDARD_ERROR = 2
_SHOW_CURSOR = b"\x1b[?25h"


def _do_nothing() -> None:
    """Do nothing."""


class RunInterruptedError(Exception):
    """The user wants the run to end."""


@dataclass(slots=True)
class StopFlag:
    """
    Whether the user wants the run to end.

    Attributes:
        wakeup: A descriptor from which something can be read as soon as nothing is to be waited
            for any more.
        waker: Its other end.
        signal_number: The signal that has set the flag; None while it is not set.
        has_begun: Whether there may be something to finish; otherwise the first signal ends the
            process.
        has_ended: Whether the run is over.
        on_set: Called when the flag is set, in another thread.
    """

    wakeup: int
    waker: int
    signal_number: int | None = None
    has_begun: bool = False
    has_ended: bool = False
    on_set: Callable[[], None] = _do_nothing

    @property
    def exit_status(self) -> int:
        """What the process returns if it was interrupted: 128 and the signal's number."""
        return SIGNAL_STATUS + (self.signal_number or 0)

    def check(self) -> None:
        """
        Do nothing, or end what goes on.

        Raises:
            RunInterruptedError: The flag is set, or the run is over.
        """
        if self.has_ended or self.signal_number is not None:
            raise RunInterruptedError

    def set(self, number: int) -> None:
        """Take a signal: the first sets the flag, the second ends the process."""
        if self.signal_number is not None or not self.has_begun:
            if os.isatty(_STANDARD_ERROR):
                _write(_SHOW_CURSOR)
            # A line that is half written can be dropped, and all others are complete.
            os._exit(SIGNAL_STATUS + number)
        self.signal_number = number
        self.on_set()
        os.write(self.waker, b"\0")
        again = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        # A terminal has "^C" on the line.
        _write(f"\n{PROGRAM}: finishing what is under way; {again} again ends at once.\n".encode())

    def call_when_set(self, function: Callable[[], None]) -> None:
        """Have a function called when the flag is set; at once if it is set already."""
        self.on_set = function
        if self.signal_number is not None:
            function()

    def end(self) -> None:
        """End the wait for input, whose thread would keep the input from being closed."""
        self.has_ended = True
        os.write(self.waker, b"\0")


@contextmanager
def catch_interrupts() -> Generator[StopFlag]:
    """
    Set a flag at the first signal, and end the process at the second.

    Python's own handlers run in the main thread only, and not before it has something to do; if a
    signal comes just as that thread begins to wait, that may be never. So another thread reads the
    signals' numbers where the interpreter writes them at once.
    """
    wakeup, waker = os.pipe()
    numbers, writer = os.pipe()
    stop = StopFlag(wakeup, waker)
    thread = threading.Thread(target=_watch, args=(numbers, stop), name="signals", daemon=True)
    os.set_blocking(writer, False)
    previous = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    handlers = {
        number: signal.signal(number, _ignore)
        for number in _SIGNALS
        # nohup has SIGHUP ignored, and so it stays.
        if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN
    }
    thread.start()
    try:
        yield stop
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(previous)
        os.write(writer, b"\0")
        thread.join()
        for descriptor in (wakeup, waker, numbers, writer):
            os.close(descriptor)


def _watch(numbers: int, stop: StopFlag) -> None:
    """Take signals by their numbers, until a zero comes."""
    while number := os.read(numbers, 1)[0]:
        if number in _SIGNALS:
            stop.set(number)


def _ignore(_signal: int, _frame: FrameType | None) -> None:
    """Do nothing; without a handler, the interpreter would not write the signal's number."""


def _write(text: bytes) -> None:
    # Not through sys.stderr, which may be in the middle of a write; a terminal that was closed
    # takes nothing more.
    with suppress(OSError):
        os.write(_STANDARD_ERROR, text)
