"""Jobs on a local Ray, with the wheel and its extra alone; all tests share one run of them."""

import json
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from documentation.first_example import read_example
from openrouter_rerank import local
from openrouter_rerank.local import Faults, Ranking

JOBS = Path(__file__).with_name("ray_jobs.py")
KEY = "sk-or-ray"
ROWS = 400
ROWS_PER_BATCH = 20
EVERY_NTH_IS_THROTTLED = 20
EVERY_NTH_ROW_IS_BAD = 40
ACTORS = 2
SECONDS = 300
# Where the page's job differs here: its files, the size of its batches, and rows that say who
# reranked them.
CHANGES = {
    "s3://bucket/": "",
    "512": str(ROWS_PER_BATCH),
    "    Reranker,": "    Marked,",
}
ENVIRONMENT = {
    "OPENROUTER_API_KEY": KEY,
    "PATH": os.defpath,
    "RAY_USAGE_STATS_ENABLED": "0",
    # One reader is enough for one file, and idle processes wait for work instead of ending.
    "RAY_DATA_PARQUET_FOOTER_NUM_ACTORS": "1",
    "RAY_num_workers_soft_limit": "16",
}
AddExtra = Callable[..., Path]

pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed here")


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
    """Make the rows of the page's job, some of them without documents or a query."""
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


def write_example(folder: Path) -> Path:
    """Write the page's job there, with the changes."""
    text = read_example("frameworks/ray")
    for old, new in CHANGES.items():
        assert old in text
        text = text.replace(old, new)
    example = folder / "example.py"
    example.write_text(text, encoding="utf-8")
    return example


@pytest.fixture(scope="module")
def model() -> Products:
    """Give the model that the page's job asks."""
    return Products()


@pytest.fixture(scope="module")
def became(
    add_extra: AddExtra, model: Products, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Any]]:
    """Run the jobs; return the rows of the page's job, and the errors of the refused one."""
    home = tmp_path_factory.mktemp("jobs")
    rows = [
        {"id": at, "query": query, "documents": documents}
        for at, (query, documents) in enumerate(make_numbers())
    ]
    (home / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
    faults = Faults(["ok"] * (EVERY_NTH_IS_THROTTLED - 1) + [429], retry_after=0)
    # Ray's sockets are in this folder, and their paths have to be short.
    with (
        tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder,
        local.running(model, api_key=KEY, faults=faults) as url,
        local.running(Products(), api_key="sk-or-other") as refusing_url,
    ):
        result = subprocess.run(
            [add_extra("ray"), "-I", JOBS, write_example(home), refusing_url, folder],
            capture_output=True,
            check=False,
            cwd=home,
            env=ENVIRONMENT | {"HOME": str(home), "OPENROUTER_BASE_URL": url},
            text=True,
            timeout=SECONDS,
        )
    assert result.returncode == 0, result.stderr
    became: dict[str, list[Any]] = json.loads(result.stdout.splitlines()[-1])
    return became


def test_every_row_is_reranked_once_despite_429s(
    became: dict[str, list[Any]], model: Products
) -> None:
    """The page's job gives each row of a Parquet file its order and scores, or its error, once."""
    numbers = make_numbers()
    expected = [rank_numbers(query, documents) for query, documents in numbers]

    rows = sorted(became["ranked"], key=lambda row: int(row["id"]))

    assert [row["id"] for row in rows] == list(range(ROWS))
    assert [(row["query"], row["documents"]) for row in rows] == numbers
    assert [(row["order"], row["scores"]) for row in rows] == expected
    bad = ROWS // EVERY_NTH_ROW_IS_BAD // 2
    assert Counter(row["error"] for row in rows) == {
        None: ROWS - bad,
        "ValueError: query: must not be blank": bad,
    }
    assert sorted(model.asked) == sorted(
        query for query, documents in numbers if documents and query.strip()
    )


def test_all_actors_rerank(became: dict[str, list[Any]]) -> None:
    """The rows of the page's job are shared out among as many actors as it says."""
    assert len({row["actor"] for row in became["ranked"]}) == ACTORS


def test_refused_key_does_not_end_the_job(became: dict[str, list[Any]]) -> None:
    """On a cluster, too, rows without a valid key are rows with their error."""
    classes = Counter(error.partition(":")[0] for error in became["refused"])

    assert set(classes) == {"UnauthorizedResponseError", "RunStoppedError"}
    assert classes.total() == 20
