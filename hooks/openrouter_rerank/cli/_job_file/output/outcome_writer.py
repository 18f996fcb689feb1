"""Where each outcome goes: to the output, or to the failures."""

import threading

from openrouter_rerank import RerankOutcome
from openrouter_rerank.cli._errors import complain
from openrouter_rerank.cli._job_file.input.entry import Entry, EntryError
from openrouter_rerank.cli._job_file.progress import Tally
from openrouter_rerank.errors import OpenRouterError

from .failure_file import FailureFile
from .line_file import LineFile
from .records import encode_failure, encode_result


class Ledger:
    """
    Writes down at once what becomes of each job, and counts; threads may share it.

    Args:
        output: For the results.
        failures: For the failures; None says them on standard error.
        tally: What is counted, kept up to date.
        name: What messages call the input.
    """

    def __init__(
        self, output: LineFile, failures: FailureFile | None, tally: Tally, name: str
    ) -> None:
        self.tally = tally
        self._output = output
        self._failures = failures
        self._name = name
        self._lock = threading.Lock()

    def record(self, entry: Entry, outcome: RerankOutcome) -> None:
        """
        Write down the end of a job.

        Raises:
            CommandError: A file cannot be written.
            typer.Exit: Nobody reads the output any more.
        """
        with self._lock:
            if outcome.error is not None:
                self._fail(entry, outcome.error, outcome.attempts)
                return
            self._output.append(encode_result(entry, outcome.unwrap()))
            if self._failures is not None:
                self._failures.settle(entry.position)
            self.tally.done += 1
            self.tally.cost += outcome.cost or 0.0

    def refuse(self, entry: Entry) -> None:
        """
        Write down that a job cannot be read.

        Raises:
            CommandError: A file cannot be written.
        """
        with self._lock:
            self._fail(entry, EntryError(entry.problem), attempts=0)

    def _fail(self, entry: Entry, error: Exception, attempts: int) -> None:
        self.tally.failed += 1
        is_malformed = attempts == 0 and not isinstance(error, OpenRouterError)
        if self._failures is None or is_malformed:
            count = f" ({attempts} attempts)" if attempts > 1 else ""
            complain(f"{self._name}, line {entry.line}: {error}{count}")
        if self._failures is not None:
            self._failures.append(encode_failure(entry, error, attempts))
