"""What the command says when it cannot go on: one line, and an exit status."""

import sys
from collections.abc import Generator
from contextlib import contextmanager

from openrouter_rerank.errors import OpenRouterError

from ._exit_status import FAILURE, USAGE
from ._text import one_line, shorten

PROGRAM = "openrouter-rerank"

_LATER = "Try again in a while."
_NEXT_STEPS: dict[int | None, str] = {
    None: "Check the network and OPENROUTER_BASE_URL, or rank on this machine with --local.",
    400: "Check the documents and --model.",
    401: "Check OPENROUTER_API_KEY, or rank on this machine with --local.",
    402: "Add credits to the account, or rank on this machine with --local.",
    403: "Check what the key is allowed to do, and the documents.",
    404: "Check --model and OPENROUTER_BASE_URL.",
    408: _LATER,
    413: "Send fewer or shorter documents.",
    422: "Choose another --model, or other documents.",
    429: _LATER,
}
_FIRST_SERVER_ERROR = 500


class CommandError(Exception):
    """
    The command cannot go on.

    Args:
        message: What is wrong and what to do next.
        status: The exit status.
    """

    def __init__(self, message: str, status: int = FAILURE) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


@contextmanager
def refused_arguments(command: str) -> Generator[None]:
    """
    Turn what is said about a wrong argument into a usage error.

    Args:
        command: The command whose help tells more.

    Raises:
        CommandError: For a `ValueError` or `TypeError` from the block; the status is 2.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        raise CommandError(
            f"{str(error).rstrip('.')}. Try '{PROGRAM} {command} --help'.", USAGE
        ) from error


@contextmanager
def local_failures() -> Generator[None]:
    """
    Turn what the embedded server says before it can answer into a failure of the command.

    Raises:
        CommandError: When the extra `local` or the model is missing or damaged, or the address
            cannot be listened on.
    """
    try:
        yield
    except (ImportError, OSError, RuntimeError) as error:
        raise CommandError(str(error)) from error


def explain(error: OpenRouterError) -> CommandError:
    """Say what the API or the way to it answered, and what to do next."""
    status = error.status_code
    if status is not None and status >= _FIRST_SERVER_ERROR:
        step = _LATER
    else:
        step = _NEXT_STEPS.get(status, "Check the command line.")
    message = shorten(error.message).rstrip(".") or type(error).__name__
    return CommandError(f"{message}. {step}")


def complain(message: str) -> None:
    """Print one line, and one only, on standard error."""
    print(f"{PROGRAM}: {one_line(message)}", file=sys.stderr)
