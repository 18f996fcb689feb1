"""
The command `openrouter-rerank`.

It needs the extra `cli`. Only this module can be imported without it, to say that it is missing.
"""

import os
import signal
import sys
from typing import NoReturn

from ._exit_status import SIGNAL_STATUS, ExitStatus

__all__ = ["main"]

_EXTRA_MODULES = frozenset({"rich", "typer"})


def main() -> int:
    """
    Run the command with the arguments of this process.

    Returns:
        The exit status: 0 done, 1 failed, 2 wrong command line, 3 some jobs of a run failed, 141
        the reader of standard output went away. Ctrl-C ends the process at once, with 130; only
        `batch` waits for its requests first, also after SIGTERM (143) and SIGHUP (129).
    """
    _open_closed_descriptors()
    # An exception could be swallowed or reported by whatever is being imported or called.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _exit_at_once)
    try:
        from ._app import run

        status = run(sys.argv[1:])
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA_MODULES:
            raise
        print(
            f"openrouter-rerank: {error.name} is not installed. "
            'Run: pip install "openrouter-rerank[cli]"',
            file=sys.stderr,
        )
        return ExitStatus.FAILURE
    except KeyboardInterrupt:
        status = ExitStatus.INTERRUPTED
    if status > SIGNAL_STATUS:
        # A thread may be in the local model's native code, and then a normal end of the interpreter
        # aborts the process. Every write has been flushed.
        os._exit(status)
    return status


def _exit_at_once(*_: object) -> NoReturn:
    os._exit(ExitStatus.INTERRUPTED)


def _open_closed_descriptors() -> None:
    """Keep files that are opened later from becoming standard output or standard error."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
