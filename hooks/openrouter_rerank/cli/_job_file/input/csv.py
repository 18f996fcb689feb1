"""Jobs from CSV (RFC 4180): a row for each pair of query and document."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from openrouter_rerank.cli._errors import UsageError

from .entry import Entry, digest_arguments

MAX_FIELD_CHARACTERS = 1 << 24

_COLUMNS = ("query", "document")
_OPTIONAL_COLUMNS = ("id",)
# Bytes that are not UTF-8 become these, so that they spoil only their row.
_NOT_UTF_8 = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class _Row:
    """A row: the line where it begins, and either its fields or what is wrong with it."""

    line: int
    fields: Sequence[str] = ()
    problem: str | None = None


@dataclass(slots=True)
class _RowGroup:
    """Consecutive rows of one id and query, and a bad row that may be one of them."""

    line: int
    id: str
    query: str
    documents: list[str] = field(default_factory=list[str])
    bad_row: _Row | None = None

    def build(self, position: int, lines: dict[str, int]) -> Entry:
        """Return the job, and note in `lines` where the first one of its name begins."""
        row = self.bad_row
        problem = None if row is None else f"the row on line {row.line}: {row.problem}"
        arguments = {"query": self.query, "documents": self.documents}
        # A digest, since all of a long input are kept.
        name = digest_arguments({"id": self.id} if self.id else {"query": self.query})
        first = lines.setdefault(name, self.line)
        repeats = None if first == self.line else first
        return Entry(position, self.line, self.id or None, arguments, problem, repeats=repeats)


def read_csv(
    lines: Iterable[bytes], name: str, *, max_field_characters: int = MAX_FIELD_CHARACTERS
) -> Iterator[Entry]:
    """
    Read one job from the consecutive rows of one id and query.

    The first row names the columns: `query`, `document` and, if wanted, `id`, in any order. An
    empty id is none. A job of which an earlier one has the id, or the query if there is no id, is
    marked: it may be a part of that one. A row that cannot be read spoils the job before it and the
    job after it: it may belong to either, and a ranking without one of its documents is wrong.

    Args:
        lines: UTF-8, the first with or without a byte order mark; they end in LF or CRLF.
        name: What messages call the source.
        max_field_characters: The longest field to read, so that a quotation mark that is never
            closed does not fill the memory.

    Raises:
        UsageError: The first row does not name the columns.
    """
    # The limit is global to the process, in which nothing else reads CSV.
    csv.field_size_limit(max_field_characters)
    rows = _read_rows(lines)
    columns = _find_columns(next(rows, None), name)
    position, group, bad_row = 0, None, None
    first_lines: dict[str, int] = {}
    for row in rows:
        if row.problem is None and len(row.fields) != len(columns):
            problem = f"{len(columns)} fields expected, got {len(row.fields)}"
            row = _Row(row.line, problem=problem)  # noqa: PLW2901  the same row
        if row.problem is not None:
            bad_row = row
            if group is not None:
                group.bad_row = row
            continue
        fields = dict(zip(columns, row.fields, strict=True))
        key = fields.get("id", ""), fields["query"]
        if group is None or (group.id, group.query) != key:
            if group is not None:
                yield group.build(position, first_lines)
                position += 1
            group = _RowGroup(row.line, *key, bad_row=bad_row)
        group.documents.append(fields["document"])
        bad_row = None
    if group is not None:
        yield group.build(position, first_lines)
    elif bad_row is not None:
        yield Entry(position, bad_row.line, problem=bad_row.problem)


def _find_columns(header: _Row | None, name: str) -> list[str]:
    columns = [] if header is None else [column.strip() for column in header.fields]
    allowed = {*_COLUMNS, *_OPTIONAL_COLUMNS}
    if not set(_COLUMNS) <= set(columns) <= allowed or len(set(columns)) != len(columns):
        raise UsageError(
            f"{name}: the first row does not name the columns. They are query, document and, if "
            "wanted, id."
        )
    return columns


def _read_rows(lines: Iterable[bytes]) -> Iterator[_Row]:
    """Read the rows that are not blank."""
    reader = csv.reader(_decode(lines), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield _Row(line, problem=f"not CSV: {error}")
            continue
        if any(map(_NOT_UTF_8.search, fields)):
            yield _Row(line, problem="not UTF-8")
        elif fields:
            yield _Row(line, fields)


def _decode(lines: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(lines):
        text = line.decode(errors="surrogateescape")
        yield text.removeprefix("\ufeff") if number == 0 else text
