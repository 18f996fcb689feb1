"""The jobs that a run has to send."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from attrs import frozen

from openrouter_rerank import RerankJob
from openrouter_rerank.errors import RunStoppedError

from .input.entry import Entry
from .interrupts import StopFlag
from .output.outcome_writer import OutcomeWriter
from .resume import FinishedJobs


@frozen(kw_only=True, repr=False)
class EntryJob(RerankJob):
    """
    A job with the entry of the input that it was made from.

    Attributes:
        entry: The entry.
    """

    entry: Entry


@dataclass(slots=True)
class PendingJobs:
    """
    The jobs of the input that are to be sent, to be iterated over once.

    Attributes:
        entries: The input's, complete ones.
        finished: What earlier runs have done; it is skipped.
        writer: Writes down the entries that are malformed.
        stop: Whether the user wants to end.
        max_cost: What all runs together may cost, in credits; None for no limit.
    """

    entries: Iterable[Entry]
    finished: FinishedJobs
    writer: OutcomeWriter
    stop: StopFlag
    max_cost: float | None

    def __iter__(self) -> Iterator[EntryJob]:
        """
        Give the jobs in turn.

        Raises:
            CommandError: The input cannot be read, or a file cannot be written.
            RunInterruptedError: The user wants to end, and there is more to do.
            RunStoppedError: Earlier runs have cost what may be spent, and there is more to do.
        """
        for entry in self.entries:
            if entry.position in self.finished.digests:
                continue
            self.stop.check()
            if entry.problem is not None:
                self.writer.write_malformed(entry)
                continue
            if self.max_cost is not None and self.finished.cost >= self.max_cost:
                raise RunStoppedError("", reason="max_cost")
            if entry.warning is not None:
                self.writer.warn(entry.line, entry.warning)
            yield EntryJob(entry=entry, **entry.arguments)
