"""An evaluation: from the options to the exit status."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from openrouter_rerank import BackoffStrategy, RetryConfig
from openrouter_rerank.cli._client import open_client
from openrouter_rerank.cli._errors import (
    CommandError,
    UsageError,
    convert_argument_errors,
    convert_local_errors,
    print_error,
    to_command_error,
)
from openrouter_rerank.cli._exit_status import ExitStatus
from openrouter_rerank.cli._fallbacks import open_cache
from openrouter_rerank.cli._job_file.progress import open_error_console
from openrouter_rerank.cli._job_file.run import DEADLINE_MS, MAX_ATTEMPTS
from openrouter_rerank.cli._stdout import open_console, require_stdout, write_json, write_lines
from openrouter_rerank.errors import RunStoppedError

from .options import NONE, EvaluationOptions
from .table import describe_estimate, describe_problem, draw_evaluation

if TYPE_CHECKING:
    from openrouter_rerank.evaluation import CostEstimate, Evaluation, EvaluationProgress

Show: TypeAlias = "Callable[[EvaluationProgress], None]"


def run_evaluation(options: EvaluationOptions) -> int:
    """
    Evaluate, and print what came of it.

    Returns:
        The exit status: 0 all done, 3 some calls failed.

    Raises:
        CommandError: The evaluation stopped before its end, or a package or a file is missing.
        UsageError: The options or the data cannot be used; nothing was sent.
        typer.Exit: Nobody reads the output any more.
    """
    require_stdout()
    with convert_local_errors(), convert_argument_errors("eval"):
        if options.report is not None:
            _check_report(options.report)
        evaluation = _evaluate(options)
    for note in evaluation.notes:
        print_error(note)
    if options.as_json:
        write_json(evaluation.to_dict())
    else:
        console = open_console()
        write_lines(console, draw_evaluation(evaluation))
    if options.report is not None:
        _write_report(evaluation, options.report)
    return ExitStatus.SOME_FAILED if any(at.failures for at in evaluation.systems) else 0


def _evaluate(options: EvaluationOptions) -> "Evaluation":
    # Here, since numpy is slow to import and need not be installed for the other commands.
    from openrouter_rerank.evaluation import (
        BM25,
        EvaluationStoppedError,
        demo_folder,
        evaluate,
        read_dataset,
    )
    from openrouter_rerank.evaluation._evaluate import DEFAULT_DEPTHS
    from openrouter_rerank.evaluation._measures import DEFAULT_MEASURES

    dataset = read_dataset(
        demo_folder() if options.data is None else options.data,
        split=options.split,
        qrels=options.qrels,
        run=options.run,
        separator=options.separator,
    )
    for problem in dataset.problems:
        print_error(describe_problem(problem))
    first_stage = BM25(
        k1=options.k1,
        b=options.b,
        stop_words=None if options.stop_words == NONE else options.stop_words,
        stemmer=None if options.stemmer == NONE else options.stemmer,
    )
    retries = RetryConfig("backoff", BackoffStrategy(), max_attempts=MAX_ATTEMPTS)
    opened = (
        open_client(
            local=False,
            retry_config=retries,
            deadline_ms=DEADLINE_MS,
            concurrency=options.concurrency,
            cache=None if options.cache is None else open_cache(options.cache, "request"),
        )
        if options.needs_api
        else nullcontext()
    )
    try:
        with opened as client, _show_progress() as (show, pause):
            return evaluate(
                client,
                dataset if options.queries is None else dataset.take(options.queries),
                models=options.model_names,
                depths=options.depths or DEFAULT_DEPTHS,
                measures=options.measures or DEFAULT_MEASURES,
                first_stage=first_stage,
                read_off=options.read_off,
                folder=options.resume,
                max_concurrency=options.concurrency,
                requests_per_minute=options.rpm,
                max_cost=options.max_cost,
                confirm=lambda estimate: _confirm(estimate, options, pause),
                on_progress=show,
            )
    except EvaluationStoppedError as error:
        raise CommandError(
            f"stopped, having paid {error.estimate.spent:.6g} credits.{_hint(options)}"
        ) from error
    except RunStoppedError as error:
        raise CommandError(f"stopped: {_explain_stop(error, options)}{_hint(options)}") from error


def _check_report(path: Path) -> None:
    from openrouter_rerank.evaluation._report import check_report

    try:
        check_report(path)
    except OSError as error:
        raise UsageError(f"--report: cannot write {path}: {error.strerror}.") from error


def _write_report(evaluation: "Evaluation", path: Path) -> None:
    from openrouter_rerank.evaluation import write_report

    try:
        write_report(evaluation, path)
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}.") from error


def _confirm(
    estimate: "CostEstimate", options: EvaluationOptions, pause: Callable[[], None]
) -> bool:
    """Show the estimate, and on a terminal ask whether to go on."""
    pause()
    print_error(describe_estimate(estimate, options.max_cost))
    # The interpreter sets None when a descriptor is closed.
    can_ask = sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()  # pyright: ignore[reportUnnecessaryComparison]
    if options.yes or not can_ask:
        return True
    try:
        return typer.confirm("Go on?", err=True)
    except typer.Abort:
        return False


def _explain_stop(error: RunStoppedError, options: EvaluationOptions) -> str:
    if error.reason == "max_cost":
        return f"the cost has reached --max-cost {options.max_cost:g}. Raise it."
    if error.reason == "unknown_cost":
        return (
            "a reply does not tell what it cost, so that --max-cost cannot count it. Leave out "
            "--max-cost, or the model."
        )
    return to_command_error(error).message


def _hint(options: EvaluationOptions) -> str:
    if options.resume is None:
        return " With --resume FOLDER, what was paid for would be kept."
    return " What was paid for is kept: run it again to go on."


@contextmanager
def _show_progress() -> (
    "Generator[tuple[Callable[[EvaluationProgress], None], Callable[[], None]]]"
):
    """Give what shows how far the evaluation is, and what makes room for a question."""
    console = open_error_console()
    progress = Progress(
        BarColumn(bar_width=None),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} calls"),
        TextColumn("{task.fields[failed]:,} failed, {task.fields[cost]:.6g} credits"),
        TimeRemainingColumn(),
        console=console,
        expand=True,
        transient=True,
        disable=not console.is_terminal,
    )
    bar = progress.add_task("", total=1, failed=0, cost=0.0)

    def show(at: "EvaluationProgress") -> None:
        progress.start()
        progress.update(bar, completed=at.done, total=at.total, failed=at.failed, cost=at.cost)

    def stop() -> None:
        # rich 13 ends even what was never shown with an empty line.
        if not progress.disable:
            progress.stop()

    try:
        yield show, stop
    finally:
        stop()
