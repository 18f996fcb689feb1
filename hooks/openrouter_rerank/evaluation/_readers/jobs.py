"""Jobs with judgements, from JSON Lines and from CSV."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from attrs import Factory, define

from openrouter_rerank.evaluation._datasets import (
    Dataset,
    DatasetError,
    Document,
    ProblemLog,
    Query,
    make_dataset,
)

from .lines import join_text, read_all_lines, read_grade, read_id, read_objects

_JOB_FIELDS = frozenset({"id", "query", "documents", "relevant"})
_DOCUMENT_FIELDS = frozenset({"id", "_id", "title", "text", "image"})
_COLUMNS = frozenset({"query", "document", "relevant"})
_OPTIONAL_COLUMNS = frozenset({"id", "document_id"})
_TRUTHS = {"true": "1", "yes": "1", "false": "0", "no": "0"}


class _Jobs:
    """The queries and documents of a file, as they are read."""

    def __init__(self, path: Path) -> None:
        """Begin with none."""
        self.path = path
        self.log = ProblemLog()
        self.queries: dict[str, Query] = {}
        self.documents: dict[str, Document] = {}

    def name_query(self, given: str | None, line: int) -> str:
        """Return a name for a query that no other one has."""
        name = f"line {line}" if given is None else given
        if name not in self.queries:
            return name
        self.log.add("queries of the same id: each counts", f"{name} on line {line}")
        return f"{name}, line {line}"

    def add_document(self, query: str, own: str, document: Document) -> str:
        """Keep a document, and return its name; one id may name other texts in other jobs."""
        if self.documents.setdefault(own, document) == document:
            return own
        name = f"{query}: {own}"
        self.documents[name] = document
        return name

    def make_dataset(self) -> Dataset:
        """
        Make the dataset.

        Raises:
            DatasetError: No query can be evaluated.
        """
        return make_dataset(
            self.path.name,
            self.queries.values(),
            self.documents,
            first_stage="the order in the file",
            log=self.log,
        )


def read_jsonl(path: Path, *, separator: str) -> Dataset:
    """
    Read jobs with `query`, `documents`, `relevant` and, if wanted, `id`, each on a line.

    A document is a text, or an object with `text`, `image` or both, and perhaps `title` and `id`.
    They are the candidates, in their order. `relevant` is a list, of positions from 0 on, which are
    numbers, and of ids, which are texts; or an object with a grade for each id, or for each
    position if a document has no id.

    Args:
        path: The file, compressed or not.
        separator: What stands between the title and the text of a document.

    Raises:
        DatasetError: The file cannot be read, a line is no job, or no query can be evaluated.
    """
    jobs = _Jobs(path)
    for number, job in read_objects(path):
        _add_job(jobs, job, number, separator)
    return jobs.make_dataset()


def _add_job(jobs: _Jobs, job: Mapping[str, Any], line: int, separator: str) -> None:
    place = f"{jobs.path}, line {line}"
    text, given = job.get("query"), job.get("documents")
    if not isinstance(text, str):
        raise DatasetError(f'{place}: "query" is no text. Write it as a string.')
    if not isinstance(given, list):
        raise DatasetError(f'{place}: "documents" is no list. Give the documents in their order.')
    for field in sorted(job.keys() - _JOB_FIELDS):
        jobs.log.add("fields of jobs that an evaluation does not use", f"{field} on line {line}")
    own_id = job.get("id")
    query = jobs.name_query(None if own_id is None else read_id(own_id, place), line)
    names: list[str] = []
    ids: dict[str, str] = {}
    for position, document in enumerate(cast("list[object]", given)):
        own, sent = _read_document(document, f"{place}, document {position}", separator, jobs.log)
        name = jobs.add_document(query, own or f"{query}: {position}", sent)
        names.append(name)
        ids.setdefault(own or str(position), name)
    grades = _read_relevant(job.get("relevant"), names, ids, place, jobs.log)
    jobs.queries[query] = Query(id=query, text=text, grades=grades, candidates=names)


def _read_document(
    value: object, place: str, separator: str, log: ProblemLog
) -> tuple[str | None, Document]:
    """Return the id that a document brings, and what is sent."""
    if isinstance(value, str):
        return None, value
    if not isinstance(value, dict):
        raise DatasetError(f"{place}: neither a text nor an object. Write one of them.")
    fields = cast("dict[str, Any]", value)
    for field in sorted(fields.keys() - _DOCUMENT_FIELDS):
        log.add("fields of documents that are not sent", f"{field} in {place}")
    text = join_text(fields, separator, place)
    image = fields.get("image")
    if image is not None and not isinstance(image, str):
        raise DatasetError(f'{place}: "image" is no URL. Write it as a string.')
    own = fields.get("id", fields.get("_id"))
    name = None if own is None else read_id(own, place)
    if image is None:
        return name, text
    return name, {"text": text, "image": image} if text else {"image": image}


def _read_relevant(
    value: object, names: Sequence[str], ids: Mapping[str, str], place: str, log: ProblemLog
) -> dict[str, int]:
    if value is None:
        return {}
    entries: list[tuple[object, int]]
    if isinstance(value, dict):
        graded = cast("dict[str, object]", value)
        entries = [(key, read_grade(grade, place)) for key, grade in graded.items()]
    elif isinstance(value, list):
        entries = [(key, 1) for key in cast("list[object]", value)]
    else:
        raise DatasetError(f'{place}: "relevant" is neither a list nor an object with grades.')
    grades: dict[str, int] = {}
    for key, grade in entries:
        name = _find_document(key, names, ids, place)
        if name in grades:
            log.add("judgements that come twice: the last one counts", f"{key} in {place}")
        grades[name] = grade
    return grades


def _find_document(key: object, names: Sequence[str], ids: Mapping[str, str], place: str) -> str:
    if isinstance(key, str):
        # An id that is not among the documents: a relevant one that the search did not find.
        return ids.get(key, key)
    if isinstance(key, bool) or not isinstance(key, int):
        raise DatasetError(f'{place}: "relevant" has neither a position nor an id: {key!r}.')
    if not 0 <= key < len(names):
        raise DatasetError(
            f'{place}: "relevant" has the position {key}, but there are {len(names)} documents, '
            "counted from 0. Write ids as strings."
        )
    return names[key]


def read_csv(path: Path) -> Dataset:
    """
    Read candidates from CSV (RFC 4180), a row for each pair of query and document.

    The first row names the columns, in any order: `query`, `document` and `relevant`, and perhaps
    `id` for the query and `document_id`. `relevant` is a grade, or true or false; empty is for not
    judged. Rows of one id, or else of one query, are candidates in their order.

    Args:
        path: The file, compressed or not.

    Raises:
        DatasetError: The file cannot be read, a row is wrong, or no query can be evaluated.
    """
    jobs = _Jobs(path)
    rows = csv.DictReader((line for _, line in read_all_lines(path)), strict=True)
    groups: dict[str, _RowGroup] = {}
    try:
        names = set(rows.fieldnames or ())
        if not _COLUMNS <= names <= _COLUMNS | _OPTIONAL_COLUMNS:
            raise DatasetError(
                f"{path}: the first row does not name the columns. They are query, document, "
                "relevant and, if wanted, id and document_id."
            )
        for row in rows:
            _add_row(jobs, groups, row, rows.line_num)
    except csv.Error as error:
        raise DatasetError(
            f"{path}, line {rows.reader.line_num}: {error}. Fix the line."
        ) from error
    for name, group in groups.items():
        jobs.queries[name] = Query(
            id=name, text=group.text, grades=group.grades, candidates=group.candidates
        )
    return jobs.make_dataset()


@define
class _RowGroup:
    """The rows of one query."""

    text: str
    candidates: list[str] = Factory(list[str])
    grades: dict[str, int] = Factory(dict[str, int])


def _add_row(jobs: _Jobs, groups: dict[str, _RowGroup], row: Mapping[Any, Any], line: int) -> None:
    place = f"{jobs.path}, line {line}"
    if None in row or None in row.values():
        raise DatasetError(f"{place}: too many or too few fields. Put text in quotation marks.")
    query = row.get("id") or row["query"]
    group = groups.setdefault(query, _RowGroup(row["query"]))
    if group.text != row["query"]:
        jobs.log.add("queries of one id with several texts: the first one counts", place)
    own = row.get("document_id") or f"{query}: {len(group.candidates)}"
    name = jobs.add_document(query, own, row["document"])
    group.candidates.append(name)
    relevant = row["relevant"].strip().lower()
    if not relevant:
        return
    if name in group.grades:
        jobs.log.add("judgements that come twice: the last one counts", place)
    group.grades[name] = read_grade(_TRUTHS.get(relevant, relevant), place)
