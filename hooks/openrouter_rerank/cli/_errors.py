"""The errors that end the command: one line on standard error, and an exit status."""

from collections.abc import Generator
from contextlib import contextmanager

import httpx
import typer

from openrouter_rerank.errors import OpenRouterError

from ._exit_status import ExitStatus
from ._stderr import open_stderr
from ._text import shorten, to_one_line

PROGRAM = "openrouter-rerank"

_LATER = "Try again in a while."
_NEXT_STEPS: dict[int | None, str] = {
    None: "Check the network and OPENROUTER_BASE_URL, or rank on this machine with --local.",
    200: "It may have been billed. Check OPENROUTER_BASE_URL, or choose another --model.",
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

    def __init__(self, message: str, status: int = ExitStatus.FAILURE) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class UsageError(CommandError):
    """
    The command line is wrong, or names a file that cannot be used; the exit status is 2.

    Args:
        message: What is wrong and what to do next.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message, ExitStatus.USAGE)


@contextmanager
def convert_argument_errors(command: str) -> Generator[None]:
    """
    Turn the client's error about an argument into a usage error.

    Args:
        command: The command whose help tells more.

    Raises:
        UsageError: The block raised a `ValueError` or `TypeError`, or httpx refused a URL.
    """
    try:
        yield
    except (TypeError, ValueError, httpx.InvalidURL) as error:
        raise UsageError(f"{str(error).rstrip('.')}. Try '{PROGRAM} {command} --help'.") from error


@contextmanager
def convert_local_errors() -> Generator[None]:
    """
    Turn an error of the embedded server or its model into an error of the command.

    Raises:
        CommandError: The extra `local` or the model is missing or damaged, or the server cannot
            listen on the address.
    """
    try:
        yield
    except typer.Exit:
        # It is a RuntimeError, too.
        raise
    except (ImportError, OSError, RuntimeError) as error:
        raise CommandError(str(error)) from error


def to_command_error(error: OpenRouterError) -> CommandError:
    """Say what the API answered, or why it could not be reached, and what to do next."""
    status = error.status_code
    if status is not None and status >= _FIRST_SERVER_ERROR:
        step = _LATER
    else:
        step = _NEXT_STEPS.get(status, "Check the command line.")
    message = shorten(error.message).rstrip(".") or type(error).__name__
    return CommandError(f"{message}. {step}")


def print_error(message: str) -> None:
    """Print a message on standard error if that is possible, always as one line."""
    open_stderr().write(f"{PROGRAM}: {to_one_line(message)}\n")
