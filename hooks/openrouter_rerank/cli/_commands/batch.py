"""The command `batch`: the jobs of a file, from a file to a file."""

from pathlib import Path
from typing import Annotated

import typer

from openrouter_rerank._call.defaults import DEFAULT_MODEL
from openrouter_rerank.cli._fallbacks import (
    CacheFolder,
    CacheKind,
    FallbackModels,
    FollowFallbacks,
    MinScore,
)
from openrouter_rerank.cli._job_file.input.source import InputFormat
from openrouter_rerank.cli._job_file.options import DEFAULT_CONCURRENCY, RunOptions
from openrouter_rerank.cli._job_file.run import run_job_file
from openrouter_rerank.cli._model_names import complete_model
from openrouter_rerank.cli._passages import PassageOverlap, PassageTokens


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
    input_format: Annotated[
        InputFormat | None,
        typer.Option("--format", help="The format of INPUT; by default its name decides."),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            metavar="MODEL",
            autocompletion=complete_model,
            help="For jobs that name none.",
        ),
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
            help="Stop once the results in OUTPUT have cost that much; requests under way finish, "
            "so it can be more.",
        ),
    ] = None,
    fallback_model: FallbackModels = None,
    follow_fallbacks: FollowFallbacks = False,
    min_score: MinScore = None,
    cache: CacheFolder = None,
    cache_by: CacheKind = "request",
    passages: PassageTokens = None,
    passage_overlap: PassageOverlap = None,
    local: Annotated[
        bool, typer.Option("--local", help="Rank on this machine: no key, no server, no network.")
    ] = False,
) -> int:
    """
    Rank the documents of many jobs, from a file to a file.

    INPUT is JSON Lines, each line an object with "query" and "documents", and any of "id", "model"
    and the optional fields of the request, such as "top_n" and "provider". "extra_body" holds
    fields that this release does not know, and with "unrankable": "set_aside" blank documents are
    left out instead of failing the job. Or it is CSV, if its
    name ends in .csv or .csv.gz: a first row with the names query, document and, if wanted, id, and
    then a row for each document; consecutive rows of the same id and query are one job. Rows that
    come apart from others of their id are another job, which a warning tells. Either may be
    compressed with gzip. A line may have 64 MiB at most; a longer one ends the run.

    OUTPUT gets a line of JSON for each job as soon as it is done, in the order in which they end:
    "position" (the job's number in INPUT, from 0), "id", "digest" (tells whether INPUT is still the
    same) and "result", the API's response. If its name ends in .gz, each line is compressed by
    itself. With --resume, jobs that have a line in OUTPUT are left out, and failed ones are tried
    again; the options may differ, INPUT, --model and --top-n may not. Every whole line of an OUTPUT
    that was torn is kept. OUTPUT gets to the disk once a second and at the end, so a loss of power
    costs about a second of work. It is locked against a second run, but some network file systems
    have no locks.

    FILE gets a line of JSON for each job that failed: "position", "line" (of INPUT, from 1), "id",
    "class", "status", "message" and "attempts". Jobs that have succeeded since are taken out at the
    end of a run. Lines that are no job are left out; the first five are told on standard error,
    too, and how many more there are.

    A job that fails is in no order: it has no line in OUTPUT, so that --resume sends it again.
    --fallback-model, --min-score and --passages are for all jobs; "result" names the model that
    answered, and the best passage of each document. The model on this machine counts the tokens of
    passages if it may rank; else every 4 bytes are one.

    With --cache, a job whose answer is in FOLDER is not sent, and its "result" costs 0.

    Requests that fail are sent again, up to 8 times for a job, and the pace follows the server's.
    The first Ctrl-C, SIGTERM or SIGHUP lets the requests under way come to their end, and sends
    nothing more; the second ends at once. The exit status is then 130, 143 or 129.

    Exit status 1 means that the run stopped before its end, or that INPUT holds no jobs, 3 that it
    came to its end but some jobs failed.
    """
    return run_job_file(
        RunOptions(
            input=file,
            output=output,
            errors=errors,
            input_format=input_format,
            model=model,
            top_n=top_n,
            concurrency=concurrency,
            rpm=rpm,
            max_cost=max_cost,
            resume=resume,
            strict=strict,
            local=local,
            fallback_models=fallback_model or [],
            follow_fallbacks=follow_fallbacks,
            min_score=min_score,
            cache=cache,
            cache_by=cache_by,
            passages=passages,
            passage_overlap=passage_overlap,
        )
    )
