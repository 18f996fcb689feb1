"""A small evaluation, made by hand, with a value in each place."""

from openrouter_rerank.evaluation import (
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


def estimate(value: float) -> Estimate:
    """Make an estimate with an interval around it."""
    return Estimate(value=value, low=value - 0.1, high=value + 0.1)


def compare(difference: float, p: float) -> Comparison:
    """Make a comparison over two queries."""
    return Comparison(
        difference=estimate(difference), p=p, corrected_p=min(2 * p, 1.0), wins=1, ties=1, losses=0
    )


def make_evaluation() -> Evaluation:
    """Make an evaluation of one model at one depth over two queries."""
    first_stage = SystemResult(
        name=NO_RERANKER,
        model=None,
        depth=None,
        measures={"nDCG@10": estimate(0.5), "MRR": estimate(0.4)},
        per_query=[0.5, 0.5],
        cost_per_1000_queries=0.0,
        latency=None,
        against_no_reranker=None,
        against_best=compare(-0.25, 0.04),
        threshold=None,
    )
    reranked = SystemResult(
        name="a/model, depth 10",
        model="a/model",
        depth=10,
        measures={"nDCG@10": estimate(0.75), "MRR": estimate(0.6)},
        per_query=[1.0, 0.5],
        cost_per_1000_queries=None,
        latency=Latency(p50_ms=120.0, p95_ms=300.0, count=2),
        against_no_reranker=compare(0.25, 0.04),
        against_best=None,
        threshold=Threshold(min_score=0.3, kept=1.0, dropped=0.5),
        calls=2,
        failures=[FailedCall(query_id="q2", error="RateLimitError", message="too many")],
    )
    documents = {
        "d1": ShownDocument(grade=2, text="Berlin"),
        "d2": ShownDocument(grade=0, text="Bonn"),
        "d3": ShownDocument(grade=None, text="Ulm"),
    }
    queries = [
        QueryResult(
            id=f"q{number}",
            text="Which city?",
            orders={
                NO_RERANKER: ["d2", "d1", "d3"],
                "a/model, depth 10": ["d1", "d2", "d3"],
            },
            documents=documents,
            relevant_count=1,
        )
        for number in (1, 2)
    ]
    return Evaluation(
        dataset=DatasetSummary(
            name="cities",
            query_count=2,
            document_count=3,
            first_stage="BM25",
            problems=[Problem(kind="unknown documents", count=1, examples=["d9"])],
        ),
        measures=["nDCG@10", "MRR"],
        systems=[first_stage, reranked],
        ceilings=[Ceiling(depth=10, recall=estimate(0.9), best=estimate(0.9))],
        queries=queries,
        cost=None,
        verdict=["Take a/model."],
    )
