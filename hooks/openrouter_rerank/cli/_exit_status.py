"""The exit statuses of the command."""

FAILURE = 1
USAGE = 2
SOME_FAILED = 3
# What a shell reports for a process that the signal ended: 128 and the signal's number.
INTERRUPTED = 130
CLOSED_PIPE = 141
