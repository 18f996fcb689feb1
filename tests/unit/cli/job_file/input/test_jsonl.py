"""Jobs from JSON Lines, and their checks."""

import json

import pytest
from openrouter_rerank.cli._job_file.input.entry import (
    Entry,
    EntryError,
    check_entry,
    complete_entry,
)
from openrouter_rerank.cli._job_file.input.jsonl import read_jsonl

JOB = {"query": "q", "documents": ["a", "b"]}


def read_one(line: str | bytes) -> Entry:
    (entry,) = read_jsonl([line.encode() if isinstance(line, str) else line])
    return entry


def test_a_line_gives_its_job() -> None:
    """The id is kept apart from the arguments, and every argument is kept as it is."""
    arguments = {
        **JOB,
        "model": "m",
        "top_n": 1,
        "provider": {"order": ["a"]},
        "session_id": "s",
        "trace": {"name": "t"},
        "user": "u",
    }

    entry = read_one(json.dumps({"id": 7, **arguments}))

    assert entry == Entry(0, 1, 7, arguments)


def test_blank_lines_and_line_ends_do_not_count() -> None:
    """Positions count jobs and lines count lines; the byte order mark and CRLF are neither."""
    line = json.dumps(JOB).encode()

    entries = list(read_jsonl([b"\xef\xbb\xbf" + line + b"\r\n", b"\r\n", b" \n", b"{}\n", line]))

    assert [(entry.position, entry.line) for entry in entries] == [(0, 1), (1, 4), (2, 5)]
    assert [entry.problem for entry in entries] == [None, 'no "query"', None]


def test_null_is_absent_but_for_the_provider() -> None:
    """A null counts as no field, except the provider's, which the API knows."""
    entry = read_one(json.dumps({**JOB, "id": None, "model": None, "provider": None}))

    assert entry == Entry(0, 1, None, {**JOB, "provider": None})


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "not JSON: "),
        ('{"query": "q"', "not JSON: "),
        ("[" * 100_000, "too deep"),
        ("1" * 5_000, "a number too long"),
        (b'{"query": "\xff"}', "not UTF-8"),
        ("[1]", "not a JSON object"),
        ("null", "not a JSON object"),
        ('{"documents": ["a"]}', 'no "query"'),
        ('{"query": "q"}', 'no "documents"'),
        ('{"query": "q", "documents": null}', 'no "documents"'),
        ('{"query": "q", "documents": ["a"], "topn": 3}', 'unknown field "topn"'),
        ('{"query": "q", "documents": ["a"], "id": 1.5}', '"id"'),
        ('{"query": "q", "documents": ["a"], "id": true}', '"id"'),
        ('{"query": "q", "documents": ["a"], "id": ["a"]}', '"id"'),
    ],
)
def test_a_line_that_is_no_job_has_a_problem(line: str | bytes, problem: str) -> None:
    """An error in a line affects only that line."""
    entry = read_one(line)

    assert problem in (entry.problem or "")
    assert (entry.position, entry.line) == (0, 1)


def test_defaults_stand_in_for_what_is_left_out() -> None:
    """A job's own model wins over that of the command line."""
    defaults = {"model": "default", "top_n": 3}

    entries = [
        complete_entry(read_one(json.dumps(fields)), defaults)
        for fields in (JOB, {**JOB, "model": "own"})
    ]

    assert [(entry.arguments["model"], entry.arguments["top_n"]) for entry in entries] == [
        ("default", 3),
        ("own", 3),
    ]


def test_the_digest_tells_what_is_asked() -> None:
    """Neither the order of the fields nor the id changes it, and every argument does."""
    base = complete_entry(read_one('{"query": "q", "documents": ["a"]}'), {"model": "m"})
    same = complete_entry(read_one('{"id": 1, "documents": ["a"], "query": "q"}'), {"model": "m"})
    others = [
        complete_entry(read_one('{"query": "q", "documents": ["b"]}'), {"model": "m"}),
        complete_entry(read_one('{"query": "q", "documents": ["a"]}'), {"model": "n"}),
        complete_entry(read_one('{"query": "\\ud800", "documents": ["a"]}'), {"model": "m"}),
    ]

    assert base.digest == same.digest
    assert len({base.digest, *(other.digest for other in others)}) == 4


def test_what_is_nested_too_deeply_to_be_sent_has_a_problem() -> None:
    """A value that cannot be encoded affects only its job."""
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]

    entry = complete_entry(Entry(0, 1, arguments={**JOB, "trace": {"nested": nested}}), {})

    assert (entry.problem, entry.digest) == ("nested too deeply", "")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("nonsense", "not JSON"),
        ('{"query": " ", "documents": ["a"]}', "query: must not be blank"),
        ('{"query": "q", "documents": []}', "documents: must not be empty"),
        ('{"query": "q", "documents": "a"}', "documents: expected an iterable"),
        ('{"query": "q", "documents": ["a", {"text": " "}]}', "blank at positions 1"),
        ('{"query": "q", "documents": ["a"], "top_n": "3"}', "top_n"),
        ('{"query": "q", "documents": ["\\ud800"]}', "surrogate"),
    ],
)
def test_a_check_finds_what_the_client_would_refuse(line: str, problem: str) -> None:
    """A job that would never be sent is found before anything is sent."""
    entry = complete_entry(read_one(line), {"model": "m"})

    with pytest.raises(EntryError, match=problem):
        check_entry(entry)


def test_a_check_lets_a_job_pass() -> None:
    """A job that can be sent has no problem."""
    check_entry(complete_entry(read_one(json.dumps(JOB)), {"model": "m"}))
