"""BM25 on SciFact, which is no part of this repository, but may lie beside it."""

import os
from pathlib import Path

import pytest
from openrouter_rerank.evaluation import BM25, read_dataset
from openrouter_rerank.evaluation._first_stage import add_candidates
from openrouter_rerank.evaluation._measures import read_measures

BESIDE = Path(__file__).resolve().parents[4] / "shared" / "data" / "scifact"
FOLDER = Path(os.environ.get("SCIFACT", BESIDE))


@pytest.mark.skipif(
    not FOLDER.is_dir(), reason="SciFact is neither beside this repository nor in SCIFACT"
)
@pytest.mark.parametrize(("count", "expected"), [(150, 0.705), (300, 0.676)])
def test_bm25_reaches_the_published_quality(count: int, expected: float) -> None:
    """Anserini publishes about 0.679 over all queries, with the same k1 and b."""
    dataset = add_candidates(read_dataset(FOLDER).take(count), BM25(), 30)
    (ndcg,) = read_measures(["nDCG@10"])

    values = [ndcg.compute(query.candidates or (), query.grades) for query in dataset.queries]

    assert len(values) == count
    assert sum(values) / count == pytest.approx(expected, abs=0.001)
