"""Ctrl-C: once to finish, twice to end."""

import os
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

from openrouter_rerank.cli._errors import PROGRAM
from openrouter_rerank.cli._exit_status import INTERRUPTED

_STANDARD_ERROR = 2
# A terminal has "^C" on the line.
_NOTICE = f"\n{PROGRAM}: finishing what is under way; Ctrl-C again ends at once.\n".encode()


@dataclass(slots=True)
class Stop:
    """
    Whether the user wants the run to end.

    Attributes:
        is_wanted: Set by the first Ctrl-C.
    """

    is_wanted: bool = False


@contextmanager
def taking_interrupts(before_exit: Callable[[], object]) -> Generator[Stop]:
    """
    Note the first Ctrl-C, and end the process at the second.

    Args:
        before_exit: Called before the process ends at once.
    """
    stop = Stop()

    def note(_signal: int, _frame: FrameType | None) -> None:
        if stop.is_wanted:
            before_exit()
            # An exception would wait for the threads of the calls in flight. Every line that was
            # begun can be dropped, and all others are written.
            os._exit(INTERRUPTED)
        stop.is_wanted = True
        # Past the stream, which may be in the middle of a write.
        with suppress(OSError):
            os.write(_STANDARD_ERROR, _NOTICE)

    previous = signal.signal(signal.SIGINT, note)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, previous)
