"""Judgements and runs in the forms of TREC, and judgements in that of BEIR."""

import math
from collections.abc import Mapping
from pathlib import Path

from openrouter_rerank.evaluation._datasets import DatasetError, ProblemLog
from openrouter_rerank.evaluation._measures import order_scores

from .lines import read_grade, read_lines

_BEIR_COLUMNS = 3
_TREC_COLUMNS = 4
_RUN_COLUMNS = 6


def read_judgements(path: Path, log: ProblemLog) -> dict[str, dict[str, int]]:
    """
    Read the grades of documents for queries, by the ids of both.

    A line has a query, an iteration that nobody reads, a document and a grade, between white space,
    as trec_eval takes it; or, as in BEIR, a query, a document and a grade, with a line of names
    before them.

    Raises:
        DatasetError: The file cannot be read, or a line is something else.
    """
    judged: dict[str, dict[str, int]] = {}
    is_first = True
    for number, line in read_lines(path):
        fields = line.split("\t")
        if len(fields) != _BEIR_COLUMNS:
            fields = line.split()
        if len(fields) == _TREC_COLUMNS:
            del fields[1]
        if len(fields) != _BEIR_COLUMNS:
            raise DatasetError(
                f"{path}, line {number}: {len(fields)} columns. A judgement has a query, a "
                "document and a grade, in TREC's form with an iteration after the query."
            )
        query, document, grade = (field.strip() for field in fields)
        was_first, is_first = is_first, False
        if was_first and _is_head(grade):
            continue
        grades = judged.setdefault(query, {})
        if document in grades:
            log.add(
                "judgements that come twice: the last one counts",
                f"{document} of query {query} on line {number}",
            )
        grades[document] = read_grade(grade, f"{path}, line {number}")
    return judged


def read_run(path: Path, log: ProblemLog) -> dict[str, list[str]]:
    """
    Read the candidates of queries from a run, in the order that trec_eval gives them.

    A line has a query, "Q0", a document, a rank that trec_eval does not read either, a score and
    the run's name, between white space.

    Raises:
        DatasetError: The file cannot be read, or a line is something else.
    """
    scores: dict[str, dict[str, float]] = {}
    for number, line in read_lines(path):
        fields = line.split()
        if len(fields) != _RUN_COLUMNS:
            raise DatasetError(
                f"{path}, line {number}: {len(fields)} columns. A line of a run has 6: a query, "
                "Q0, a document, a rank, a score and the run's name."
            )
        query, document = fields[0], fields[2]
        of_query = scores.setdefault(query, {})
        if document in of_query:
            log.add(
                "documents that a run has twice: the first one counts",
                f"{document} of query {query} on line {number}",
            )
            continue
        of_query[document] = _read_score(fields[4], f"{path}, line {number}")
    return {query: order_scores(of_query) for query, of_query in scores.items()}


def report_unknown(
    kind: str, known: Mapping[str, object], found: Mapping[str, object], log: ProblemLog
) -> None:
    """Note the queries of a file of which nobody knows the text."""
    for query in found:
        if query not in known:
            log.add(f"{kind} of unknown queries: left out", query)


def _is_head(grade: str) -> bool:
    try:
        float(grade)
    except ValueError:
        return True
    return False


def _read_score(text: str, place: str) -> float:
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise DatasetError(f"{place}: the score {text!r} is no finite number. Fix the run.")
    return score
