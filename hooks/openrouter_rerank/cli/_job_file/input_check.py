"""Checks of the input before anything is sent. Pure."""

from collections.abc import Iterable

from openrouter_rerank.cli._errors import UsageError

from .input.entry import Entry, EntryError, check_entry
from .resume import FinishedJobs


def check_input(
    entries: Iterable[Entry], name: str, finished: FinishedJobs, *, strict: bool
) -> None:
    """
    Read the input as far as needed to know that the run may begin.

    Args:
        entries: Complete ones.
        name: What messages call the input.
        finished: What the output holds; it must have been made from the same jobs.
        strict: Whether each job must be one that the client would send.

    Raises:
        UsageError: A job is not the one that the output has a result of, or the check is strict
            and a job is wrong.
    """
    unseen = len(finished.digests)
    if not (unseen or strict):
        return
    for entry in entries:
        if strict:
            _check_sendable(entry, name)
        digest = finished.digests.get(entry.position)
        if digest is not None:
            unseen -= 1
            if digest != int(entry.digest or "0", 16):
                raise UsageError(
                    f"{name}, line {entry.line}: not the job that the output has a result of. "
                    "Give the same INPUT, --model and --top-n, or a new OUTPUT."
                )
        if not (unseen or strict):
            return
    if unseen:
        raise UsageError(
            f"{name} has fewer jobs than the output. Give the same INPUT, or a new OUTPUT."
        )


def _check_sendable(entry: Entry, name: str) -> None:
    try:
        check_entry(entry)
    except EntryError as error:
        raise UsageError(f"{name}, line {entry.line}: {error}. Nothing was sent.") from error
