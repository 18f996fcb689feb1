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
        repeats: The line where an earlier job of the same name begins, of which this one may be a
            part; None if there is none.
    """

    position: int
    line: int
    id: JobId = None
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    problem: str | None = None
    digest: str = ""
    repeats: int | None = None

    @property
    def warning(self) -> str | None:
        """What is strange about it though it can be sent; None if nothing is."""
        if self.repeats is None:
            return None
        return (
            f"a job of this id or query began on line {self.repeats} already; "
            "rows that belong together have to stand together, as after sorting by id"
        )


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
        EntryError: The entry is malformed or may lack documents, or the client would refuse it.
    """
    if problem := entry.problem or entry.warning:
        raise EntryError(problem)
    try:
        prepare("RerankJob", **cast("Any", entry.arguments))
    except (TypeError, ValueError) as error:
        raise EntryError(str(error)) from error


def digest_arguments(arguments: Mapping[str, Any]) -> str:
    """Make a digest that is the same for equal arguments, in every run."""
    # In ASCII, since lone surrogates have no bytes.
    text = json.dumps(arguments, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()
