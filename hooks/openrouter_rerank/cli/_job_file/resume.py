"""What earlier runs have done, read from their output."""

from dataclasses import dataclass, field
from pathlib import Path

from .output.record_reader import read_records, refuse_file


@dataclass(slots=True)
class FinishedJobs:
    """
    The jobs that an output has results of.

    Attributes:
        digests: The digest of each job's arguments, by the job's position.
        cost: What they have cost, in credits.
        size: Where the last line ends that is whole, as are all before it, in bytes of the file.
        is_scattered: Whether some of the lines stand in a torn part of the file, behind that.
    """

    digests: dict[int, int] = field(default_factory=dict[int, int])
    cost: float = 0.0
    size: int = 0
    is_scattered: bool = False


def read_finished_jobs(path: Path, *, compressed: bool) -> FinishedJobs:
    """
    Read an output; the file is not changed.

    Raises:
        CommandError: It cannot be read.
        UsageError: It holds something else than results of a run.
    """
    finished = FinishedJobs()
    for number, (end, _, record) in enumerate(read_records(path, compressed=compressed), start=1):
        if record.position in finished.digests or not record.digest:
            raise refuse_file(path, f"line {number} is no result, or the second one of its job")
        finished.digests[record.position] = record.digest
        finished.cost += record.cost
        finished.size = end or finished.size
        finished.is_scattered = not end
    return finished
