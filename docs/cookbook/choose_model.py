"""Which model, and how deep, on your own queries. Needs the extra `eval`."""

from pathlib import Path

from openrouter_rerank import OpenRouter
from openrouter_rerank.evaluation import demo_folder, evaluate, read_dataset


def compare(client: OpenRouter, queries: Path, models: list[str]) -> None:
    """Rerank each query with each model at two depths, and say what came of it."""
    evaluation = evaluate(
        client,
        read_dataset(queries),
        models=models,
        depths=[10, 30],
        folder="kept",  # goes on after a kill without paying for a call twice
        max_cost=5,
    )
    for system in evaluation.systems:
        print(system.name, f"{system.measures['nDCG@10'].value:.2f}")
        #> no reranker 0.67
        #> cohere/rerank-5-fast, depth 10 0.85
        #> cohere/rerank-5-fast, depth 30 0.85
        #> local/minilm, depth 10 0.85
        #> local/minilm, depth 30 0.85
    # The other sentences say how sure that is, what it costs and how long it takes.
    print(evaluation.verdict[0])
    #> Take cohere/rerank-5-fast at depth 10: nDCG@10 0.846 instead of 0.668 without a reranker.


if __name__ == "__main__":
    # Yours: a folder of BEIR's shape, or JSON Lines.
    with OpenRouter() as client:
        compare(client, demo_folder(), ["cohere/rerank-5-fast", "local/minilm"])
