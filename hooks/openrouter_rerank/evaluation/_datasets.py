"""Queries with judged documents: what an evaluation needs, and what is wrong with it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from attrs import evolve, field, frozen

from ._measures import Grades, count_relevant
from ._results import Problem

Document: TypeAlias = str | Mapping[str, str]
"""A document as a dataset has it: its text, or its fields by their names."""

MAX_EXAMPLES = 5


class DatasetError(ValueError):
    """The data cannot be read, or nothing in it can be evaluated; the message says where."""


@frozen(kw_only=True)
class Query:
    """
    A query with its judgements.

    Attributes:
        id: Its name, unlike any other's.
        text: What is sent.
        grades: How relevant documents are, by their ids: relevant from 1 on. Those that are not
            there count as not relevant.
        candidates: Ids of the documents to rerank, the best first; None if a first stage is still
            to find them.
    """

    id: str
    text: str
    grades: Grades = field(repr=False)
    candidates: Sequence[str] | None = field(default=None, repr=False)


@frozen(kw_only=True)
class Dataset:
    """
    Queries, their judgements and the documents.

    Attributes:
        name: Where it came from.
        queries: Those that count; each has at least one relevant document.
        documents: What is sent, by id: a text, or a mapping with `text`, `image` or both.
        first_stage: Where the candidates came from, in words; None if there are none yet.
        problems: What is wrong with the data.
    """

    name: str
    queries: Sequence[Query] = field(repr=False)
    documents: Mapping[str, Document] = field(repr=False)
    first_stage: str | None = None
    problems: Sequence[Problem] = ()

    def take(self, count: int) -> "Dataset":
        """Return the same with the first queries only; their problems stay those of the whole."""
        return evolve(self, queries=self.queries[:count])


class ProblemLog:
    """Counts what is wrong, and remembers where the first few times."""

    def __init__(self) -> None:
        """Begin with none."""
        self._examples: dict[str, list[str]] = {}
        self._counts: dict[str, int] = {}

    def add(self, kind: str, example: str) -> None:
        """Note that something is wrong, and what became of it."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        examples = self._examples.setdefault(kind, [])
        if len(examples) < MAX_EXAMPLES:
            examples.append(example)

    def list(self) -> "list[Problem]":
        """Return what was noted, in the order in which each kind first came."""
        return [
            Problem(kind=kind, count=count, examples=self._examples[kind])
            for kind, count in self._counts.items()
        ]


def make_dataset(
    name: str,
    queries: Iterable[Query],
    documents: Mapping[str, Document],
    *,
    first_stage: str | None,
    log: ProblemLog,
) -> Dataset:
    """
    Make a dataset of the queries that can be evaluated, and note what is wrong with the rest.

    Args:
        name: Where it came from.
        queries: All that were found.
        documents: All that were found.
        first_stage: Where the candidates came from; None if there are none yet.
        log: What is wrong so far; more is added.

    Raises:
        DatasetError: No query is left.
    """
    kept = [
        evolve(query, candidates=_select_candidates(query, documents, log))
        for query in queries
        if _counts(query, log)
    ]
    for query in kept:
        for judged in query.grades:
            if judged not in documents:
                log.add(
                    "judged documents that are missing: they count as not found",
                    f"{judged} of query {query.id}",
                )
    for found, document in documents.items():
        if not show_document(document).strip():
            log.add("documents without text: no model ranks them, they come last", found)
    if not kept:
        raise DatasetError(f"{name}: no query has a text and a relevant document. {_advise(log)}")
    return Dataset(
        name=name,
        queries=kept,
        documents=documents,
        first_stage=first_stage,
        problems=log.list(),
    )


def read_text(document: Document) -> str:
    """Return the text of a document, "" if it has an image only."""
    return document if isinstance(document, str) else document.get("text", "")


def show_document(document: Document) -> str:
    """Return what a person reads of a document: its text, or else its image's URL."""
    if isinstance(document, str):
        return document
    return document.get("text") or document.get("image") or ""


def _counts(query: Query, log: ProblemLog) -> bool:
    """Tell whether a query can be evaluated; no order of documents helps one that cannot."""
    if not query.text.strip():
        log.add("queries without text: left out", query.id)
    elif not query.grades:
        log.add("queries without a judgement: left out", query.id)
    elif not count_relevant(query.grades):
        log.add("queries without a relevant document: left out", query.id)
    else:
        return True
    return False


def _select_candidates(
    query: Query, documents: Mapping[str, Document], log: ProblemLog
) -> list[str] | None:
    if query.candidates is None:
        return None
    if not query.candidates:
        log.add("queries without candidates: they count as 0", query.id)
    selected: dict[str, None] = {}
    for candidate in query.candidates:
        if candidate not in documents:
            log.add("candidates that are missing: left out", f"{candidate} of query {query.id}")
        elif candidate in selected:
            log.add(
                "candidates that come twice: the first one counts",
                f"{candidate} of query {query.id}",
            )
        else:
            selected[candidate] = None
    return list(selected)


def _advise(log: ProblemLog) -> str:
    found = "; ".join(f"{problem.kind} ({problem.count:,})" for problem in log.list())
    return f"Found: {found}." if found else "It is empty."
