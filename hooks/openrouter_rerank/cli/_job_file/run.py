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
    complain,
    explain,
    local_failures,
    refused_arguments,
)
from openrouter_rerank.cli._exit_status import FAILURE, INTERRUPTED, SOME_FAILED, USAGE
from openrouter_rerank.errors import RunStoppedError

from .input.entry import Entry, complete_entry
from .input.source import PIPE, Source, open_source
from .input_check import check_input
from .interrupts import taking_interrupts
from .options import BatchOptions
from .output.failure_file import FailureFile
from .output.line_file import (
    LineFile,
    is_compressed,
    open_lines,
    open_stdout,
)
from .output.outcome_writer import Ledger
from .pending_jobs import EntryJob, Feed
from .progress import Tally, open_error_console, showing_progress
from .resume import Recovered, recover
from .unwritten_limiter import Gate

# More patience than a single call has, before which somebody sits.
MAX_ATTEMPTS = 8
DEADLINE_MS = 600_000


def run_batch(options: BatchOptions) -> int:
    """
    Work off the jobs of the input.

    Returns:
        The exit status: 0 all done, 1 stopped by 401, 402 or the cost, 3 some failed, 130 Ctrl-C.

    Raises:
        CommandError: The options, the input or the files cannot be used (status 2 before anything
            was sent), or a file cannot be written.
        typer.Exit: Nobody reads the output any more.
    """
    _check_options(options)
    with ExitStack() as stack:
        rewindable = options.strict or options.resume
        source = stack.enter_context(
            open_source(options.input, options.kind, rewindable=rewindable)
        )
        output = stack.enter_context(_open_output(options))
        path = Path(options.output)
        done = Recovered()
        if options.resume:
            done = recover(path, compressed=is_compressed(path))
        check_input(_read(source, options), source.name, done, strict=options.strict)
        if options.resume:
            output.cut(done.size)
        failures = None
        if options.errors is not None:
            failures = stack.enter_context(
                FailureFile(options.errors, resume=options.resume, done=done.digests)
            )
        tally = Tally(before=len(done.digests))
        return _work(source, options, done, Ledger(output, failures, tally, source.name))


def _check_options(options: BatchOptions) -> None:
    if options.resume and not options.can_resume:
        raise CommandError("--resume needs files: neither INPUT nor OUTPUT may be -.", USAGE)
    if options.errors == Path(PIPE):
        raise CommandError(
            "--errors needs a file. Without it, failures go to standard error.", USAGE
        )


def _open_output(options: BatchOptions) -> LineFile:
    if options.output == PIPE:
        return open_stdout()
    return open_lines(Path(options.output), resume=options.resume)


def _read(source: Source, options: BatchOptions) -> Iterator[Entry]:
    return map(partial(complete_entry, defaults=options.defaults), source.read())


def _work(source: Source, options: BatchOptions, done: Recovered, ledger: Ledger) -> int:
    console = open_error_console()
    total = source.count() if console.is_terminal and source.can_rewind else None
    retries = RetryConfig("backoff", BackoffStrategy(), max_attempts=MAX_ATTEMPTS)
    with local_failures(), refused_arguments("batch"):
        opened = open_client(local=options.local, retry_config=retries, deadline_ms=DEADLINE_MS)
    reason = None
    with opened as client, taking_interrupts(console.show_cursor) as stop:
        feed = Feed(_read(source, options), done, ledger, stop, options.max_cost)
        with showing_progress(console, ledger.tally, total) as show:
            try:
                _run_jobs(client, options, feed, show)
            except RunStoppedError as error:
                reason = _explain_stop(error, options)
    complain(ledger.tally.describe())
    way_on = " Run it again with --resume to go on." if options.can_resume else ""
    if reason is not None:
        raise CommandError(f"stopped: {reason}{way_on}", FAILURE)
    if not feed.is_over:
        raise CommandError(f"interrupted.{way_on}", INTERRUPTED)
    return SOME_FAILED if ledger.tally.failed else 0


def _run_jobs(
    client: OpenRouter, options: BatchOptions, feed: Feed, show: Callable[[], None]
) -> None:
    left = None if options.max_cost is None else max(options.max_cost - feed.done.cost, 0.0)
    gate = Gate(options.concurrency)
    gate.guard(client.hooks)
    with refused_arguments("batch"):
        outcomes = client.rerank.rerank_many(
            feed.take(),
            max_concurrency=options.concurrency,
            ordered=False,
            requests_per_minute=options.rpm,
            max_cost=left or None,
        )
    with closing(outcomes), closing(gate):
        for outcome in outcomes:
            feed.ledger.record(cast("EntryJob", outcome.job).entry, outcome)
            if outcome.error is None:
                gate.leave()
            show()


def _explain_stop(error: RunStoppedError, options: BatchOptions) -> str:
    if error.cause is not None:
        return explain(error.cause).message
    if error.reason == "max_cost":
        return f"the cost has reached --max-cost {options.max_cost:g}. Raise it."
    return f"{error.message.rstrip('.')}. Leave out --max-cost."
