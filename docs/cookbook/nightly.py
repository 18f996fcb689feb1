"""A nightly job that stops at a budget, and goes on from there the next night."""

import json
from pathlib import Path

from openrouter_rerank import OpenRouter, RerankJob
from openrouter_rerank.errors import RunStoppedError


def read_ids(results: Path) -> set[str]:
    """Return which queries were ranked on earlier nights."""
    lines = results.read_text().splitlines() if results.exists() else []
    return {json.loads(line)["id"] for line in lines}


def rank_queries(queries: Path, results: Path, max_cost: float) -> None:
    """Rank the queries that have no result yet, and write each result at once."""
    done = read_ids(results)
    with OpenRouter() as client, queries.open() as lines, results.open("a", 1) as output:
        rows = (row for row in map(json.loads, lines) if row["id"] not in done)
        jobs = (RerankJob(**row, model="cohere/rerank-5-fast") for row in rows)
        try:
            for outcome in client.rerank.rerank_many(jobs, max_cost=max_cost):
                if outcome.ranking is None:  # the next night tries it again
                    print(outcome.job.id, outcome.error)
                    continue
                order = [ranked.index for ranked in outcome.ranking]
                result = {"id": outcome.job.id, "order": order}
                output.write(json.dumps(result) + "\n")
        except RunStoppedError as stop:
            print(stop)


if __name__ == "__main__":
    row = {"id": "1", "query": "capital of France", "documents": ["Berlin", "Paris"]}
    Path("queries.jsonl").write_text(json.dumps(row) + "\n")
    for _ in range(2):  # the second night finds nothing to do
        rank_queries(Path("queries.jsonl"), Path("results.jsonl"), max_cost=5.0)
    print(Path("results.jsonl").read_text().strip())
    #> {"id": "1", "order": [1, 0]}
