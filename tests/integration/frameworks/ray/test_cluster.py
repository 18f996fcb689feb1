"""The callable in a local Ray with two actors; all tests share one Ray."""

import os
import secrets
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from integration.frameworks.ray.tables import KEY, make_table
from openrouter_rerank import RetryConfig, local
from openrouter_rerank.local import Faults, Ranking
from openrouter_rerank.ray import Reranker

pq: Any = pytest.importorskip("pyarrow.parquet", reason="pyarrow cannot be imported")
ROWS = 2_000
ROWS_PER_BATCH = 100
EVERY_NTH_IS_THROTTLED = 100
EVERY_NTH_ROW_IS_BAD = 200
ACTORS = 2
# Ray sets options of its own that it has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context")


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
    """Make the rows of the large test, some of them without documents or a query."""
    return [
        (str(1 + row % 996), [str(1 + row % 7 + n) for n in range(1 + row % 3)])
        if row % EVERY_NTH_ROW_IS_BAD
        else (("1", []) if row % (2 * EVERY_NTH_ROW_IS_BAD) else (" ", ["1"]))
        for row in range(ROWS)
    ]


def rank_numbers(query: str, documents: list[str]) -> tuple[list[int] | None, list[float] | None]:
    """Return the order and the scores that a row is to have."""
    if not query.strip():
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
    """Each of 2,000 rows of a Parquet file has its order and scores, or its error, once."""
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
        rows.repartition(target_num_rows_per_block=ROWS_PER_BATCH).map_batches(
            Marked,
            fn_constructor_kwargs={
                "model": "m",
                "server_url": url,
                "max_concurrency": 32,
                "retry_config": RetryConfig(max_attempts=10),
            },
            compute=cluster.data.ActorPoolStrategy(size=ACTORS),
            num_cpus=0.5,
            batch_size=ROWS_PER_BATCH,
            batch_format="pyarrow",
        ).write_parquet(str(tmp_path / "ranked"))

    ranked = pq.read_table(tmp_path / "ranked").sort_by("id").to_pydict()
    expected = [rank_numbers(query, documents) for query, documents in numbers]
    assert ranked["id"] == list(range(ROWS))
    assert ranked["query"] == [query for query, _ in numbers]
    assert ranked["order"] == [order for order, _ in expected]
    assert ranked["scores"] == [scores for _, scores in expected]
    bad = ROWS // EVERY_NTH_ROW_IS_BAD // 2
    assert Counter(ranked["error"]) == {
        None: ROWS - bad,
        "ValueError: query: must not be blank": bad,
    }
    assert sorted(model.asked) == sorted(
        query for query, documents in numbers if documents and query.strip()
    )
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
