"""A run: from the options to the exit status."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from openrouter_rerank import BackoffStrategy, OpenRouter, RetryConfig
from openrouter_rerank.cli._failures import (
    CommandError,
    complain,
    explain,
    local_failures,
    refused_arguments,
)
from openrouter_rerank.cli._ranking import open_client
from openrouter_rerank.cli._statuses import FAILURE, INTERRUPTED, SOME_FAILED, USAGE
from openrouter_rerank.cli.batch._checks import check_input
from openrouter_rerank.cli.batch._entries import Entry, complete_entry
from openrouter_rerank.cli.batch._failed import FailureFile
from openrouter_rerank.cli.batch._feed import EntryJob, Feed
from openrouter_rerank.cli.batch._files import LineFile, is_compressed, open_lines, open_stdout
from openrouter_rerank.cli.batch._gate import Gate
from openrouter_rerank.cli.batch._interrupts import taking_interrupts
from openrouter_rerank.cli.batch._ledger import Ledger
from openrouter_rerank.cli.batch._progress import (
    Tally,
    open_error_console,
    showing_progress,
)
from openrouter_rerank.cli.batch._recovery import Recovered, recover
from openrouter_rerank.cli.batch._sources import PIPE, Format, Source, open_source
from openrouter_rerank.errors import RunStoppedError

DEFAULT_CONCURRENCY = 8
# More patience than a single call has, before which somebody sits.
MAX_ATTEMPTS = 8
DEADLINE_MS = 600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """
    What the command line says.

    Attributes:
        input: A path, or `-` for standard input.
        output: A path, or `-` for standard output.
        errors: Where failures are written; None says them on standard error.
        kind: What the input is written in; None goes by its name.
        model: For jobs that name none.
        top_n: For jobs that name none; None for all results.
        concurrency: How many requests may be under way at once.
        rpm: How many requests may be sent in a minute; None for no limit.
        max_cost: What the output may cost, in credits, earlier runs included; None for no limit.
        resume: Whether to go on where an earlier run ended.
        strict: Whether a job that is wrong keeps all others from being sent.
        local: Whether to rank on this machine.
    """

    input: str
    output: str
    errors: Path | None
    kind: Format | None
    model: str
    top_n: int | None
    concurrency: int
    rpm: float | None
    max_cost: float | None
    resume: bool
    strict: bool
    local: bool

    @property
    def defaults(self) -> Mapping[str, Any]:
        """The arguments for jobs that lack them."""
        given = {"model": self.model, "top_n": self.top_n}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def can_resume(self) -> bool:
        """Whether another run can go on where this one ends."""
        return PIPE not in {self.input, self.output}


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
