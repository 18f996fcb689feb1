"""The commands and their options."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, cast

import typer

from openrouter_rerank._version import __version__
from openrouter_rerank.errors import OpenRouterError

from ._client import DEFAULT_MODEL
from ._commands.demo import show_demo
from ._commands.rank import request_ranking
from ._commands.serve import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    FaultOptions,
    read_key,
    run_server,
)
from ._documents import gather_documents
from ._errors import PROGRAM, CommandError, complain, explain
from ._exit_status import INTERRUPTED, USAGE
from ._job_file.input.source import Format
from ._job_file.options import DEFAULT_CONCURRENCY, BatchOptions
from ._job_file.run import run_batch
from ._stdout import open_console, write_json, write_line, write_lines
from ._tables import draw_table

# Typer of 0.27 brings a copy of click, earlier ones depend on click: the class above BadParameter,
# which stands for every mistake on the command line, has the same name in both and no common home.
_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])

app = typer.Typer(
    name=PROGRAM,
    help="Order documents by their relevance to a query, through OpenRouter or on this machine.",
    epilog="Exit status: 0 done, 1 failed, 2 wrong command line, 3 some jobs of a batch failed, "
    "130 interrupted.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def run(arguments: Sequence[str]) -> int:
    """
    Run the command; what goes wrong becomes one line on standard error.

    Args:
        arguments: What follows the command's name.

    Returns:
        The exit status, see `openrouter_rerank.cli.main`.
    """
    try:
        status = app(args=list(arguments), prog_name=PROGRAM, standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except _UsageError as error:
        path = error.ctx.command_path if error.ctx else PROGRAM
        complain(f"{error.format_message().rstrip('.')}. Try '{path} --help'.")
        return USAGE
    except OpenRouterError as error:
        failure = explain(error)
        complain(failure.message)
        return failure.status
    except CommandError as error:
        complain(error.message)
        return error.status
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


@app.command()
def rank(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What to compare with.")],
    file: Annotated[
        str | None,
        typer.Argument(metavar="[FILE|-]", help="Documents, one a line; - is standard input."),
    ] = None,
    document: Annotated[
        list[str] | None,
        typer.Option(
            "--document", metavar="TEXT", help="A document; may be repeated. It comes after FILE's."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", metavar="MODEL", help="The model.")
    ] = DEFAULT_MODEL,
    top_n: Annotated[
        int | None,
        typer.Option(
            "--top-n", min=1, metavar="N", help="How many results to show; all by default."
        ),
    ] = None,
    local: Annotated[
        bool, typer.Option("--local", help="Rank on this machine: no key, no server, no network.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the API's response as JSON, in UTF-8.")
    ] = False,
) -> None:
    """
    Order documents by their relevance to QUERY.

    FILE is UTF-8. Blank lines are skipped. If every other line is a JSON string or a JSON object,
    the file is JSON Lines: an object has "text", "image" (a URL) or both. Otherwise each line is a
    document as it stands; but a file in which an object with "text" or "image" stands beside a line
    that is not JSON is refused. Without FILE and --document, standard input is read.

    The key is read from OPENROUTER_API_KEY, the API's URL from OPENROUTER_BASE_URL.

    The table has the rank, the score, the document's position in the input (from 0) and the
    document, cut to the terminal's width (or COLUMNS); in a pipe it is not cut.
    """
    documents = gather_documents(file, document or [])
    response = request_ranking(query, documents, model=model, top_n=top_n, local=local)
    if as_json:
        write_json(response.to_dict())
        return
    console = open_console()
    write_lines(console, draw_table(response.results, console))


@app.command()
def batch(
    file: Annotated[str, typer.Argument(metavar="INPUT", help="The jobs; - is standard input.")],
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="OUTPUT", help="For the results; - is standard output."
        ),
    ],
    errors: Annotated[
        Path | None,
        typer.Option(
            "--errors", metavar="FILE", help="For the failures; else they go to standard error."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an earlier run ended.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Send nothing if one of the jobs is wrong.")
    ] = False,
    kind: Annotated[
        Format | None,
        typer.Option("--format", help="The format of INPUT; by default its name decides."),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", metavar="MODEL", help="For jobs that name none.")
    ] = DEFAULT_MODEL,
    top_n: Annotated[
        int | None,
        typer.Option(
            "--top-n", min=1, metavar="N", help="For jobs that name none; all results by default."
        ),
    ] = None,
    concurrency: Annotated[
        int,
        typer.Option(
            "--concurrency", min=1, metavar="N", help="How many requests are under way at most."
        ),
    ] = DEFAULT_CONCURRENCY,
    rpm: Annotated[
        float | None,
        typer.Option("--rpm", metavar="N", help="How many requests a minute are sent at most."),
    ] = None,
    max_cost: Annotated[
        float | None,
        typer.Option(
            "--max-cost",
            min=0,
            metavar="CREDITS",
            help="Stop once the results in OUTPUT have cost that much.",
        ),
    ] = None,
    local: Annotated[
        bool, typer.Option("--local", help="Rank on this machine: no key, no server, no network.")
    ] = False,
) -> int:
    """
    Rank the documents of many jobs, from a file to a file.

    INPUT is JSON Lines, each line an object with "query" and "documents", and any of "id", "model",
    "top_n", "provider", "session_id", "trace" and "user". Or it is CSV, if its name ends in .csv or
    .csv.gz: a first row with the names query, document and, if wanted, id, and then a row for each
    document; consecutive rows of the same id and query are one job. Either may be compressed with
    gzip.

    OUTPUT gets a line of JSON for each job as soon as it is done, in the order in which they end:
    "position" (the job's number in INPUT, from 0), "id", "digest" (tells whether INPUT is still the
    same) and "result", the API's response. If its name ends in .gz, each line is compressed by
    itself. With --resume, jobs that have a line in OUTPUT are left out, and failed ones are tried
    again; the options may differ, INPUT, --model and --top-n may not.

    FILE gets a line of JSON for each job that failed: "position", "line" (of INPUT, from 1), "id",
    "class", "status", "message" and "attempts". Jobs that have succeeded since are taken out at the
    end of a run. Lines that are no job are told on standard error, too, and left out.

    Requests that fail are sent again, up to 8 times for a job, and the pace follows the server's.
    The first Ctrl-C lets the requests under way come to their end, the second does not.

    Exit status 1 means that the run stopped before its end, 3 that it came to its end but some jobs
    failed.
    """
    return run_batch(
        BatchOptions(
            input=file,
            output=output,
            errors=errors,
            kind=kind,
            model=model,
            top_n=top_n,
            concurrency=concurrency,
            rpm=rpm,
            max_cost=max_cost,
            resume=resume,
            strict=strict,
            local=local,
        )
    )


@app.command()
def serve(
    host: Annotated[
        str, typer.Option("--host", metavar="HOST", help="The address to listen on.")
    ] = DEFAULT_HOST,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="PORT", help="0 takes a free one.")
    ] = DEFAULT_PORT,
    api_key_file: Annotated[
        Path | None,
        typer.Option(
            "--api-key-file", metavar="FILE", help="Holds the key that clients must send."
        ),
    ] = None,
    fail: Annotated[
        str,
        typer.Option(
            "--fail", metavar="NAMES", help="What becomes of one request after the other."
        ),
    ] = "",
    retry_after: Annotated[
        int | None,
        typer.Option(
            "--retry-after",
            min=0,
            max=3600,
            metavar="SECONDS",
            help="Retry-After on 429 and 503; the contract's example by default.",
        ),
    ] = None,
    delay: Annotated[
        str,
        typer.Option("--delay", metavar="TIME", help="Hold back each answer, such as 300ms or 2s."),
    ] = "0s",
    drop: Annotated[
        float,
        typer.Option(
            "--drop",
            min=0,
            max=1,
            metavar="PROBABILITY",
            help="How likely a request is to be reset.",
        ),
    ] = 0.0,
    seed: Annotated[
        int | None,
        typer.Option("--seed", metavar="N", help="Drop the same requests in each run."),
    ] = None,
) -> None:
    """
    Serve the rerank API on this machine, without key or network.

    The key that clients must send is the content of --api-key-file, else the value of
    OPENROUTER_SERVE_API_KEY; with neither, everyone who reaches the address may use it.

    It fails on demand. A request with the header "Prefer: code=429" gets that error, with any
    status from 400 to 599. --fail has all others take one outcome after the other, and the first
    again after the last: --fail 429,503,ok fails two of three requests. The outcomes are

    \b
    400 to 599    that error, an HTML page for 520 to 526
    ok            the normal answer
    error-in-200  status 200 with an error for a body
    html          the HTML page of a 524
    truncated     a reply that ends too early
    reset         a connection that is reset with no reply
    hang          no reply at all, until the client gives up

    --drop resets requests at random before they take an outcome.
    """  # noqa: D301  click wants the character itself, which keeps the lines below it apart
    faults = FaultOptions(fail, retry_after, delay, drop, seed)
    run_server(host, port, read_key(api_key_file), faults)


@app.command()
def demo() -> None:
    """
    Rank a small corpus on this machine and check the answers.

    It exits with 1 if a known answer does not come first.
    """
    show_demo()
