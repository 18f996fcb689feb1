"""
Compare rerank models on your own queries: quality, cost and latency at each depth.

`Evaluation` is what comes of it; its `to_dict` gives the JSON of `openrouter-rerank eval --json`.
"""

from ._demo import demo_folder
from ._results import (
    NO_RERANKER,
    Ceiling,
    Comparison,
    DatasetSummary,
    Estimate,
    Evaluation,
    FailedCall,
    Latency,
    Problem,
    QueryResult,
    ShownDocument,
    SystemResult,
    Threshold,
)

__all__ = [
    "NO_RERANKER",
    "Ceiling",
    "Comparison",
    "DatasetSummary",
    "Estimate",
    "Evaluation",
    "FailedCall",
    "Latency",
    "Problem",
    "QueryResult",
    "ShownDocument",
    "SystemResult",
    "Threshold",
    "demo_folder",
]
