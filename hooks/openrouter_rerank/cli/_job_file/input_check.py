"""What is known of the input before anything is sent. Pure."""

from collections.abc import Iterable

from openrouter_rerank.cli._errors import CommandError
from openrouter_rerank.cli._exit_status import USAGE

from .input.entry import Entry, EntryError, check_entry
from .resume import Recovered


def check_input(entries: Iterable[Entry], name: str, done: Recovered, *, strict: bool) -> None:
    """
    Read the input as far as needed to know that the run may begin.

    Args:
        entries: Complete ones.
        name: What messages call the input.
        done: What the output holds, which must have been made from the same jobs.
        strict: Whether each job must be one that the client would send.

    Raises:
        CommandError: A job is not the one that the output has the result of, or it is wrong and
            may not be (status 2).
    """
    unseen = len(done.digests)
    if not (unseen or strict):
        return
    for entry in entries:
        if strict:
            _check_strictly(entry, name)
        digest = done.digests.get(entry.position)
        if digest is not None:
            unseen -= 1
            if digest != int(entry.digest or "0", 16):
                raise CommandError(
                    f"{name}, line {entry.line}: not the job that the output has a result of. "
                    "Give the same INPUT, --model and --top-n, or a new OUTPUT.",
                    USAGE,
                )
        if not (unseen or strict):
            return
    if unseen:
        raise CommandError(
            f"{name} has fewer jobs than the output. Give the same INPUT, or a new OUTPUT.", USAGE
        )


def _check_strictly(entry: Entry, name: str) -> None:
    try:
        check_entry(entry)
    except EntryError as error:
        raise CommandError(
            f"{name}, line {entry.line}: {error}. Nothing was sent.", USAGE
        ) from error
