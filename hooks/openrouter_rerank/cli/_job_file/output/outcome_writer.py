"""Writes each outcome: a result to the output, a failure to the failure file."""

import threading

from openrouter_rerank import RerankOutcome
from openrouter_rerank.cli._errors import print_error
from openrouter_rerank.cli._job_file.input.entry import Entry, EntryError
from openrouter_rerank.cli._job_file.progress import RunStats
from openrouter_rerank.errors import OpenRouterError

from .failure_file import FailureFile
from .line_file import LineFile
from .records import encode_failure, encode_result

SHOWN_WARNINGS = 5
SHOWN_MALFORMED = 5


class OutcomeWriter:
    """
    Writes each outcome at once, and counts it; threads may share it.

    Args:
        output: For the results.
        failures: For the failures; None prints them on standard error.
        stats: The counts to keep up to date.
        name: What messages call the input.
    """

    def __init__(
        self, output: LineFile, failures: FailureFile | None, stats: RunStats, name: str
    ) -> None:
        self.stats = stats
        self._output = output
        self._failures = failures
        self._name = name
        self._lock = threading.Lock()
        self._warnings = 0
        self._malformed = 0

    def write_outcome(self, entry: Entry, outcome: RerankOutcome) -> None:
        """
        Write a job's result or failure.

        Raises:
            CommandError: A file cannot be written.
            typer.Exit: Nobody reads the output any more.
        """
        with self._lock:
            if outcome.error is not None:
                self._write_failure(entry, outcome.error, outcome.attempts)
                return
            self.stats.cost += outcome.cost or 0.0
            try:
                line = encode_result(entry, outcome.unwrap())
            except (RecursionError, ValueError) as error:
                failure = OpenRouterError(f"the reply cannot be written as JSON: {error}")
                self._write_failure(entry, failure, outcome.attempts)
                return
            self._output.append(line)
            if self._failures is not None:
                self._failures.record_success(entry.position)
            self.stats.done += 1

    def write_malformed(self, entry: Entry) -> None:
        """
        Write that an entry is malformed; only the first few are printed.

        Raises:
            CommandError: A file cannot be written.
        """
        with self._lock:
            self._write_failure(entry, EntryError(entry.problem), attempts=0)

    def warn(self, line: int, warning: str) -> None:
        """Print a warning about a line of the input; only the first few are printed."""
        with self._lock:
            self._warnings += 1
            if self._warnings > SHOWN_WARNINGS:
                return
            last = " (further warnings are left out)" if self._warnings == SHOWN_WARNINGS else ""
            print_error(f"warning: {self._name}, line {line}: {warning}{last}")

    def report_rest(self, example: str) -> None:
        """
        Print how many malformed entries were not printed, if any.

        Args:
            example: What a job looks like.
        """
        more = self._malformed - SHOWN_MALFORMED
        if more > 0:
            lines = "1 more is no job" if more == 1 else f"{more:,} more are no jobs"
            print_error(f"{self._name}: {lines}. A job is {example}.")

    def _write_failure(self, entry: Entry, error: Exception, attempts: int) -> None:
        self.stats.failed += 1
        is_malformed = attempts == 0 and not isinstance(error, OpenRouterError)
        self._malformed += is_malformed
        is_shown = self._malformed <= SHOWN_MALFORMED if is_malformed else self._failures is None
        if is_shown:
            count = f" ({attempts} attempts)" if attempts > 1 else ""
            print_error(f"{self._name}, line {entry.line}: {error}{count}")
        if self._failures is not None:
            self._failures.append(encode_failure(entry, error, attempts))
