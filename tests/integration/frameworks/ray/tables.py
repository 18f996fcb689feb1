"""Tables of queries and documents, and the callable as Ray calls it."""

from collections.abc import Sequence
from typing import Any

import pytest
from openrouter_rerank.ray import Reranker
from openrouter_rerank.testing import ScriptedTransport, Step

pa: Any = pytest.importorskip("pyarrow", reason="pyarrow cannot be imported")
KEY = "sk-or-ray"


def make_reranker(*script: Step, **arguments: Any) -> Reranker:
    """Make a callable whose client is answered from a script."""
    return Reranker("m", api_key=lambda: KEY, transport=ScriptedTransport(*script), **arguments)


def make_table(rows: Sequence[tuple[object, object]]) -> Any:
    """Make an Arrow table of queries and documents, with a column of another kind."""
    return pa.table(
        {
            "id": list(range(len(rows))),
            "query": pa.array([query for query, _ in rows], pa.string()),
            "documents": [documents for _, documents in rows],
        }
    )


def rerank(reranker: Reranker, batch: Any) -> dict[str, list[Any]]:
    """Call the callable as Ray does and return its columns as lists."""
    with_columns = reranker(batch)
    reranker.close()
    columns: dict[str, list[Any]] = with_columns.to_pydict()
    return columns
