"""
Compare rerank models on your own queries: quality, cost and latency at each depth.

`read_dataset` reads queries with judged documents, `evaluate` has models rerank their candidates,
and the `Evaluation` that it returns tells which model to take and how deep, or not to rerank.

It needs the extra `eval`: `pip install "openrouter-rerank[eval]"`. Without it, importing this
package raises a `ModuleNotFoundError` that says so.
"""

from openrouter_rerank._demo import demo_folder

try:
    from ._evaluate import evaluate
except ModuleNotFoundError as error:
    if error.name != "numpy":
        raise
    raise ModuleNotFoundError(
        "openrouter_rerank.evaluation needs the package numpy: "
        'run pip install "openrouter-rerank[eval]"',
        name=error.name,
    ) from error
from ._datasets import Dataset, DatasetError, Document, Query
from ._first_stage import BM25
from ._readers.dataset import read_dataset
from ._report import write_report
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
from ._runs.outcome_file import OutcomeFileError
from ._runs.progress import CostEstimate, EvaluationProgress, EvaluationStoppedError

__all__ = [
    "BM25",
    "NO_RERANKER",
    "Ceiling",
    "Comparison",
    "CostEstimate",
    "Dataset",
    "DatasetError",
    "DatasetSummary",
    "Document",
    "Estimate",
    "Evaluation",
    "EvaluationProgress",
    "EvaluationStoppedError",
    "FailedCall",
    "Latency",
    "OutcomeFileError",
    "Problem",
    "Query",
    "QueryResult",
    "ShownDocument",
    "SystemResult",
    "Threshold",
    "demo_folder",
    "evaluate",
    "read_dataset",
    "write_report",
]
