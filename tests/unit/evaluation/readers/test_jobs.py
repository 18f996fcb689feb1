"""Jobs with judgements, from JSON Lines and from CSV."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from openrouter_rerank.evaluation._datasets import Dataset, DatasetError
from openrouter_rerank.evaluation._readers.dataset import read_dataset

TEXTS = ["Cats purr.", "Dogs bark.", "Cows moo."]


def read_jobs(tmp_path: Path, *jobs: dict[str, Any]) -> Dataset:
    """Write jobs, and read them."""
    path = tmp_path / "jobs.jsonl"
    path.write_text("\n\n".join(json.dumps(job) for job in jobs))
    return read_dataset(path)


def read_rows(tmp_path: Path, text: str) -> Dataset:
    """Write CSV, compressed, and read it."""
    path = tmp_path / "pairs.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    return read_dataset(path)


def show(dataset: Dataset) -> list[tuple[str, str, list[Any], list[int]]]:
    """Show each query, its documents as they are sent, and their grades; 0 if not judged."""
    return [
        (
            query.id,
            query.text,
            [dataset.documents[name] for name in query.candidates or ()],
            [query.grades.get(name, 0) for name in query.candidates or ()],
        )
        for query in dataset.queries
    ]


@pytest.mark.parametrize(
    ("relevant", "grades"),
    [
        ([0, 2], [1, 0, 1]),
        ({"0": 2, "1": 0, "2": 1}, [2, 0, 1]),
        (["0"], [1, 0, 0]),
    ],
)
def test_relevant_is_positions_or_grades(
    tmp_path: Path, relevant: object, grades: list[int]
) -> None:
    """Plain texts are judged by their positions from 0 on."""
    job = {"id": "q", "query": "Who?", "documents": TEXTS, "relevant": relevant}

    dataset = read_jobs(tmp_path, job)

    assert show(dataset) == [("q", "Who?", TEXTS, grades)]
    assert (dataset.first_stage, dataset.name, dataset.problems) == (
        "the order in the file",
        "jobs.jsonl",
        [],
    )


@pytest.mark.parametrize(
    ("relevant", "grades"),
    [
        (["b", 0], [1, 1]),
        ({"b": 3}, [0, 3]),
    ],
)
def test_relevant_is_ids_where_documents_have_some(
    tmp_path: Path, relevant: object, grades: list[int]
) -> None:
    """A string is an id, and a number still a position."""
    documents = [{"id": "a", "text": "x"}, {"_id": "b", "title": "T", "text": "y"}]

    dataset = read_jobs(tmp_path, {"query": "Who?", "documents": documents, "relevant": relevant})

    assert show(dataset) == [("line 1", "Who?", ["x", "T y"], grades)]


def test_a_relevant_document_that_was_not_found_counts_against_the_first_stage(
    tmp_path: Path,
) -> None:
    """An id that is not among the documents is kept, and told."""
    documents = [{"id": "a", "text": "x"}]

    dataset = read_jobs(tmp_path, {"query": "q", "documents": documents, "relevant": ["a", "z"]})

    assert dict(dataset.queries[0].grades) == {"a": 1, "z": 1}
    assert [problem.examples for problem in dataset.problems] == [["z of query line 1"]]


def test_images_are_sent_as_they_are(tmp_path: Path) -> None:
    """A document with an image keeps it, with its text or alone."""
    documents = [{"image": "https://e.com/1.png"}, {"text": "x", "image": "https://e.com/2.png"}]

    dataset = read_jobs(tmp_path, {"query": "q", "documents": documents, "relevant": [0]})

    assert list(dataset.documents.values()) == documents


def test_equal_ids_of_other_jobs_do_not_mix(tmp_path: Path) -> None:
    """Jobs may number their documents anew; a document that several jobs share is one."""
    first = {"id": 1, "query": "q", "documents": [{"id": 0, "text": "x"}], "relevant": ["0"]}
    other = {"id": 2, "query": "r", "documents": [{"id": 0, "text": "y"}], "relevant": ["0"]}
    again = {"id": 1, "query": "s", "documents": [{"id": 0, "text": "x"}], "relevant": ["0"]}

    dataset = read_jobs(tmp_path, first, other, again)

    assert show(dataset) == [
        ("1", "q", ["x"], [1]),
        ("2", "r", ["y"], [1]),
        ("1, line 5", "s", ["x"], [1]),
    ]
    assert len(dataset.documents) == 2
    assert [(problem.kind, problem.count) for problem in dataset.problems] == [
        ("queries of the same id: each counts", 1)
    ]


def test_what_is_not_used_is_told(tmp_path: Path) -> None:
    """A job of the command `batch` can be read, and its model is not silently left out."""
    documents = [{"text": "x", "source": "web"}]
    job = {"query": "q", "documents": documents, "relevant": [0, 0], "model": "m"}
    unjudged = {"query": "q", "documents": TEXTS}

    dataset = read_jobs(tmp_path, job, unjudged)

    assert [problem.kind for problem in dataset.problems] == [
        "fields of jobs that an evaluation does not use",
        "fields of documents that are not sent",
        "judgements that come twice: the last one counts",
        "queries without a judgement: left out",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"query": 1}, '"query" is no text'),
        ({"documents": "x"}, '"documents" is no list'),
        ({"documents": [1]}, "document 0: neither a text nor an object"),
        ({"documents": [{"text": 1}]}, 'document 0: "title" or "text" is no text'),
        ({"documents": [{"image": 1}]}, 'document 0: "image" is no URL'),
        ({"documents": [{"id": 1.5}]}, "document 0: no id"),
        ({"id": []}, "line 1: no id"),
        ({"relevant": "0"}, '"relevant" is neither a list nor an object'),
        ({"relevant": [3]}, "has the position 3, but there are 3 documents"),
        ({"relevant": [-1]}, "has the position -1"),
        ({"relevant": [True]}, "neither a position nor an id: True"),
        ({"relevant": [0.5]}, "neither a position nor an id: 0.5"),
        ({"relevant": {"0": "high"}}, "the grade 'high' is no whole number"),
        ({"relevant": {"0": True}}, "the grade True is no whole number"),
        ({"relevant": []}, "no query has a text and a relevant document"),
    ],
)
def test_a_wrong_job_is_an_error_with_its_line(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    """Each mistake is named, with the line and what to write instead."""
    job = {"query": "q", "documents": TEXTS, "relevant": [0], **change}

    with pytest.raises(DatasetError, match=message):
        read_jobs(tmp_path, job)


def test_rows_are_candidates_in_their_order(tmp_path: Path) -> None:
    """Rows of a query need not stand together; an empty field is not judged, 0 not relevant."""
    dataset = read_rows(
        tmp_path,
        'relevant,document,query\r\n1,"Cats,\n\npurr.",Who purrs?\r\n'
        "2,Cows moo.,Who moos?\r\n,Dogs bark.,Who purrs?\r\nFALSE,Cows moo.,Who purrs?\r\n",
    )

    assert show(dataset) == [
        ("Who purrs?", "Who purrs?", ["Cats,\n\npurr.", "Dogs bark.", "Cows moo."], [1, 0, 0]),
        ("Who moos?", "Who moos?", ["Cows moo."], [2]),
    ]
    assert len(dataset.queries[0].grades) == 2


def test_rows_may_have_ids(tmp_path: Path) -> None:
    """An id joins rows whatever their query says; what differs or comes twice is told."""
    dataset = read_rows(
        tmp_path,
        "id,query,document_id,document,relevant\n"
        "7,Who?,a,x,yes\n7,Who else?,b,y,no\n7,Who?,a,x,1\n8,Why?,,z,true\n",
    )

    assert show(dataset) == [("7", "Who?", ["x", "y"], [1, 0]), ("8", "Why?", ["z"], [1])]
    assert [problem.kind for problem in dataset.problems] == [
        "queries of one id with several texts: the first one counts",
        "judgements that come twice: the last one counts",
        "candidates that come twice: the first one counts",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the first row does not name the columns"),
        ("query,document\nq,d\n", "the first row does not name the columns"),
        ("query,document,relevant,color\nq,d,1,red\n", "the first row does not name the columns"),
        ("query,document,relevant\nq,d\n", "line 2: too many or too few fields"),
        ("query,document,relevant\nq,d,1,2\n", "line 2: too many or too few fields"),
        ("query,document,relevant\nq,d,maybe\n", "line 2: the grade 'maybe'"),
        ('query,document,relevant\nq,"d"x,1\n', "line 2: .* Fix the line"),
        ("query,document,relevant\nq,d,0\n", "no query has a text and a relevant document"),
    ],
)
def test_wrong_csv_is_an_error_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    """Each mistake is named, with the line and what to write instead."""
    with pytest.raises(DatasetError, match=message):
        read_rows(tmp_path, text)


@pytest.mark.parametrize("option", ["split", "qrels", "run"])
def test_what_belongs_to_a_folder_is_refused_with_a_file(tmp_path: Path, option: str) -> None:
    """An option that would have no effect is an error."""
    with pytest.raises(DatasetError, match=f"{option}: .* is no folder"):
        read_dataset(tmp_path / "jobs.jsonl", **{option: "x"})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A wrong path ends in one sentence."""
    with pytest.raises(DatasetError, match=r"cannot read .*jobs\.jsonl: No such file"):
        read_dataset(tmp_path / "jobs.jsonl")
