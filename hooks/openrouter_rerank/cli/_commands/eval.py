"""The command `eval`: compares models on queries with judged documents."""

from pathlib import Path
from typing import Annotated

import typer

from openrouter_rerank.cli._evaluation.options import EvaluationOptions
from openrouter_rerank.cli._evaluation.run import run_evaluation
from openrouter_rerank.cli._fallbacks import CacheFolder
from openrouter_rerank.cli._model_names import complete_compared_model


def evaluate_models(
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="[DATA]",
            help="A folder of BEIR, JSON Lines, or CSV; the demo collection by default.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            metavar="MODEL",
            autocompletion=complete_compared_model,
            help="A model to compare; may be repeated.",
        ),
    ] = None,
    depth: Annotated[
        list[int] | None,
        typer.Option(
            "--depth",
            min=1,
            metavar="N",
            help="How many candidates of each query to rerank; may be repeated. 10 and 30 by "
            "default.",
        ),
    ] = None,
    local: Annotated[
        bool,
        typer.Option(
            "--local", help="The models are embedded ones, such as minilm: no key, no network."
        ),
    ] = False,
    queries: Annotated[
        int | None,
        typer.Option("--queries", min=1, metavar="N", help="Use the first N queries only."),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option("--split", metavar="NAME", help="Which file of qrels/; test by default."),
    ] = None,
    qrels: Annotated[
        str | None,
        typer.Option("--qrels", metavar="FILE", help="Judgements in TREC's form, for a folder."),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="FILE", help="Candidates in TREC's form, for a folder."),
    ] = None,
    measure: Annotated[
        list[str] | None,
        typer.Option(
            "--measure",
            metavar="NAME",
            help="nDCG@10, MRR, recall@10, MAP, P@10 or another number; may be repeated. The first "
            "decides.",
        ),
    ] = None,
    k1: Annotated[
        float, typer.Option("--k1", min=0, metavar="NUMBER", help="BM25: how much a repeat counts.")
    ] = 0.9,
    b: Annotated[
        float,
        typer.Option(
            "--b", min=0, max=1, metavar="NUMBER", help="BM25: how much the length counts."
        ),
    ] = 0.4,
    stop_words: Annotated[
        str, typer.Option("--stop-words", metavar="LANGUAGE", help="BM25: such as en, or none.")
    ] = "en",
    stemmer: Annotated[
        str, typer.Option("--stemmer", metavar="LANGUAGE", help="BM25: such as english, or none.")
    ] = "english",
    separator: Annotated[
        str, typer.Option("--separator", metavar="TEXT", help="Between a title and its text.")
    ] = " ",
    read_off: Annotated[
        bool,
        typer.Option(
            "--read-off",
            help="Read smaller depths off the deepest calls: for models that score each document "
            "by itself. Embedded ones always do.",
        ),
    ] = False,
    concurrency: Annotated[
        int,
        typer.Option(
            "--concurrency", min=1, metavar="N", help="How many requests are under way at most."
        ),
    ] = 8,
    rpm: Annotated[
        float | None,
        typer.Option("--rpm", metavar="N", help="How many requests a minute are sent at most."),
    ] = None,
    max_cost: Annotated[
        float | None,
        typer.Option(
            "--max-cost",
            metavar="CREDITS",
            help="Stop once that much is paid; requests under way finish, so it can be more.",
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask whether the estimated cost is all right.")
    ] = False,
    resume: Annotated[
        Path | None,
        typer.Option(
            "--resume",
            metavar="FOLDER",
            help="Keep what calls gave in FOLDER, and go on where an earlier run ended.",
        ),
    ] = None,
    cache: CacheFolder = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="Also write the evaluation to FILE as a web page with charts.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the evaluation as JSON, in UTF-8.")
    ] = False,
) -> int:
    """
    Compare models on queries with judged documents: quality, cost and latency at each depth.

    DATA is a folder with corpus.jsonl, queries.jsonl and qrels/*.tsv, as those of BEIR; or JSON
    Lines with "query", "documents" and "relevant", which is a list of positions from 0 on or of
    ids, or an object with grades; or, if its name ends in .csv, rows with query, document and
    relevant. Each file may be compressed with gzip. What is wrong with single queries or judgements
    is told and counted. Without DATA and without --model, the embedded model reranks the demo
    collection: no key, no network.

    Candidates come from the file or from --run, else from BM25. "no reranker" is their own order,
    with which each model is compared. Measures are those of trec_eval, intervals are of 95 %, and p
    is that of a paired randomisation test, corrected by Holm's method for the number of systems.
    The last lines say which model to take and how deep, or not to rerank.

    One call of each model at each depth tells its price. Then, on a terminal, the command asks
    whether the estimated cost is all right. Calls that fail keep the order of their candidates.

    With --resume, a run that was killed goes on without paying for a call twice.

    The key is read from OPENROUTER_API_KEY, the API's URL from OPENROUTER_BASE_URL.

    Exit status 3 means that some calls failed.
    """
    return run_evaluation(
        EvaluationOptions(
            data=data,
            models=model or [],
            depths=depth or [],
            local=local or (data is None and not model),
            queries=queries,
            split=split,
            qrels=qrels,
            run=run,
            measures=measure or [],
            k1=k1,
            b=b,
            stop_words=stop_words,
            stemmer=stemmer,
            separator=separator,
            read_off=read_off,
            concurrency=concurrency,
            rpm=rpm,
            max_cost=max_cost,
            yes=yes,
            resume=resume,
            cache=cache,
            report=report,
            as_json=as_json,
        )
    )
