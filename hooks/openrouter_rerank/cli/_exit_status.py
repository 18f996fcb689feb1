"""The exit statuses of the command."""

from enum import IntEnum


class ExitStatus(IntEnum):
    """What the command tells the shell when it ends, apart from 0."""

    FAILURE = 1
    USAGE = 2
    SOME_FAILED = 3
    # A shell reports 128 and the signal's number for a process that a signal ended.
    INTERRUPTED = 130
    CLOSED_PIPE = 141
