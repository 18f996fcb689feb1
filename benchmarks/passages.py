"""
Measure what passages change: nDCG@10 of the embedded model on a data set in BEIR's layout.

    python benchmarks/passages.py FOLDER [--queries N] [--passages TOKENS[/OVERLAP] ...]

The candidates are the first thirty of BM25 (k1 0.9, b 0.4, English stop words, Snowball) by title
and text. It needs bm25s and PyStemmer beside the extras `local` and `passages`. Each row is printed
as soon as it is there; one takes minutes.
"""

import argparse
import csv
import gzip
import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import bm25s
import httpx
import Stemmer
from openrouter_rerank import OpenRouter, Passages, local
from openrouter_rerank.local import LOCAL

DEPTH = 30
CUTOFF = 10
Judgements = Mapping[str, Mapping[str, int]]


def main() -> None:
    """Rank with cut documents, and with passages of each size."""
    parser = argparse.ArgumentParser(description="Measure what passages change.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--queries", type=int, default=150, help="how many of the first queries")
    parser.add_argument("--passages", nargs="*", default=["128"], metavar="TOKENS[/OVERLAP]")
    arguments = parser.parse_args()
    documents = read_documents(arguments.folder / "corpus.jsonl.gz")
    queries = read_queries(arguments.folder / "queries.jsonl")[: arguments.queries]
    judgements = read_judgements(arguments.folder / "qrels" / "test.tsv")
    candidates = retrieve(documents, queries)
    pairs = zip(queries, candidates, strict=True)
    print(f"BM25 {mean([score(judgements[name], found) for (name, _), found in pairs]):.4f}")
    with local.client(deadline_ms=None, timeout=httpx.Timeout(None)) as client:
        cut = rank_all(client, documents, queries, candidates, judgements, None)
        print(f"cut {mean(cut):.4f}", flush=True)
        for size in arguments.passages:
            most, _, overlap = size.partition("/")
            passages = Passages(int(most), int(overlap or 0), count=LOCAL.count_tokens)
            split = rank_all(client, documents, queries, candidates, judgements, passages)
            print(f"{size} {mean(split):.4f}, {compare(split, cut)}", flush=True)


def read_documents(file: Path) -> dict[str, str]:
    """Read title and text of each document."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows: list[dict[str, str]] = list(map(json.loads, lines))
    return {row["_id"]: f"{row['title']} {row['text']}" for row in rows}


def read_queries(file: Path) -> list[tuple[str, str]]:
    """Read id and text of each query."""
    rows = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return [(row["_id"], row["text"]) for row in rows]


def read_judgements(file: Path) -> Judgements:
    """Read how relevant the judged documents of each query are."""
    judgements: defaultdict[str, dict[str, int]] = defaultdict(dict)
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            judgements[row["query-id"]][row["corpus-id"]] = int(row["score"])
    return judgements


def retrieve(documents: Mapping[str, str], queries: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Return the first documents of each query by BM25."""
    names = list(documents)
    stemmer = Stemmer.Stemmer("english")

    def tokenize(texts: list[str]) -> Any:
        return bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False)

    index = bm25s.BM25(k1=0.9, b=0.4)
    index.index(tokenize(list(documents.values())), show_progress=False)
    found, _ = index.retrieve(tokenize([text for _, text in queries]), k=DEPTH, show_progress=False)
    return [[names[at] for at in row] for row in found]


def rank_all(
    client: OpenRouter,
    documents: Mapping[str, str],
    queries: Sequence[tuple[str, str]],
    candidates: Sequence[Sequence[str]],
    judgements: Judgements,
    passages: Passages | None,
) -> list[float]:
    """Return each query's nDCG."""
    scores: list[float] = []
    for (name, text), found in zip(queries, candidates, strict=True):
        ranking = client.rerank.rank(
            found, key=documents.__getitem__, query=text, model="local", passages=passages
        )
        scores.append(score(judgements[name], [each.item for each in ranking]))
    return scores


def score(judged: Mapping[str, int], order: Sequence[str]) -> float:
    """Return the nDCG of an order, with the relevance itself as its gain."""
    best = sum_gains(sorted(judged.values(), reverse=True))
    return sum_gains([judged.get(name, 0) for name in order]) / best


def sum_gains(gains: Sequence[int]) -> float:
    """Return the discounted sum of the first gains."""
    return sum(gain / math.log2(rank) for rank, gain in enumerate(gains[:CUTOFF], 2))


def mean(scores: Sequence[float]) -> float:
    """Return the mean."""
    return math.fsum(scores) / len(scores)


def compare(scores: Sequence[float], others: Sequence[float]) -> str:
    """Say for how many queries one is better, or worse."""
    pairs = list(zip(scores, others, strict=True))
    better = sum(one > other for one, other in pairs)
    return f"better for {better} queries, worse for {sum(one < other for one, other in pairs)}"


if __name__ == "__main__":
    main()
