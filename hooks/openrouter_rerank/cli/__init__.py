"""
The command `openrouter-rerank`.

It needs the extra `cli`; this module alone imports without it, so that the command can say so.
"""

import os
import sys

from ._exit_status import FAILURE, INTERRUPTED

__all__ = ["main"]

_EXTRA_MODULES = frozenset({"rich", "typer"})


def main() -> int:
    """
    Run the command with the arguments of this process.

    Returns:
        The exit status: 0 done, 1 failed, 2 wrong command line, 3 some jobs of a batch failed, 141
        when the reader of standard output went away. Ctrl-C ends the process at once, with 130;
        only `batch` lets its requests come to their end first.
    """
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
        return FAILURE
    except KeyboardInterrupt:
        status = INTERRUPTED
    if status == INTERRUPTED:
        # A thread may be in the local model's native code, where the interpreter's end aborts the
        # process. Every write has been flushed.
        os._exit(status)
    return status
