"""Ctrl-C: the first ends the run in order, the second ends the process at once."""

import os
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

from openrouter_rerank.cli._errors import PROGRAM
from openrouter_rerank.cli._exit_status import ExitStatus

_STANDARD_ERROR = 2
# A terminal has "^C" on the line.
_NOTICE = f"\n{PROGRAM}: finishing what is under way; Ctrl-C again ends at once.\n".encode()


@dataclass(slots=True)
class StopFlag:
    """
    Whether the user wants the run to end.

    Attributes:
        is_set: Set by the first Ctrl-C.
    """

    is_set: bool = False


@contextmanager
def catch_interrupts(before_exit: Callable[[], object]) -> Generator[StopFlag]:
    """
    Set a flag at the first Ctrl-C, and end the process at the second.

    Args:
        before_exit: Called before the process ends at once.
    """
    stop = StopFlag()

    def on_interrupt(_signal: int, _frame: FrameType | None) -> None:
        if stop.is_set:
            before_exit()
            # An exception would wait for the threads of the calls in flight. A line that is half
            # written can be dropped, and all others are complete.
            os._exit(ExitStatus.INTERRUPTED)
        stop.is_set = True
        # Not through sys.stderr, which may be in the middle of a write.
        with suppress(OSError):
            os.write(_STANDARD_ERROR, _NOTICE)

    previous = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, previous)
