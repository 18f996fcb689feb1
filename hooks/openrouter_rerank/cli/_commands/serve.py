"""The command `serve`: the embedded server."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from openrouter_rerank.cli._errors import (
    convert_argument_errors,
    convert_local_errors,
)
from openrouter_rerank.cli._local_model import DEFAULT_MODEL, ModelOptions, open_ranker
from openrouter_rerank.cli._model_names import complete_embedded_model
from openrouter_rerank.cli._serving.access import read_allowed_hosts, read_key, warn_of_access
from openrouter_rerank.cli._serving.upstream import open_upstream

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8787


@dataclass(frozen=True, slots=True)
class FaultOptions:
    """
    The options about faults, see `openrouter_rerank.local.Faults`.

    Attributes:
        fail: Names of outcomes, separated by commas.
        retry_after: In seconds; None is the contract's example.
        delay: A time with its unit, `ms` or `s`.
        drop: How likely a reset is, from 0 to 1.
        seed: Makes the drops the same in each run; None draws them each time.
    """

    fail: str = ""
    retry_after: int | None = None
    delay: str = "0s"
    drop: float = 0.0
    seed: int | None = None


NO_FAULTS = FaultOptions()


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
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host",
            metavar="NAME",
            help="A further name to answer for, such as a container's; may be repeated.",
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            metavar="NAME",
            autocompletion=complete_embedded_model,
            help="The model that ranks: minilm, bge-small, cross-encoder, or a folder.",
        ),
    ] = DEFAULT_MODEL.name,
    model_kind: Annotated[
        str | None,
        typer.Option(
            "--model-kind",
            metavar="KIND",
            help="What the model in a folder does: embedding or cross-encoder.",
        ),
    ] = None,
    pooling: Annotated[
        str | None,
        typer.Option(
            "--pooling",
            metavar="NAME",
            help="How it makes one vector of a text: cls, lasttoken, max or mean.",
        ),
    ] = None,
    query_prefix: Annotated[
        str | None,
        typer.Option("--query-prefix", metavar="TEXT", help="What it wants before the query."),
    ] = None,
    embedding_cache: Annotated[
        float | None,
        typer.Option(
            "--embedding-cache",
            min=0,
            metavar="MB",
            help="Memory for the vectors of texts that may come again; 256 by default, 0 for none.",
        ),
    ] = None,
    upstream: Annotated[
        bool,
        typer.Option(
            "--upstream", help="Have OpenRouter rank for its models, with the key of this process."
        ),
    ] = False,
    max_cost: Annotated[
        float | None,
        typer.Option(
            "--max-cost",
            min=0,
            metavar="CREDITS",
            help="Ask OpenRouter no more once that much is spent; the last request may exceed it.",
        ),
    ] = None,
    fail: Annotated[
        str,
        typer.Option("--fail", metavar="NAMES", help="What becomes of each request, in turn."),
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

    At http://127.0.0.1:8787/ there is a page to try rankings by hand: documents from a file or
    pasted, two models beside each other, and each call to copy. No page of another site gets an
    answer.

    The key that clients must send is the content of --api-key-file, else the value of
    OPENROUTER_SERVE_API_KEY; with neither, everyone who reaches the address may use it.

    It answers only for its own names, so that no web page reaches it by a name of its own: those of
    this machine, HOST, the address that a request came in on, and those of --allow-host, else of
    OPENROUTER_SERVE_ALLOW_HOST, separated by commas. A request for any other name gets a 421.

    It is meant for one developer or machine: 256 connections, bodies of 16 MiB. If HTTP_PROXY
    is set where the clients run, set NO_PROXY=localhost,127.0.0.1,::1 there, too.

    A request that names local/minilm, local/bge-small or local/cross-encoder is ranked by that one,
    any other by the one of --model. bge-small and cross-encoder need the extra "models". A folder
    holds model.onnx and tokenizer.json of any embedding model or cross-encoder, and its
    configuration, which says what the options about the model do not.

    With --upstream, OpenRouter ranks for any other model than local/NAME, with the key of
    OPENROUTER_API_KEY, which no client gets to see, at the API of OPENROUTER_BASE_URL. HOST must be
    an address of this machine alone then, unless clients must send a key. With --max-cost it is
    asked for one request at a time, and not at all after a reply that does not say what it cost.

    It fails on demand. A request with the header "Prefer: code=429" gets that error, with any
    status from 400 to 599. --fail has all others take the outcomes in turn, and the first again
    after the last: --fail 429,503,ok fails two of three requests. The outcomes are

    \b
    400 to 599    that error, an HTML page for 520 to 526
    ok            the normal answer
    error-in-200  status 200 with an error for a body
    html          the HTML page of a 524
    truncated     a reply that ends too early
    reset         a connection that is reset with no reply
    hang          no reply at all, until the client gives up

    --drop resets requests at random before they take an outcome.
    """  # noqa: D301  click wants the character itself, to keep the lines below it apart
    run_server(
        host,
        port,
        read_key(api_key_file),
        FaultOptions(fail, retry_after, delay, drop, seed),
        read_allowed_hosts(allow_host or []),
        ModelOptions(model, model_kind, pooling, query_prefix, embedding_cache),
        upstream=upstream,
        max_cost=max_cost,
    )


def run_server(
    host: str,
    port: int,
    api_key: str | None,
    faults: FaultOptions = NO_FAULTS,
    allowed_hosts: Sequence[str] = (),
    model: ModelOptions = DEFAULT_MODEL,
    *,
    upstream: bool = False,
    max_cost: float | None = None,
) -> None:
    """
    Serve until a signal ends it, and warn if others can reach it without a key.

    Args:
        host: The address or name to listen on.
        port: The port; 0 takes a free one.
        api_key: The key that clients must send; None for none.
        faults: Which requests are to fail, and how.
        allowed_hosts: Further names to answer for.
        model: What ranks.
        upstream: Whether OpenRouter ranks for its models.
        max_cost: Credits after which it is asked no more; None for no limit.

    Raises:
        CommandError: The server cannot listen on the address, an extra is missing, the model
            cannot be loaded, or there is no key for OpenRouter.
        UsageError: The host is empty, there is no such fault or model, or everyone who reaches the
            host could spend credits.
    """
    with (
        convert_local_errors(),
        convert_argument_errors("serve"),
        open_upstream(port, wanted=upstream) as client,
    ):
        from openrouter_rerank.local import Faults, serve
        from openrouter_rerank.local._faults.config import parse_delay

        if not upstream:
            warn_of_access(host, api_key)
        serve(
            host=host,
            port=port,
            api_key=api_key,
            ranker=open_ranker(model),
            allowed_hosts=allowed_hosts,
            faults=Faults(
                faults.fail,
                retry_after=faults.retry_after,
                delay=parse_delay(faults.delay),
                drop=faults.drop,
                seed=faults.seed,
            ),
            upstream=client,
            max_cost=max_cost,
        )
