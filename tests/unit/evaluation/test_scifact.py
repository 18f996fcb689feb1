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
def test_bm25_reaches_the_published_quality() -> None:
    """Anserini publishes about 0.679 over all queries, with the same k1 and b."""
    dataset = add_candidates(read_dataset(FOLDER), BM25(), 30)
    (ndcg,) = read_measures(["nDCG@10"])

    values = [ndcg.compute(query.candidates or (), query.grades) for query in dataset.queries]

    means = [sum(values[:count]) / count for count in (150, 300)]
    assert len(values) == 300
    assert means == pytest.approx([0.705, 0.676], abs=0.001)
