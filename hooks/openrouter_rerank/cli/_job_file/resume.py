"""What earlier runs have written, without the end that a killed one left torn."""

from dataclasses import dataclass, field
from pathlib import Path

from .output.record_reader import _refuse, read_records


@dataclass(slots=True)
class Recovered:
    """
    The jobs of an output that are done.

    Attributes:
        digests: The digest of each job's arguments, by the job's position.
        cost: What they have cost, in credits.
        size: Where the last whole line ends, in bytes of the file.
    """

    digests: dict[int, int] = field(default_factory=dict[int, int])
    cost: float = 0.0
    size: int = 0


def recover(path: Path, *, compressed: bool) -> Recovered:
    """
    Read an output; the file stays as it is.

    Raises:
        CommandError: It cannot be read, or holds anything else than a run's lines (status 2).
    """
    found = Recovered()
    for number, (end, _, record) in enumerate(read_records(path, compressed=compressed), start=1):
        if record.position in found.digests or not record.digest:
            raise _refuse(path, f"line {number} is no result, or the second one of its job")
        found.digests[record.position] = record.digest
        found.cost += record.cost
        found.size = end
    return found
