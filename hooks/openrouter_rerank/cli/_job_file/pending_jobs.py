"""From the input to the jobs of a run."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from attrs import frozen

from openrouter_rerank import RerankJob
from openrouter_rerank.errors import RunStoppedError

from .input.entry import Entry
from .interrupts import Stop
from .output.outcome_writer import Ledger
from .resume import Recovered


@frozen(kw_only=True, repr=False)
class EntryJob(RerankJob):
    """
    A job that knows where it comes from.

    Attributes:
        entry: The job as the input has it.
    """

    entry: Entry


@dataclass(slots=True)
class Feed:
    """
    Gives the jobs that are to be sent.

    Attributes:
        entries: The input's, complete ones.
        done: What earlier runs have done, which is left out.
        ledger: Where entries go that are no job.
        stop: Whether the user wants to end.
        max_cost: What all runs together may cost, in credits; None for no limit.
        is_over: Whether the input has come to its end.
    """

    entries: Iterable[Entry]
    done: Recovered
    ledger: Ledger
    stop: Stop
    max_cost: float | None
    is_over: bool = False

    def take(self) -> Iterator[EntryJob]:
        """
        Give one job after the other.

        Raises:
            CommandError: The input cannot be read, or a file cannot be written.
            RunStoppedError: Earlier runs have cost what may be spent, and there is more to do.
        """
        for entry in self.entries:
            if entry.position in self.done.digests:
                continue
            if self.stop.is_wanted:
                return
            if entry.problem is not None:
                self.ledger.refuse(entry)
                continue
            if self.max_cost is not None and self.done.cost >= self.max_cost:
                raise RunStoppedError("", reason="max_cost")
            yield EntryJob(entry=entry, **entry.arguments)
        self.is_over = True
