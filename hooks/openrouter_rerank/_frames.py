"""
DataFrames of pandas and polars: what `rank` reads of one, and gives back as one.

Neither library is imported here, nor needed: whoever has a frame has imported what made it. Values
are read and rows are taken in whole columns, by the few methods of either that do so.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Protocol, TypeAlias, TypeVar, cast

from ._codec.documents import count_dimensions
from ._ranking import Ranked, Ranking

SHOWN_COLUMNS = 10

Row: TypeAlias = dict[str, Any]


class DataFrame(Protocol):
    """What tells a DataFrame from a list of items, for type checkers."""

    @property
    def columns(self) -> Iterable[Any]:
        """The names of the columns."""
        ...

    @property
    def shape(self) -> tuple[int, int]:
        """How many rows and columns it has."""
        ...


FrameT = TypeVar("FrameT", bound=DataFrame)


class FrameReader(Protocol):
    """A frame as it was when `rank` was called, whatever library it is of."""

    def count_rows(self) -> int:
        """Count the rows."""
        ...

    def list_columns(self) -> list[object]:
        """Return the names of the columns."""
        ...

    def read_column(self, name: str) -> list[Any]:
        """Return the values of a column, None for each that is missing."""
        ...

    def read_rows(self, positions: Sequence[int]) -> list[Row]:
        """Return some rows by the names of their columns."""
        ...

    def take(
        self, positions: Sequence[int], scores: Sequence[float | None], names: tuple[str, str]
    ) -> Any:
        """Return a frame of some rows, with columns for their scores and positions."""
        ...


class PandasReader:
    """A `pandas.DataFrame`."""

    def __init__(self, pandas: Any, frame: Any) -> None:
        """Take the library and one of its frames."""
        self._pandas = pandas
        self._frame = frame.copy(deep=False)

    def count_rows(self) -> int:
        """Count the rows."""
        return len(self._frame)

    def list_columns(self) -> list[object]:
        """Return the names of the columns."""
        return list(self._frame.columns)

    def read_column(self, name: str) -> list[Any]:
        """Return the values of a column; NaN, NaT and NA are missing, and arrays are lists."""
        column = self._frame[name]
        values = (
            value.tolist() if hasattr(value, "tolist") else value for value in column.tolist()
        )
        return [
            None if missing else value
            for value, missing in zip(values, column.isna().tolist(), strict=True)
        ]

    def read_rows(self, positions: Sequence[int]) -> list[Row]:
        """Return some rows by the names of their columns."""
        names: list[Any] = self.list_columns()
        rows = self._frame.iloc[list(positions)].itertuples(index=False, name=None)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def take(
        self, positions: Sequence[int], scores: Sequence[float | None], names: tuple[str, str]
    ) -> Any:
        """Return some rows with their index, and columns for their scores and positions."""
        frame = self._frame.iloc[list(positions)]
        columns = ((scores, "float64"), (positions, "int64"))
        # By place, not by index, in which a label may appear twice.
        made = [self._pandas.Series(values, dtype=kind).to_numpy() for values, kind in columns]
        return frame.assign(**dict(zip(names, made, strict=True)))


class PolarsReader:
    """A `polars.DataFrame`."""

    def __init__(self, polars: Any, frame: Any) -> None:
        """Take the library and one of its frames."""
        self._polars = polars
        self._frame = frame.clone()

    def count_rows(self) -> int:
        """Count the rows."""
        return len(self._frame)

    def list_columns(self) -> list[object]:
        """Return the names of the columns."""
        return list(self._frame.columns)

    def read_column(self, name: str) -> list[Any]:
        """Return the values of a column; null is missing."""
        return cast("list[Any]", self._frame.get_column(name).to_list())

    def read_rows(self, positions: Sequence[int]) -> list[Row]:
        """Return some rows by the names of their columns."""
        return cast("list[Row]", self._select(positions).rows(named=True))

    def take(
        self, positions: Sequence[int], scores: Sequence[float | None], names: tuple[str, str]
    ) -> Any:
        """Return some rows, and columns for their scores and positions."""
        columns = ((scores, self._polars.Float64), (positions, self._polars.Int64))
        made = [
            self._polars.Series(name, values, dtype=kind)
            for name, (values, kind) in zip(names, columns, strict=True)
        ]
        return self._select(positions).with_columns(made)

    def _select(self, positions: Sequence[int]) -> Any:
        # A list that is empty would select no columns.
        return self._frame[self._polars.Series(positions, dtype=self._polars.Int64)]


READERS: dict[str, Callable[[Any, Any], FrameReader]] = {
    "pandas": PandasReader,
    "polars": PolarsReader,
}


class FrameRanking(Ranking[Row], Generic[FrameT]):
    """
    The rows of a DataFrame in order; `to_frame` gives them as a DataFrame of the same library.

    `item` of each entry is a row as a dict, by the names of the columns.
    """

    def __init__(self, reader: FrameReader, ranking: Ranking[int]) -> None:
        """Put the rows in the places of their positions."""
        rows = reader.read_rows([ranked.index for ranked in ranking])
        super().__init__(
            [
                Ranked(row, ranked.score, ranked.index, ranked.span)
                for row, ranked in zip(rows, ranking, strict=True)
            ],
            **vars(ranking),
        )
        self._reader = reader

    def to_frame(self, *, score: str = "score", position: str = "position") -> FrameT:
        """
        Return the rows of this list as a DataFrame, in its order and with two columns more.

        Columns keep their types, and rows of pandas their labels in the index. The frame that was
        ranked is not changed.

        Args:
            score: Name of the column for the scores, floats, all missing if the ranking kept the
                order.
            position: Name of the column for where each row stood in the frame that was ranked, an
                integer from 0.

        Raises:
            ValueError: The frame has a column of that name already, or both names are the same.
        """
        if score == position:
            raise ValueError(f"to_frame: score and position are both {score!r}")
        columns = self._reader.list_columns()
        names = {"score": score, "position": position}
        taken = [argument for argument, name in names.items() if name in columns]
        if taken:
            listed = " and ".join(repr(names[argument]) for argument in taken)
            advice = ", ".join(f'{argument}="rerank_{argument}"' for argument in taken)
            raise ValueError(
                f"to_frame: the frame has {listed} already; pass other names: to_frame({advice})"
            )
        return cast(
            "FrameT",
            self._reader.take(
                [ranked.index for ranked in self],
                [ranked.score for ranked in self],
                (score, position),
            ),
        )


def find_reader(items: object) -> FrameReader | None:
    """Return what reads a DataFrame; None if the items are none."""
    for name, reader in READERS.items():
        module = sys.modules.get(name)
        if isinstance(items, getattr(module, "DataFrame", ())):
            return reader(module, items)
    return None


def read_documents(reader: FrameReader, key: object, fields: Iterable[str] | None) -> Sequence[Any]:
    """
    Return the document of each row; one that is missing counts as blank.

    Args:
        reader: Reads the frame.
        key: The column of the documents; None if `fields` are columns.
        fields: Names of columns or, with a key, of fields of its documents; None if the documents
            are sent as they are.

    Raises:
        TypeError: Neither says which column is ranked, or the key is no name.
        ValueError: A column does not exist, or several have its name.
    """
    from ._codec.fields import require_fields, select_fields

    names = None if fields is None else require_fields(fields)
    if isinstance(key, str):
        documents: list[Any] = read_column(reader, key, "key")
    elif key is None and names is not None:
        columns = [read_column(reader, name, "fields") for name in names]
        documents = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    else:
        raise TypeError(
            "items: expected an iterable of documents, got DataFrame; to rank its rows, pass"
            ' key="column" or fields=["column", "another"]'
        )
    chosen = documents if names is None else select_fields(documents, names)
    return ["" if document is None else document for document in chosen]


def read_column(reader: FrameReader, name: str, argument: str) -> list[Any]:
    """
    Return the values of a column.

    Raises:
        ValueError: The frame does not have it, or several of that name.
    """
    columns = reader.list_columns()
    if name not in columns:
        shown = ", ".join(map(repr, columns[:SHOWN_COLUMNS]))
        more = len(columns) - SHOWN_COLUMNS
        listed = f"{shown} and {more} more" if more > 0 else shown
        raise ValueError(f"{argument}: no column {name!r} among {listed or 'none'}")
    if columns.count(name) > 1:
        raise ValueError(f"{argument}: several columns are named {name!r}")
    return reader.read_column(name)


def refuse_column(items: object) -> str:
    """Return what to say of items that have no columns, given the name of one as `key`."""
    kind = type(items).__name__
    if hasattr(items, "collect"):
        advice = "collect() it first"
    elif count_dimensions(items) > 1 and hasattr(items, "to_pandas"):
        advice = "pass its to_pandas()"
    else:
        advice = "pass a function as key, or documents without one"
    return f"key: a column's name is for a DataFrame of pandas or polars, not {kind}; {advice}"
