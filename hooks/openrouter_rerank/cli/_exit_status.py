"""The exit statuses of the command."""

from enum import IntEnum

# A shell reports it and the signal's number for a process that a signal ended.
SIGNAL_STATUS = 128


class ExitStatus(IntEnum):
    """What the command tells the shell when it ends, apart from 0."""

    FAILURE = 1
    USAGE = 2
    SOME_FAILED = 3
    INTERRUPTED = 130
    CLOSED_PIPE = 141
