"""The command line: its commands, and how each way to end becomes an exit status."""

from collections.abc import Callable, Sequence
from typing import Annotated, cast

import typer

from openrouter_rerank._version import __version__
from openrouter_rerank.errors import DataFileError, OpenRouterError

from ._commands.batch import batch
from ._commands.demo import demo
from ._commands.eval import evaluate_models
from ._commands.mcp import mcp
from ._commands.rank import rank
from ._commands.serve import serve
from ._errors import PROGRAM, CommandError, print_error, to_command_error
from ._exit_status import ExitStatus
from ._stdout import discard_stdout, require_stdout, write_line

# Typer 0.27 contains a copy of click, and earlier versions depend on click. The class above
# BadParameter stands for every mistake on the command line; it has the same name in both, but no
# path that works for both.
_ClickUsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])

_COMPLETION_OPTIONS = frozenset({"--install-completion", "--show-completion"})
_PRINTING_OPTIONS = frozenset({"--help", "--show-completion"})

app = typer.Typer(
    name=PROGRAM,
    help="Order documents by their relevance to a query, through OpenRouter or on this machine.",
    epilog="Exit status: 0 done, 1 failed, 2 wrong command line, 3 some jobs of a batch or some "
    "calls of an evaluation failed, 130 interrupted.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
# The help lists them in this order.
_COMMANDS: dict[str, Callable[..., object]] = {
    "rank": rank,
    "batch": batch,
    "eval": evaluate_models,
    "serve": serve,
    "mcp": mcp,
    "demo": demo,
}
for name, command in _COMMANDS.items():
    app.command(name)(command)


def run(arguments: Sequence[str]) -> int:
    """
    Run the command; an error becomes one line on standard error.

    Args:
        arguments: What follows the command's name.

    Returns:
        The exit status, see `openrouter_rerank.cli.main`.
    """
    try:
        if not _PRINTING_OPTIONS.isdisjoint(arguments):
            require_stdout()
        status = app(args=list(arguments), prog_name=PROGRAM, standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        return ExitStatus.INTERRUPTED
    except _ClickUsageError as error:
        path = error.ctx.command_path if error.ctx else PROGRAM
        print_error(f"{error.format_message().rstrip('.')}. Try '{path} --help'.")
        return ExitStatus.USAGE
    except OpenRouterError as error:
        failure = to_command_error(error)
        print_error(failure.message)
        return failure.status
    except CommandError as error:
        print_error(error.message)
        return error.status
    except DataFileError as error:
        print_error(str(error))
        return ExitStatus.FAILURE
    except OSError as error:
        # The help goes to standard output by a way that is not ours.
        discard_stdout()
        print_error(f"cannot write the output: {error.strerror}. Send it somewhere else.")
        return ExitStatus.FAILURE
    if status and not _COMPLETION_OPTIONS.isdisjoint(arguments):
        # Typer only says that "Shell None" is not supported.
        print_error("completion is for bash, zsh, fish and PowerShell; run this in one of them.")
    return int(status or 0)


def _show_version(asked: bool) -> None:
    if asked:
        write_line(f"{PROGRAM} {__version__}")
        raise typer.Exit


@app.callback()
def set_options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Take the options that stand before a command's name."""
