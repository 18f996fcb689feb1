"""Reads and adds columns of Ray's batches of rows, in each format that Ray Data has."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any, cast

COLUMNS = ("order", "scores", "model", "cost", "error")
"""The columns that are added to a batch."""

PASSAGES_COLUMN = "passages"
"""One more, if documents are split."""


def require_columns(batch: Any, *, present: Iterable[str], absent: Iterable[str]) -> None:
    """
    Refuse a batch that lacks a column to read, or already has one to add.

    Raises:
        ValueError: The batch is refused; the message names the column.
    """
    # A DataFrame's keys are its columns.
    names: list[str] = list(batch.column_names if is_arrow(batch) else batch.keys())
    for name in present:
        if name not in names:
            raise ValueError(f"no column {name!r} among {', '.join(map(repr, names))}")
    for name in absent:
        if name in names:
            raise ValueError(f"the batch has a column {name!r} already: rename it or drop it")


def is_arrow(batch: Any) -> bool:
    """Return whether it is a `pyarrow.Table`, not a mapping of arrays or a `pandas.DataFrame`."""
    return hasattr(batch, "append_column")


def read_column(batch: Any, name: str) -> list[Any]:
    """Return a column's cells as plain objects; a cell that is an array becomes a list."""
    cells: list[Any] = batch[name].to_pylist() if is_arrow(batch) else batch[name].tolist()
    return [cell.tolist() if hasattr(cell, "tolist") else cell for cell in cells]


def read_documents(batch: Any, name: str) -> list[Any]:
    """
    Return each row's documents; a cell that is no list is returned as it is.

    In Arrow, every struct of a column has the fields of all of them, so a null field is dropped.
    """
    return [
        [drop_nulls(document) for document in cast("list[object]", cell)]
        if isinstance(cell, list)
        else cell
        for cell in read_column(batch, name)
    ]


def drop_nulls(document: object) -> object:
    """Return a struct without its null fields, and anything else as it is."""
    if not isinstance(document, Mapping):
        return document
    fields = cast("Mapping[str, object]", document)
    return {key: value for key, value in fields.items() if value is not None}


def prepare_columns(batch: Any) -> Callable[[Mapping[str, Sequence[object]]], Any]:
    """
    Return what adds columns to a batch and gives one of the same format.

    What could fail about the batch's own columns fails here, before anything is paid for.
    """
    if is_arrow(batch):
        return partial(add_typed_columns, batch)
    if isinstance(batch, Mapping):
        arrays = cast("Mapping[str, Any]", batch)
        # Ray pickles the cells of a column whose arrays differ in length, but keeps lists as lists.
        kept = {
            name: read_column(batch, name) if array.dtype == object else array
            for name, array in arrays.items()
        }
        return lambda columns: {**kept, **columns}
    return lambda columns: batch.assign(**columns)


def add_typed_columns(table: Any, columns: Mapping[str, Sequence[object]]) -> Any:
    """Return a `pyarrow.Table` with columns added, whose types do not depend on the values."""
    # Imported by name, since it has no type hints; it is installed, since `table` is its class.
    arrow: Any = import_module("pyarrow")
    types = {
        "order": arrow.list_(arrow.int64()),
        "scores": arrow.list_(arrow.float64()),
        "model": arrow.string(),
        "cost": arrow.float64(),
        "error": arrow.string(),
        PASSAGES_COLUMN: arrow.list_(arrow.struct({"start": arrow.int64(), "end": arrow.int64()})),
    }
    for name, cells in columns.items():
        table = table.append_column(name, arrow.array(cells, types[name]))
    return table
