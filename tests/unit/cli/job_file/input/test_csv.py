"""Jobs from CSV."""

import csv
import io
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrouter_rerank.cli._errors import CommandError
from openrouter_rerank.cli._job_file.input.csv import read_csv
from openrouter_rerank.cli._job_file.input.entry import Entry


def read(text: str | bytes) -> list[Entry]:
    data = text.encode() if isinstance(text, str) else text
    return list(read_csv(io.BytesIO(data), "jobs.csv"))


def show(entries: Iterable[Entry]) -> list[tuple[object, ...]]:
    return [
        (entry.position, entry.line, entry.id, *entry.arguments.values())
        for entry in entries
        if entry.problem is None
    ]


def test_consecutive_rows_are_one_job() -> None:
    """A job ends where the id or the query changes, and the same query later is another job."""
    entries = read("id,query,document\n1,q,a\n1,q,b\n2,q,c\n2,r,d\n1,q,e\n")

    assert show(entries) == [
        (0, 2, "1", "q", ["a", "b"]),
        (1, 4, "2", "q", ["c"]),
        (2, 5, "2", "r", ["d"]),
        (3, 6, "1", "q", ["e"]),
    ]


def test_rows_of_one_id_that_are_apart_are_marked() -> None:
    """A job whose id, or else query, an earlier job has is marked with the line of that one."""
    entries = read("id,query,document\n1,q,a\n2,q,b\n1,q,c\n,q,d\n,r,e\n,q,f\n1,s,g\n")

    assert [(entry.line, entry.repeats) for entry in entries] == [
        (2, None),
        (3, None),
        (4, 2),
        (5, None),
        (6, None),
        (7, 5),
        (8, 2),
    ]


def test_columns_come_in_any_order_and_the_id_may_be_missing() -> None:
    """The first row names the columns; a byte order mark, CRLF and blank lines are tolerated."""
    entries = read("\ufeffdocument, query\r\na,q\r\n\r\nb,q\r\n")

    assert show(entries) == [(0, 2, None, "q", ["a", "b"])]


def test_quoted_fields_hold_anything() -> None:
    """Quoted fields may hold commas, quotation marks and line ends (RFC 4180, section 2)."""
    entries = read('query,document\n"q, ""r""","one\r\ntwo"\nnext,"\u2028"\n')

    assert show(entries) == [
        (0, 2, None, 'q, "r"', ["one\r\ntwo"]),
        (1, 4, None, "next", ["\u2028"]),
    ]


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (b"q,a,b", "line 3: 2 fields expected, got 3"),
        (b"q", "line 3: 2 fields expected, got 1"),
        (b'q,"a" b', "line 3: not CSV: "),
        (b"q,\xff", "line 3: not UTF-8"),
        (b"\xffq,a", "line 3: not UTF-8"),
    ],
)
def test_a_bad_row_spoils_the_jobs_beside_it(bad: bytes, problem: str) -> None:
    """No job that may lack a document is sent, and all others are."""
    entries = read(b"query,document\nq,a\n" + bad + b"\nr,b\ns,c\n")

    assert [problem in (entry.problem or "") for entry in entries] == [True, True, False]
    assert show(entries) == [(2, 5, None, "s", ["c"])]


def test_a_bad_row_inside_a_job_spoils_it_alone() -> None:
    """A bad row between two rows of a job can only belong to that job."""
    entries = read("query,document\nq,a\nbad\nq,b\nr,c\n")

    assert [(entry.position, entry.problem is None) for entry in entries] == [(0, False), (1, True)]


def test_a_bad_row_by_itself_is_reported() -> None:
    """A bad row with no job before or after it is a malformed job."""
    entries = read("query,document\nbad\n")

    assert [(entry.line, entry.problem) for entry in entries] == [(2, "2 fields expected, got 1")]


@pytest.mark.parametrize(
    "head", ["", "query\n", "query,document,query\n", "query,document,text\n", "a,b\n", '"a" b\n']
)
def test_a_wrong_first_row_is_a_usage_error(head: str) -> None:
    """Columns that are unknown, missing or doubled end the run before anything is sent."""
    with pytest.raises(CommandError, match="does not name the columns") as caught:
        read(head)

    assert caught.value.status == 2


def test_a_quotation_mark_that_is_never_closed_does_not_take_the_memory() -> None:
    """A field ends at the limit, and the rows after it are read."""
    lines = [b"query,document\n", b'q,"a\n', *[b"r,b\n"] * 1_000]

    first, *others = read_csv(lines, "jobs.csv", max_field_characters=1_000)

    assert "field limit" in (first.problem or "")
    assert others == []


# All that UTF-8 can encode; codec="utf-8" says the same, but tries a million characters first.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@given(
    st.lists(
        st.tuples(TEXTS, st.lists(TEXTS, min_size=1, max_size=3)),
        max_size=4,
        unique_by=lambda job: job[0],
    )
)
def test_what_is_written_as_csv_is_read_again(jobs: list[tuple[str, list[str]]]) -> None:
    """Any text is read as it was written, whatever its characters."""
    target = io.StringIO(newline="")
    writer = csv.writer(target, quoting=csv.QUOTE_ALL)
    writer.writerow(["query", "document"])
    for query, documents in jobs:
        writer.writerows([query, document] for document in documents)

    entries = read(target.getvalue())

    assert [tuple(entry.arguments.values()) for entry in entries] == jobs
    assert [entry.problem for entry in entries] == [None] * len(jobs)
