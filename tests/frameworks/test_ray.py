"""The callable for Ray Data: by itself, and in a local Ray with two actors."""

import gc
import os
import pickle
import runpy
import secrets
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from frameworks.readme import read_example
from openrouter_rerank import RetryConfig, local
from openrouter_rerank.local import Faults, Ranking
from openrouter_rerank.ray import Reranker
from openrouter_rerank.testing import ScriptedTransport, Step, answer

pa: Any = pytest.importorskip("pyarrow", reason="pyarrow cannot be imported")
pq: Any = pytest.importorskip("pyarrow.parquet", reason="pyarrow cannot be imported")
pd: Any = pytest.importorskip("pandas", reason="pandas cannot be imported")
np: Any = pytest.importorskip("numpy", reason="numpy cannot be imported")

KEY = "sk-or-ray"
ROWS = 10_000
EVERY_NTH_IS_THROTTLED = 100
EVERY_NTH_ROW_IS_BAD = 1_000
ACTORS = 2

# Ray sets options of its own that it has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context")


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
        "cost": [0.002],
        "error": [None],
    }


def test_every_argument_is_sent() -> None:
    """What is the same for all rows stands in each request."""
    transport = ScriptedTransport()
    reranker = Reranker(
        "m",
        top_n=1,
        provider={"sort": "price"},
        session_id="s",
        trace={"trace_name": "t"},
        user="u",
        transport=transport,
    )

    rerank(reranker, make_table([("q", ["a", "b"])]))

    assert transport.bodies == [
        {
            "model": "m",
            "query": "q",
            "documents": ["a", "b"],
            "top_n": 1,
            "provider": {"sort": "price"},
            "session_id": "s",
            "trace": {"trace_name": "t"},
            "user": "u",
        }
    ]


@pytest.mark.parametrize(
    ("query", "documents", "error"),
    [
        (None, ["a"], "TypeError: query: expected str, got NoneType"),
        (" ", ["a"], "ValueError: query: must not be blank"),
        ("q", None, "TypeError: documents: expected an iterable of documents, got NoneType"),
        ("q", [], "ValueError: documents: must not be empty"),
        ("q", ["a", ""], "ValueError: documents: blank at positions 1"),
        (
            "q",
            ["a", None],
            "TypeError: documents[1]: expected str, mapping or DocumentRequest, got NoneType",
        ),
    ],
)
def test_bad_row_is_a_row_with_its_error(query: object, documents: object, error: str) -> None:
    """A row that cannot be sent says why, and the rows around it are reranked."""
    reranker = make_reranker()

    columns = rerank(reranker, make_table([("q", ["a"]), (query, documents), ("q", ["b"])]))

    assert columns["error"] == [None, error, None]
    assert columns["order"] == [[0], None, [0]]


def test_failed_row_is_a_row_with_its_error() -> None:
    """A row whose call fails says so, and the rows around it are reranked."""

    def refuse(request: httpx.Request) -> httpx.Response:
        return answer(400 if b"bad" in request.content else 200).build(request)

    reranker = make_reranker(*[refuse] * 3)

    columns = rerank(reranker, make_table([("q", ["a"]), ("bad", ["a"]), ("q", ["a"])]))

    assert columns["error"] == [None, "BadRequestResponseError: 400: scripted error", None]
    assert [columns["order"][1], columns["scores"][1], columns["cost"][1]] == [None, None, None]


def test_refused_key_sends_nothing_more() -> None:
    """After a 401, the rows that are left, and those of later batches, fail without a request."""
    transport = ScriptedTransport(401, 401)
    reranker = Reranker("m", max_concurrency=2, api_key=lambda: KEY, transport=transport)
    table = make_table([("q", ["a"])] * 4)

    first = reranker(table).to_pydict()["error"]
    second = rerank(reranker, table)["error"]

    classes = Counter(error.partition(":")[0] for error in first + second)
    assert classes["UnauthorizedResponseError"] == len(transport.requests) <= 2
    assert classes["RunStoppedError"] == 8 - len(transport.requests)
    assert KEY not in str(first + second)


def test_retry_does_not_wait_for_the_next_batch() -> None:
    """The last row of a batch is sent again before the batch is given back."""
    reranker = make_reranker(answer(503, retry_after=0), 200, max_concurrency=2)

    columns = rerank(reranker, make_table([("q", ["a"])]))

    assert columns["error"] == [None]


def test_batch_after_one_that_raised_is_reranked() -> None:
    """What the function for the key raises ends its batch alone, and no row is mixed up."""
    keys: dict[str, str] = {}
    reranker = Reranker("m", api_key=lambda: keys["key"], transport=ScriptedTransport())

    with pytest.raises(KeyError):
        reranker(make_table([("lost", ["a"])] * 9))
    keys["key"] = KEY
    columns = rerank(reranker, make_table([("q", ["a"]), ("q", ["a", "b"])]))

    assert columns["order"] == [[0], [0, 1]]


def test_rate_is_shared_out_and_holds_across_batches() -> None:
    """One of two actors keeps to half of the rate, and no batch begins with requests for free."""
    reranker = make_reranker(requests_per_minute=60 * 80, actors=2)
    table = make_table([("q", ["a"])] * 5)
    began = time.monotonic()

    for _ in range(8):
        reranker(table)
    elapsed = time.monotonic() - began

    reranker.close()
    assert elapsed > 0.9 * 39 / 40


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
    assert list(given.columns) == ["query", "documents", "order", "scores", "cost", "error"]
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


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"model": ""}, ValueError, "model"),
        ({"top_n": 0}, ValueError, "top_n"),
        ({"query_column": None}, TypeError, "query_column"),
        ({"max_concurrency": 1}, ValueError, "max_concurrency"),
        ({"actors": 0}, ValueError, "actors"),
        ({"actors": 2, "requests_per_minute": 0}, ValueError, "requests_per_minute"),
        ({"requests_per_minute": 60}, ValueError, "actors"),
        ({"session_id": 5}, TypeError, "session_id"),
        ({"server_url": "nowhere"}, ValueError, "server_url"),
    ],
)
def test_wrong_argument_is_refused_at_once(
    arguments: dict[str, Any], kind: type[Exception], message: str
) -> None:
    """What is wrong with every row is an error before the first one."""
    arguments = {"model": "m"} | arguments

    with pytest.raises(kind, match=message):
        Reranker(**arguments)


def test_key_as_text_is_refused_without_showing_it() -> None:
    """Text would stand in Ray's records of the job's arguments."""
    with pytest.raises(TypeError, match="OPENROUTER_API_KEY") as caught:
        Reranker("m", api_key=KEY)  # type: ignore[arg-type]

    assert KEY not in str(caught.value)


def test_instance_cannot_be_pickled() -> None:
    """Given to `map_batches` in the class's place, it says what to give."""
    reranker = make_reranker()

    with pytest.raises(TypeError, match="give map_batches the class"):
        pickle.dumps(reranker)
    reranker.close()


def test_client_is_closed_with_the_callable() -> None:
    """When Ray drops the callable, its client is closed."""
    closed: list[bool] = []

    class Transport(httpx.BaseTransport):
        def close(self) -> None:
            closed.append(True)

    reranker = Reranker("m", transport=Transport())
    assert not closed

    del reranker
    gc.collect()

    assert closed == [True]


class Products:
    """
    A model whose every score is known, and which counts what is asked of it.

    Attributes:
        asked: The query of each request that was answered.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.asked: list[str] = []

    def rank(
        self, query: str, documents: Sequence[str], *, checkpoint: Callable[[], None]
    ) -> Ranking:
        """Score numbers."""
        checkpoint()
        self.asked.append(query)
        return Ranking([score(query, document) for document in documents], 1)


def score(query: str, document: str) -> float:
    """Give any two documents of a query different scores, if they are different and below 997."""
    return int(query) * int(document) % 997 / 997


def make_numbers() -> list[tuple[str, list[str]]]:
    """Make the rows of the large test, some of them without documents."""
    return [
        (str(1 + row % 996), [str(1 + row % 7 + n) for n in range(1 + row % 3)])
        if row % EVERY_NTH_ROW_IS_BAD
        else ("1", [])
        for row in range(ROWS)
    ]


def rank_numbers(query: str, documents: list[str]) -> tuple[list[int] | None, list[float] | None]:
    """Return the order and the scores that a row is to have."""
    if not documents:
        return None, None
    scores = [score(query, document) for document in documents]
    order = sorted(range(len(documents)), key=lambda index: -scores[index])
    return order, [scores[index] for index in order]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Give a Ray of this machine alone, whose actors find the key and a server by themselves."""
    ray = pytest.importorskip("ray", reason="ray cannot be imported", exc_type=ImportError)
    with (
        pytest.MonkeyPatch.context() as patch,
        # Short, since the paths of Ray's sockets are long.
        tempfile.TemporaryDirectory(prefix="ray") as directory,
        local.running(api_key=KEY) as url,
    ):
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        patch.setenv("OPENROUTER_API_KEY", KEY)
        patch.setenv("OPENROUTER_BASE_URL", url)
        ray.init(
            address="local",
            num_cpus=2,
            include_dashboard=False,
            object_store_memory=100 * 1024 * 1024,
            log_to_driver=False,
            logging_level="ERROR",
            _temp_dir=directory,
        )
        yield ray
        ray.shutdown()


def test_two_actors_rerank_every_row_despite_429s(cluster: Any, tmp_path: Path) -> None:
    """10,000 rows of a Parquet file each have their order and scores, or their error, once."""
    numbers = make_numbers()
    model = Products()
    faults = Faults(["ok"] * (EVERY_NTH_IS_THROTTLED - 1) + [429], retry_after=0)

    # A class of a function is sent to the actors by value, as they cannot import this module.
    class Marked(Reranker):
        def __call__(self, batch: Any) -> Any:
            pids = [os.getpid()] * batch.num_rows
            return super().__call__(batch).append_column("actor", [pids])

    pq.write_table(make_table(numbers), tmp_path / "rows.parquet")
    with local.running(model, api_key=KEY, faults=faults) as url:
        rows = cluster.data.read_parquet(str(tmp_path / "rows.parquet"))
        rows.repartition(target_num_rows_per_block=500).map_batches(
            Marked,
            fn_constructor_kwargs={
                "model": "m",
                "server_url": url,
                "max_concurrency": 32,
                "retry_config": RetryConfig(max_attempts=10),
            },
            compute=cluster.data.ActorPoolStrategy(size=ACTORS),
            num_cpus=0.5,
            batch_size=500,
            batch_format="pyarrow",
        ).write_parquet(str(tmp_path / "ranked"))

    ranked = pq.read_table(tmp_path / "ranked").sort_by("id").to_pydict()
    expected = [rank_numbers(query, documents) for query, documents in numbers]
    assert ranked["id"] == list(range(ROWS))
    assert ranked["query"] == [query for query, _ in numbers]
    assert ranked["order"] == [order for order, _ in expected]
    assert ranked["scores"] == [scores for _, scores in expected]
    assert Counter(ranked["error"]) == {
        None: ROWS - ROWS // EVERY_NTH_ROW_IS_BAD,
        "ValueError: documents: must not be empty": ROWS // EVERY_NTH_ROW_IS_BAD,
    }
    assert sorted(model.asked) == sorted(query for query, documents in numbers if documents)
    assert len(set(ranked["actor"])) == ACTORS


def test_refused_key_does_not_end_the_job(cluster: Any) -> None:
    """On a cluster, too, rows without a valid key are rows with their error."""
    with local.running(Products(), api_key="sk-or-other") as url:
        rows = (
            cluster.data.from_arrow(make_table([("1", ["1"])] * 20))
            .map_batches(
                Reranker,
                fn_constructor_kwargs={"model": "m", "server_url": url},
                compute=cluster.data.ActorPoolStrategy(size=1),
                num_cpus=0.5,
                batch_size=5,
            )
            .take_all()
        )

    classes = Counter(row["error"].partition(":")[0] for row in rows)
    assert set(classes) == {"UnauthorizedResponseError", "RunStoppedError"}
    assert classes.total() == 20


# So few rows are one block, which keeps one actor busy.
@pytest.mark.filterwarnings("ignore:The minimum number of concurrent actors:UserWarning")
def test_readme_example_runs(cluster: Any, tmp_path: Path) -> None:
    """The example ranks a file of queries with the model of the embedded server."""
    rows = [("the capital of France", ["Bread is made of flour.", "Paris is in France."])] * 20
    pq.write_table(make_table(rows), tmp_path / "queries.parquet")
    example = read_example("Ray Data").replace("s3://bucket", str(tmp_path))
    (tmp_path / "example.py").write_text(example)

    runpy.run_path(str(tmp_path / "example.py"))

    ranked = pq.read_table(tmp_path / "ranked").to_pydict()
    assert ranked["error"] == [None] * 20
    assert ranked["order"] == [[1, 0]] * 20
