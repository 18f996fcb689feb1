"""One job of the input: its arguments, digest and check. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, cast

from openrouter_rerank._call.arguments import prepare

JobId: TypeAlias = str | int | None

DIGEST_BYTES = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One job as the input has it.

    Attributes:
        position: Its number among the jobs of the input, from 0; malformed ones count.
        line: The line where it begins, from 1.
        id: The user's name for it; None for none.
        arguments: Those of `Rerank.rerank`.
        problem: Why it is malformed; None if nothing is known to be wrong.
        digest: Tells jobs apart by their arguments; "" if there is a problem.
    """

    position: int
    line: int
    id: JobId = None
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    problem: str | None = None
    digest: str = ""


class EntryError(ValueError):
    """A line of the input is not a job; users see the name of this class in the failure file."""


def complete_entry(entry: Entry, defaults: Mapping[str, Any]) -> Entry:
    """
    Add the arguments that the input leaves out, and the digest.

    Args:
        entry: From the input.
        defaults: Arguments for entries that do not have them.
    """
    if entry.problem is not None:
        return entry
    arguments = {**defaults, **entry.arguments}
    try:
        digest = digest_arguments(arguments)
    except RecursionError:
        return replace(entry, problem="nested too deeply")
    return replace(entry, arguments=arguments, digest=digest)


def check_entry(entry: Entry) -> None:
    """
    Check all that can be checked before sending.

    Args:
        entry: A complete one.

    Raises:
        EntryError: The entry is malformed, or the client would refuse the job.
    """
    if entry.problem is not None:
        raise EntryError(entry.problem)
    try:
        prepare("RerankJob", **cast("Any", entry.arguments))
    except (TypeError, ValueError) as error:
        raise EntryError(str(error)) from error


def digest_arguments(arguments: Mapping[str, Any]) -> str:
    """Make a digest that is the same for equal arguments, in every run."""
    # In ASCII, since lone surrogates have no bytes.
    text = json.dumps(arguments, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()
