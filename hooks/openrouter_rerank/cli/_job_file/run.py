"""A run: from the options to the exit status."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import cast

from openrouter_rerank import BackoffStrategy, OpenRouter, RetryConfig
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
from openrouter_rerank.cli._fallbacks import read_fallback_options
from openrouter_rerank.cli._passages import read_passages
from openrouter_rerank.cli._text import shorten
from openrouter_rerank.errors import RunStoppedError

from .input.entry import Entry, complete_entry
from .input.source import STANDARD_STREAM, Source, open_source
from .input_check import check_input
from .interrupts import RunInterruptedError, StopFlag, catch_interrupts
from .options import RunOptions
from .output.failure_file import FailureFile
from .output.line_file import (
    LineFile,
    is_compressed,
    open_line_file,
    open_stdout,
)
from .output.outcome_writer import OutcomeWriter
from .output.record_reader import read_records
from .pending_jobs import EntryJob, PendingJobs
from .progress import RunStats, open_error_console, show_progress
from .resume import FinishedJobs, read_finished_jobs

# More patience than a single call has, where somebody waits for the reply.
MAX_ATTEMPTS = 8
DEADLINE_MS = 600_000


def run_job_file(options: RunOptions) -> int:
    """
    Work through the jobs of the input.

    Returns:
        The exit status: 0 all done, 1 stopped by 401, 402 or the cost, 3 some failed, 128 and the
        number of a signal, so that it is 130 for Ctrl-C.

    Raises:
        CommandError: The run stopped, the input holds no jobs, or a file cannot be read or written.
        UsageError: The options, the input or the files cannot be used; nothing was sent.
        typer.Exit: Nobody reads the output any more.
    """
    _check_options(options)
    with ExitStack() as stack:
        stop = stack.enter_context(catch_interrupts())
        rewindable = options.strict or options.resume
        source = stack.enter_context(
            open_source(options.input, options.input_format, stop, rewindable=rewindable)
        )
        output = stack.enter_context(_open_output(options))
        path = Path(options.output)
        finished = FinishedJobs()
        if options.resume:
            finished = read_finished_jobs(path, compressed=is_compressed(path))
        check_input(_read_entries(source, options), source.name, finished, strict=options.strict)
        stop.has_begun = True
        if options.resume:
            _cut_off_torn_part(output, path, finished)
        failures = None
        if options.errors is not None:
            failures = stack.enter_context(
                FailureFile(options.errors, resume=options.resume, done=finished.digests)
            )
        stats = RunStats(before=len(finished.digests))
        return _send_pending(
            source, options, finished, OutcomeWriter(output, failures, stats, source.name), stop
        )


def _check_options(options: RunOptions) -> None:
    if options.resume and not options.can_resume:
        raise UsageError("--resume needs files: neither INPUT nor OUTPUT may be -.")
    if options.errors == Path(STANDARD_STREAM):
        raise UsageError("--errors needs a file. Without it, failures go to standard error.")


def _open_output(options: RunOptions) -> LineFile:
    if options.output == STANDARD_STREAM:
        return open_stdout()
    return open_line_file(Path(options.output), resume=options.resume)


def _cut_off_torn_part(output: LineFile, path: Path, finished: FinishedJobs) -> None:
    if finished.is_scattered:
        # What was paid for is copied first, and then takes the file's place.
        output.replace(line for _, line, _ in read_records(path, compressed=is_compressed(path)))
    else:
        output.truncate(finished.size)


def _read_entries(source: Source, options: RunOptions) -> Iterator[Entry]:
    return map(partial(complete_entry, defaults=options.defaults), source.read())


def _send_pending(
    source: Source,
    options: RunOptions,
    finished: FinishedJobs,
    writer: OutcomeWriter,
    stop: StopFlag,
) -> int:
    console = open_error_console()
    total = source.count() if console.is_terminal and source.can_rewind else None
    retries = RetryConfig("backoff", BackoffStrategy(), max_attempts=MAX_ATTEMPTS)
    with convert_local_errors(), convert_argument_errors("batch"):
        opened = open_client(
            local=options.local,
            retry_config=retries,
            deadline_ms=DEADLINE_MS,
            concurrency=options.concurrency,
            passages=read_passages(
                options.passages,
                options.passage_overlap,
                local=options.local,
                fallback_models=options.fallback_models,
            ),
            **read_fallback_options(
                options.fallback_models,
                follow=options.follow_fallbacks,
                min_score=options.min_score,
                cache=options.cache,
                cache_by=options.cache_by,
            ),
        )
    reason, status = None, int(ExitStatus.FAILURE)
    with opened as client:
        pending = PendingJobs(
            _read_entries(source, options), finished, writer, stop, options.max_cost
        )
        with show_progress(console, writer.stats, total) as show:
            try:
                _run_jobs(client, options, pending, show)
            except RunStoppedError as error:
                if error.reason == "stopped":
                    reason, status = "interrupted.", stop.exit_status
                else:
                    reason = f"stopped: {_explain_stop(error, options)}"
            except RunInterruptedError:
                reason, status = "interrupted.", stop.exit_status
    if reason is None and writer.stats.is_empty:
        raise CommandError(f"{source.name} holds no jobs. A job is {source.example}.")
    writer.report_rest(source.example)
    print_error(writer.stats.describe())
    hint = " Run it again with --resume to go on." if options.can_resume else ""
    if reason is not None:
        raise CommandError(f"{reason}{hint}", status)
    return ExitStatus.SOME_FAILED if writer.stats.failed else 0


def _run_jobs(
    client: OpenRouter, options: RunOptions, pending: PendingJobs, show: Callable[[], None]
) -> None:
    left = None if options.max_cost is None else max(options.max_cost - pending.finished.cost, 0.0)
    # What a request needs, such as the key, is read when the first one is sent.
    with convert_local_errors(), convert_argument_errors("batch"):
        outcomes = client.rerank.rerank_many(
            pending,
            max_concurrency=options.concurrency,
            ordered=False,
            requests_per_minute=options.rpm,
            max_cost=left or None,
            # A kill loses no more replies than this, and their jobs are paid for again.
            max_unread=options.concurrency,
        )
        with closing(outcomes):
            pending.stop.call_when_set(outcomes.stop)
            for outcome in outcomes:
                pending.writer.write_outcome(cast("EntryJob", outcome.job).entry, outcome)
                show()


def _explain_stop(error: RunStoppedError, options: RunOptions) -> str:
    if error.reason == "unknown_cost" and error.cause is not None:
        reason = shorten(error.cause.message).rstrip(".")
        return (
            f"{reason}. It may have been billed, which --max-cost cannot count, and would be sent "
            "again. Leave out --max-cost, take the job out of INPUT, or choose another --model."
        )
    if error.cause is not None:
        return to_command_error(error.cause).message
    if error.reason == "max_cost":
        return f"the cost has reached --max-cost {options.max_cost:g}. Raise it."
    return (
        "a reply does not tell what it cost, so that --max-cost cannot count it. "
        "Its result is kept. Leave out --max-cost."
    )
