"""Folders in the form of BEIR, and what TREC adds to them."""

import gzip
import json
from pathlib import Path

import pytest
from openrouter_rerank.evaluation import Problem
from openrouter_rerank.evaluation._datasets import Dataset, DatasetError
from openrouter_rerank.evaluation._readers.dataset import read_dataset

CORPUS: list[dict[str, object]] = [
    {"_id": "d1", "title": "Cats", "text": "They purr."},
    {"_id": "d2", "title": "", "text": "Dogs bark."},
    {"_id": 3, "text": "Cows moo."},
]
QUERIES: list[dict[str, object]] = [
    {"_id": "q1", "text": "Who purrs?"},
    {"_id": 2, "text": "Who moos?"},
]
JUDGEMENTS = "query-id\tcorpus-id\tscore\nq1\td1\t2\n2\t3\t1\n"


def write_lines(path: Path, values: list[dict[str, object]]) -> None:
    """Write JSON Lines, compressed if the name says so."""
    data = "".join(f"{json.dumps(value)}\n" for value in values).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a small folder of BEIR."""
    write_lines(tmp_path / "corpus.jsonl.gz", CORPUS)
    write_lines(tmp_path / "queries.jsonl", QUERIES)
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text(JUDGEMENTS)
    return tmp_path


def list_problems(dataset: Dataset) -> dict[str, tuple[int, list[str]]]:
    """List what is wrong, how often, and where."""
    return {problem.kind: (problem.count, list(problem.examples)) for problem in dataset.problems}


def test_a_folder_is_read_compressed_or_not(folder: Path) -> None:
    """Title and text are joined by a space, ids are texts, and a first stage is still to come."""
    dataset = read_dataset(folder)

    assert dataset.documents == {"d1": "Cats They purr.", "d2": "Dogs bark.", "3": "Cows moo."}
    assert [(query.id, query.text, dict(query.grades)) for query in dataset.queries] == [
        ("q1", "Who purrs?", {"d1": 2}),
        ("2", "Who moos?", {"3": 1}),
    ]
    assert {query.candidates for query in dataset.queries} == {None}
    assert (dataset.name, dataset.first_stage, dataset.problems) == (folder.name, None, [])


def test_the_separator_can_be_set(folder: Path) -> None:
    """What stands between title and text is one's own choice."""
    assert read_dataset(folder, separator="\n").documents["d1"] == "Cats\nThey purr."


def test_the_split_is_test_or_the_only_one_or_the_named_one(folder: Path) -> None:
    """A folder with several splits is evaluated on the test split unless one names another."""
    dev = folder / "qrels" / "dev.tsv.gz"
    dev.write_bytes(gzip.compress(b"query-id\tcorpus-id\tscore\nq1\td2\t1\n"))

    assert len(read_dataset(folder).queries) == 2
    assert dict(read_dataset(folder, split="dev").queries[0].grades) == {"d2": 1}
    (folder / "qrels" / "test.tsv").unlink()
    assert dict(read_dataset(folder).queries[0].grades) == {"d2": 1}
    dev.with_name("train.tsv").write_text(JUDGEMENTS)
    with pytest.raises(DatasetError, match=r"has no test\.tsv\. It has dev, train; name one"):
        read_dataset(folder)


def test_trec_gives_judgements_and_candidates(folder: Path, tmp_path: Path) -> None:
    """A run's candidates come in trec_eval's order, whatever its ranks say."""
    qrels, run = tmp_path / "qrels.txt", tmp_path / "bm25.run"
    qrels.write_text("q1 0 d2 1\n2 0 3 1\n")
    run.write_text(
        "q1 Q0 d1 1 0.5 tag\nq1 Q0 d2 2 0.5 tag\n\nq1\tQ0\t3\t3\t9e-1\ttag\n2 Q0 3 1 1 t\n"
    )

    dataset = read_dataset(folder, qrels=qrels, run=run)

    assert [query.candidates for query in dataset.queries] == [["3", "d2", "d1"], ["3"]]
    assert dict(dataset.queries[0].grades) == {"d2": 1}
    assert dataset.first_stage == "the run bm25.run"


def test_everything_wrong_is_named_and_counted(folder: Path, tmp_path: Path) -> None:
    """Missing ids, double judgements and queries that cannot count are told, each with examples."""
    write_lines(
        folder / "corpus.jsonl.gz", [*CORPUS, {"_id": "d1", "text": "again"}, {"_id": "blank"}]
    )
    write_lines(
        folder / "queries.jsonl",
        [
            *QUERIES,
            {"_id": "q1", "text": "again"},
            {"_id": "unjudged", "text": "Who barks?"},
            {"_id": "irrelevant", "text": "Who flies?"},
            {"_id": "empty", "text": " "},
            {"_id": "absent", "text": "Who is not in the run?"},
        ],
    )
    (folder / "qrels" / "test.tsv").write_text(
        f"{JUDGEMENTS}q1\td1\t1\nq1\tgone\t1\nirrelevant\td1\t0\nunknown\td1\t1\nabsent\td2\t1\n"
        "empty\td1\t1\n"
    )
    run = tmp_path / "a.run"
    run.write_text(
        "q1 Q0 d1 1 2 t\nq1 Q0 d1 2 1 t\nq1 Q0 lost 3 0 t\n2 Q0 3 1 1 t\nstranger Q0 d1 1 1 t\n"
    )

    dataset = read_dataset(folder, run=run)

    assert list_problems(dataset) == {
        "documents of the same id: the first one counts": (1, ["d1 on line 4"]),
        "queries of the same id: the first one counts": (1, ["q1 on line 3"]),
        "judgements that come twice: the last one counts": (1, ["d1 of query q1 on line 4"]),
        "judgements of unknown queries: left out": (1, ["unknown"]),
        "documents that a run has twice: the first one counts": (1, ["d1 of query q1 on line 2"]),
        "candidates of unknown queries: left out": (1, ["stranger"]),
        "candidates that are missing: left out": (1, ["lost of query q1"]),
        "queries without a judgement: left out": (1, ["unjudged"]),
        "queries without a relevant document: left out": (1, ["irrelevant"]),
        "queries without text: left out": (1, ["empty"]),
        "queries without candidates: they count as 0": (1, ["absent"]),
        "judged documents that are missing: they count as not found": (1, ["gone of query q1"]),
        "documents without text: no model ranks them, they come last": (1, ["blank"]),
    }
    assert dict(dataset.queries[0].grades) == {"d1": 1, "gone": 1}
    assert dataset.queries[0].candidates == ["d1"]


def test_of_many_problems_the_first_few_are_shown(folder: Path) -> None:
    """A count says how many there are, five examples where to look."""
    lines = "".join(f"q1\tgone{number}\t1\n" for number in range(9))
    (folder / "qrels" / "test.tsv").write_text(JUDGEMENTS + lines)

    (problem,) = read_dataset(folder).problems

    assert (problem.count, len(problem.examples)) == (9, 5)
    assert isinstance(problem, Problem)


def test_the_first_queries_can_be_taken(folder: Path) -> None:
    """A part of the queries is enough to try."""
    assert [query.id for query in read_dataset(folder).take(1).queries] == ["q1"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("corpus.jsonl.gz", b"{", r"corpus.jsonl.gz, line 1: not JSON"),
        ("corpus.jsonl.gz", b"[]", r"corpus.jsonl.gz, line 1: no JSON object"),
        ("corpus.jsonl.gz", b'{"text": "a"}', r"line 1: no id"),
        ("corpus.jsonl.gz", b'{"_id": true}', r"line 1: no id"),
        ("corpus.jsonl.gz", b'{"_id": "a", "text": 1}', r'line 1: "title" or "text" is no text'),
        ("corpus.jsonl.gz", b"\n\xff", r"line 2: not UTF-8"),
        ("corpus.jsonl.gz", gzip.compress(b"{}", mtime=0)[:-9], r"cannot read .*corpus.jsonl.gz: "),
        ("queries.jsonl", b'{"_id": "q1", "text": []}', None),
        ("queries.jsonl", b'{"_id": "q1", "text": 7}', r'"title" or "text" is no text'),
        ("qrels/test.tsv", b"q1 d1\n", r"test.tsv, line 1: 2 columns"),
        ("qrels/test.tsv", b"a\tb\tc\nq1\td1\tx\n", r"line 2: the grade 'x' is no whole number"),
        ("qrels/test.tsv", b"q1\td1\t0.5\n", r"line 1: the grade '0.5' is no whole number"),
        ("qrels/test.tsv", b"q1\td1\tinf\n", r"line 1: the grade 'inf' is no whole number"),
        ("qrels/test.tsv", b"a\tb\tc\n", r"no query has a text and a relevant document\. Found"),
        ("a.run", b"q1 Q0 d1 1 1\n", r"a.run, line 1: 5 columns"),
        ("a.run", b"q1 Q0 d1 1 nan t\n", r"a.run, line 1: the score 'nan' is no finite number"),
        ("a.run", b"q1 Q0 d1 1 high t\n", r"a.run, line 1: the score 'high' is no finite number"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_place(
    folder: Path, name: str, content: bytes, message: str | None
) -> None:
    """A broken file or line ends in one sentence that names the file, the line and the cure."""
    (folder / "a.run").write_text("q1 Q0 d1 1 1 t\n")
    (folder / name).write_bytes(content)

    with pytest.raises(DatasetError, match=message or "no query has"):
        read_dataset(folder, run=folder / "a.run")


@pytest.mark.parametrize(
    ("name", "shown"),
    [("corpus.jsonl.gz", "corpus"), ("queries.jsonl", "queries"), ("qrels/test.tsv", "qrels")],
)
def test_a_missing_file_is_named(folder: Path, name: str, shown: str) -> None:
    """A folder that lacks something is told what."""
    (folder / name).unlink()

    with pytest.raises(DatasetError, match=f"has no {shown}"):
        read_dataset(folder)


def test_a_grade_may_be_written_as_a_decimal(folder: Path) -> None:
    """1.0 is a whole number."""
    (folder / "qrels" / "test.tsv").write_text("q1\td1\t1.0\n")

    assert dict(read_dataset(folder).queries[0].grades) == {"d1": 1}


def test_an_empty_folder_of_queries_says_so(folder: Path) -> None:
    """Without any query there is nothing to find fault with."""
    (folder / "queries.jsonl").write_text("")
    (folder / "qrels" / "test.tsv").write_text("")

    with pytest.raises(DatasetError, match="It is empty"):
        read_dataset(folder)
