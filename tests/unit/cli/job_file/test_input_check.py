"""Checks of the input before anything is sent."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from openrouter_rerank.cli._errors import CommandError
from openrouter_rerank.cli._job_file.input.entry import Entry, complete_entry
from openrouter_rerank.cli._job_file.input_check import check_input
from openrouter_rerank.cli._job_file.resume import FinishedJobs

MODEL = {"model": "m"}


def make_entries(
    queries: Sequence[str], defaults: Mapping[str, Any] = MODEL, name: str | None = None
) -> list[Entry]:
    return [
        complete_entry(Entry(at, at + 1, name, {"query": query, "documents": ["a"]}), defaults)
        for at, query in enumerate(queries)
    ]


def make_done(positions: Sequence[int]) -> FinishedJobs:
    entries = make_entries(["q0", "q1", "q2"])
    return FinishedJobs({at: int(entries[at].digest, 16) for at in positions})


def test_the_same_jobs_with_other_ids_and_more_after_them_pass() -> None:
    """The output belongs to the input if the jobs that are done are the same."""
    entries = make_entries(["q0", "q1", "new"], name="renamed")

    check_input(entries, "jobs", make_done([1, 0]), strict=False)


@pytest.mark.parametrize(
    "entries",
    [
        make_entries(["q0", "other"]),
        make_entries(["q0", "q1"], {"model": "other"}),
        make_entries(["q0", "q1"], {"model": "m", "top_n": 1}),
        [*make_entries(["q0"]), Entry(1, 2, problem="not JSON")],
    ],
)
def test_another_job_at_a_done_position_is_refused(entries: list[Entry]) -> None:
    """A job with other arguments, or a malformed one, is not the job that was answered."""
    with pytest.raises(CommandError, match="line 2: not the job") as caught:
        check_input(entries, "jobs", make_done([1]), strict=False)

    assert caught.value.status == 2


def test_an_input_with_fewer_jobs_is_refused() -> None:
    """A result without its job belongs to another input."""
    with pytest.raises(CommandError, match="fewer jobs") as caught:
        check_input(make_entries(["q0", "q1"]), "jobs", make_done([0, 2]), strict=False)

    assert caught.value.status == 2


def test_no_more_is_read_than_needed() -> None:
    """The jobs after the last one that is done are not read."""
    read: list[int] = []

    def watch() -> Iterator[Entry]:
        for entry in make_entries(["q0", "q1", "q2", "q3"]):
            read.append(entry.position)
            yield entry

    check_input(watch(), "jobs", FinishedJobs(), strict=False)
    check_input(watch(), "jobs", make_done([1]), strict=False)

    assert read == [0, 1]


def test_strict_reads_all_and_names_the_first_that_is_wrong() -> None:
    """A job that the client would refuse is found before anything is sent."""
    with pytest.raises(CommandError, match="line 3: query: must not be blank") as caught:
        check_input(make_entries(["q0", "q1", " ", ""]), "jobs", make_done([0]), strict=True)

    assert caught.value.status == 2
