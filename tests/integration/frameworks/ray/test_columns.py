"""The columns of a batch: which are read, which are added, and of what types."""

from typing import Any

import pytest
from integration.frameworks.ray.tables import make_reranker, make_table, pa, rerank
from openrouter_rerank import RetryConfig
from openrouter_rerank.ray import Reranker
from openrouter_rerank.testing import ScriptedTransport, answer

pd: Any = pytest.importorskip("pandas", reason="pandas cannot be imported")
np: Any = pytest.importorskip("numpy", reason="numpy cannot be imported")


def test_columns_hold_order_scores_cost_and_error() -> None:
    """A row gains its documents' positions, the best first, with scores and cost, and no error."""
    body = {
        "model": "m",
        "results": [{"index": 2, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.4}],
        "usage": {"cost": 0.002},
    }
    reranker = make_reranker(answer(body=body), top_n=2)

    columns = rerank(reranker, make_table([("q", ["a", "b", "c"])]))

    assert columns == {
        "id": [0],
        "query": ["q"],
        "documents": [["a", "b", "c"]],
        "order": [[2, 0]],
        "scores": [[0.9, 0.4]],
        "model": ["m"],
        "cost": [0.002],
        "error": [None],
    }


def test_failed_row_keeps_its_order() -> None:
    """With "keep_order" a row that fails has its documents' own order, no scores, and its error."""
    reranker = make_reranker(
        answer(503), answer(200), on_failure="keep_order", top_n=2, retry_config=RetryConfig("none")
    )

    columns = rerank(reranker, make_table([("q", ["a", "", "c"]), ("r", ["d", "", "e"])]))

    kept, ranked = sorted(range(2), key=lambda row: columns["error"][row] is None)
    assert (columns["order"][kept], columns["scores"][kept]) == ([0, 1], [None, None])
    assert columns["error"][kept].startswith("ServiceUnavailableResponseError: ")
    assert columns["order"][ranked] == [0, 2]
    assert [columns["model"][row] for row in (kept, ranked)] == [None, "m"]


@pytest.mark.parametrize(("status", "order"), [(402, [0, 1]), (401, None)])
def test_rows_after_a_stop_keep_their_order(status: int, order: list[int] | None) -> None:
    """Without credits the job goes on in its own order; with a wrong key there is none."""
    reranker = make_reranker(answer(status), on_failure="keep_order", max_concurrency=2)

    first = reranker(make_table([("q", ["a", "b"])])).to_pydict()
    second = rerank(reranker, make_table([("q", ["a", "b"]), ("q", ["c"])]))

    assert first["order"] == [order]
    assert second["order"] == [order, order and [0]]
    assert all("RunStoppedError" in error for error in second["error"])


def test_other_models_answer_rows() -> None:
    """A row says which model answered it."""
    reranker = make_reranker(
        answer(503), answer(200), fallback_models=["b"], retry_config=RetryConfig("none")
    )
    columns = rerank(reranker, make_table([("q", ["a", "b"])]))

    assert (columns["model"], columns["error"]) == (["b"], [None])


def test_count_is_never_more_than_there_are() -> None:
    """A count that is a default for all rows is sent as the row's number of documents if less."""
    transport = ScriptedTransport()
    reranker = Reranker("m", api_key=lambda: "k", top_n=2, transport=transport)

    columns = rerank(reranker, make_table([("q", ["a"]), ("r", ["a", "b", "c"]), ("s", [])]))

    assert sorted(body["top_n"] for body in transport.bodies) == [1, 2]
    assert (columns["order"][2], columns["error"][2]) == ([], None)


def test_structs_of_text_and_image_are_documents() -> None:
    """A field that Arrow filled in with null is not sent."""
    transport = ScriptedTransport()
    documents = [{"text": "a", "image": None}, {"text": None, "image": "https://x/i.png"}]

    rerank(Reranker("m", transport=transport), make_table([("q", documents)]))

    assert transport.bodies[0]["documents"] == [{"text": "a"}, {"image": "https://x/i.png"}]


def test_arrow_columns_have_their_types_even_when_null() -> None:
    """Batches in which every row failed have the same schema as any other."""
    reranker = make_reranker()

    schema = reranker(make_table([(None, ["a"])])).schema

    reranker.close()
    assert schema.field("order").type == pa.list_(pa.int64())
    assert schema.field("scores").type == pa.list_(pa.float64())
    assert schema.field("cost").type == pa.float64()
    assert schema.field("error").type == pa.string()


def test_mapping_of_arrays_gives_a_mapping() -> None:
    """A batch in the format "numpy" keeps its columns, lists of any length as lists."""
    reranker = make_reranker()
    batch = {
        "id": np.array([7, 8]),
        "query": np.array(["q", None], dtype=object),
        "documents": np.array([np.array(["a"]), np.array(["b", "c"])], dtype=object),
    }

    given: Any = reranker(batch)

    reranker.close()
    assert given["id"] is batch["id"]
    assert given["documents"] == [["a"], ["b", "c"]]
    assert given["order"] == [[0], None]
    assert given["error"] == [None, "TypeError: query: expected str, got NoneType"]


def test_data_frame_gives_a_data_frame() -> None:
    """A batch in the format "pandas" keeps its columns and gains the others."""
    reranker = make_reranker()
    batch = pd.DataFrame({"query": ["q", "q"], "documents": [["a"], np.array(["b", "c"])]})

    given = reranker(batch)

    reranker.close()
    assert list(given.columns) == [
        *("query", "documents", "order", "scores", "model", "cost", "error")
    ]
    assert list(given["order"]) == [[0], [0, 1]]
    assert list(batch.columns) == ["query", "documents"]


def test_columns_may_have_other_names() -> None:
    """Queries and documents are read from the columns that were named."""
    reranker = make_reranker(query_column="id", documents_column="texts")

    columns = rerank(reranker, pa.table({"id": ["q"], "texts": [["a", "b"]]}))

    assert columns["order"] == [[0, 1]]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["query", "texts"], "no column 'documents' among 'query', 'texts'"),
        (["query", "documents", "cost"], "the batch has a column 'cost' already"),
    ],
)
def test_columns_that_do_not_fit_end_the_job(names: list[str], message: str) -> None:
    """A missing column, or one that would be overwritten, is an error that names it."""
    reranker = make_reranker()

    with pytest.raises(ValueError, match=message):
        reranker(pa.table({name: ["q"] for name in names}))
    reranker.close()


def test_column_that_cannot_be_kept_costs_nothing() -> None:
    """A batch whose further columns cannot be read fails before anything is sent."""
    sent: list[object] = []

    def give_key() -> str:
        sent.append(1)
        return "key"

    reranker = Reranker("m", api_key=give_key, server_url="http://127.0.0.1:9", retry_config=None)
    batch = {"query": np.array(["q"]), "documents": np.array([["a"]]), "odd": [1]}

    with pytest.raises(AttributeError, match="dtype"):
        reranker(batch)
    reranker.close()

    assert sent == []
