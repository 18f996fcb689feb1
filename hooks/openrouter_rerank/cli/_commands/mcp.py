"""The command `mcp`: the tools for assistants, over standard input and output."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import anyio
import typer

from openrouter_rerank import OpenRouter
from openrouter_rerank._call.defaults import DEFAULT_MODEL, LOCAL_PREFIX
from openrouter_rerank.cli._client import open_client
from openrouter_rerank.cli._errors import (
    CommandError,
    UsageError,
    convert_argument_errors,
    convert_local_errors,
    print_error,
)
from openrouter_rerank.cli._exit_status import ExitStatus
from openrouter_rerank.cli._fallbacks import (
    CacheFolder,
    CacheKind,
    FallbackModels,
    FollowFallbacks,
    MinScore,
    read_fallback_options,
)
from openrouter_rerank.cli._model_names import complete_model
from openrouter_rerank.cli._passages import PassageOverlap, PassageTokens, read_passages
from openrouter_rerank.cli._stdout import discard_stdout, require_stdout

if TYPE_CHECKING:
    from mcp.server import MCPServer

LOCAL_MODEL = f"{LOCAL_PREFIX}minilm"
# Hosts give a tool a minute.
DEFAULT_DEADLINE_MS = 30_000
# That of `create_server`, which cannot be imported without the extra.
DEFAULT_MAX_LINES = 1000


def mcp(
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            metavar="FOLDER",
            exists=True,
            file_okay=False,
            help="Offer the lines of the files below it, too; no link leads out of it.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="MODEL",
            autocompletion=complete_model,
            help=f"The model; {DEFAULT_MODEL} by default.",
        ),
    ] = None,
    local: Annotated[
        bool, typer.Option("--local", help="Rank on this machine: no key, no server, no network.")
    ] = False,
    deadline_ms: Annotated[
        float,
        typer.Option(
            "--deadline-ms",
            min=1,
            metavar="MS",
            help="How long one ranking may take; after that the order given is the answer.",
        ),
    ] = DEFAULT_DEADLINE_MS,
    max_lines: Annotated[
        int,
        typer.Option(
            "--max-lines", min=1, metavar="N", help="How many lines one call may rank at most."
        ),
    ] = DEFAULT_MAX_LINES,
    fallback_model: FallbackModels = None,
    follow_fallbacks: FollowFallbacks = False,
    min_score: MinScore = None,
    cache: CacheFolder = None,
    cache_by: CacheKind = "request",
    passages: PassageTokens = None,
    passage_overlap: PassageOverlap = None,
) -> None:
    """
    Serve rerank tools to an assistant by MCP, on standard input and output.

    A host such as Claude Desktop or VS Code starts this command. rerank_documents orders the texts
    that it is given. With --folder, rerank_file_lines finds the lines of files below FOLDER that
    are most relevant to a query. It needs the extra "mcp".

    When reranking fails or takes longer than --deadline-ms, a tool answers with the order given,
    and its field "reranked" is false. A wrong key is an error.

    The key is read from OPENROUTER_API_KEY, the API's URL from OPENROUTER_BASE_URL.

    It ends when the host closes standard input. Messages for people go to standard error.
    """
    require_stdout()
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]
        raise CommandError("standard input is closed. A host of MCP speaks to this command there.")
    if local and model is not None:
        raise UsageError(f"--local ranks with {LOCAL_MODEL}; leave --model out.")
    with ExitStack() as stack:
        with convert_local_errors(), convert_argument_errors("mcp"):
            from openrouter_rerank.mcp import create_server

            options = read_fallback_options(
                fallback_model,
                follow=follow_fallbacks,
                min_score=min_score,
                cache=cache,
                cache_by=cache_by,
            )
            split = read_passages(
                passages, passage_overlap, local=local, fallback_models=fallback_model or ()
            )
            client = stack.enter_context(open_client(local=local, passages=split, **options))
            server = create_server(
                client.with_options(deadline_ms=deadline_ms),
                model=model or (LOCAL_MODEL if local else DEFAULT_MODEL),
                folder=folder,
                max_lines=max_lines,
            )
        if sys.stdin.isatty():
            print_error("a host of MCP is meant to start this; Ctrl-C ends it.")
        _serve(server, client)


def _serve(server: "MCPServer", client: OpenRouter) -> None:
    """
    Serve until standard input ends.

    Raises:
        typer.Exit: Nobody reads standard output any more.
    """

    async def serve() -> None:
        async with client:
            await server.run_stdio_async()

    try:
        anyio.run(serve)
    except BaseExceptionGroup as group:
        if group.split(BrokenPipeError)[1] is not None:
            raise
        discard_stdout()
        raise typer.Exit(ExitStatus.CLOSED_PIPE) from None
