"""From the results of calls to systems that can be compared."""

from collections.abc import Mapping, Sequence

import numpy as np
from attrs import evolve, frozen

from ._datasets import Dataset, Query, show_document
from ._measures import Measure, count_relevant, measure_recall
from ._results import (
    NO_RERANKER,
    Ceiling,
    Comparison,
    Estimate,
    FailedCall,
    Latency,
    QueryResult,
    ShownDocument,
    SystemResult,
    Threshold,
)
from ._runs.calls import CallPlan, CallResult
from ._statistics import Values, compute_p_values, correct_holm, estimate_means

SHOWN_DOCUMENTS = 10
SHOWN_CHARACTERS = 240
QUERIES_OF_A_PRICE = 1000
# One in so many relevant documents may be lost to a `min_score`.
LOST_SHARE = 20


@frozen(kw_only=True)
class System:
    """
    A system with what its calls gave, for each query of the dataset.

    Attributes:
        name: Names it.
        model: None for no reranker.
        depth: None for no reranker.
        read_from_depth: Whose calls gave the scores, if not its own.
        results: What the calls gave; None for a query without candidates or whose call failed.
        calls: How many calls there were.
        failures: The calls that failed.
    """

    name: str
    model: str | None = None
    depth: int | None = None
    read_from_depth: int | None = None
    results: Sequence[CallResult | None] = ()
    calls: int = 0
    failures: Sequence[FailedCall] = ()

    def order(self, position: int, query: Query) -> Sequence[str]:
        """Order the candidates of a query: those with a score, then the others as they came."""
        candidates = query.candidates or ()
        result = self.results[position] if self.results else None
        if result is None or self.depth is None:
            return candidates
        ranked = [index for index, _ in result.scores if index < self.depth]
        with_score = set(ranked)
        rest = [index for index in range(len(candidates)) if index not in with_score]
        return [candidates[index] for index in (*ranked, *rest)]


def gather_systems(
    plan: CallPlan,
    wanted: Mapping[tuple[str, int], int],
    results: Mapping[str, CallResult],
    failures: Mapping[str, FailedCall],
) -> list[System]:
    """
    Gather the results of each system, after that of no reranker.

    Args:
        plan: The calls that were made.
        wanted: For each model and depth, the depth whose calls are used.
        results: What calls gave, by their keys.
        failures: Which calls failed, by their keys.
    """
    systems = [System(name=NO_RERANKER)]
    for (model, depth), read_from in wanted.items():
        calls = plan.calls[model, read_from]
        systems.append(
            System(
                name=f"{model}, depth {depth}",
                model=model,
                depth=depth,
                read_from_depth=None if read_from == depth else read_from,
                results=[None if call is None else results.get(call.key) for call in calls],
                calls=sum(call is not None for call in calls),
                failures=[
                    evolve(failures[call.key], query_id=call.query.id)
                    for call in calls
                    if call is not None and call.key in failures
                ],
            )
        )
    return systems


def compare_systems(
    dataset: Dataset, systems: Sequence[System], measures: Sequence[Measure], seed: int
) -> list[SystemResult]:
    """
    Measure the systems, and compare each with no reranker and with the best.

    Args:
        dataset: The dataset.
        systems: No reranker first.
        measures: The main one first.
        seed: Makes intervals and p the same each time.
    """
    values = np.array(
        [
            [
                [measure.compute(ranking, query.grades) for measure in measures]
                for position, query in enumerate(dataset.queries)
                for ranking in [system.order(position, query)]
            ]
            for system in systems
        ],
        dtype=np.float64,
    )
    count, queries = len(systems), len(dataset.queries)
    flat = values.transpose(1, 0, 2).reshape(queries, count * len(measures))
    estimates = estimate_means(flat, seed)
    main = values[:, :, 0]
    best = int(main.mean(axis=1).argmax())
    against_none = _compare_all(main, 0, seed)
    against_best = _compare_all(main, best, seed)
    return [
        _describe(
            system,
            dataset,
            {
                measure.name: estimates[at * len(measures) + column]
                for column, measure in enumerate(measures)
            },
            main[at].tolist(),
            against_none[at],
            against_best[at],
        )
        for at, system in enumerate(systems)
    ]


def _compare_all(main: Values, reference: int, seed: int) -> list[Comparison | None]:
    """Compare each system, a row, with one of them; None for that one itself."""
    others = [at for at in range(len(main)) if at != reference]
    differences = (main[others] - main[reference]).T
    p = compute_p_values(differences, seed).tolist()
    compared: list[Comparison | None] = [None] * len(main)
    rows = zip(
        others, estimate_means(differences, seed), p, correct_holm(p), differences.T, strict=True
    )
    for at, difference, alone, corrected, column in rows:
        compared[at] = Comparison(
            difference=difference,
            p=alone,
            corrected_p=corrected,
            wins=int((column > 0).sum()),
            ties=int((column == 0).sum()),
            losses=int((column < 0).sum()),
        )
    return compared


def _describe(
    system: System,
    dataset: Dataset,
    measures: Mapping[str, Estimate],
    per_query: Sequence[float],
    against_no_reranker: Comparison | None,
    against_best: Comparison | None,
) -> SystemResult:
    return SystemResult(
        name=system.name,
        model=system.model,
        depth=system.depth,
        read_from_depth=system.read_from_depth,
        measures=measures,
        per_query=per_query,
        cost_per_1000_queries=_compute_price(system),
        latency=_compute_latency(system),
        against_no_reranker=against_no_reranker,
        against_best=against_best,
        threshold=find_threshold(system, dataset.queries),
        calls=system.calls,
        failures=system.failures,
    )


def _compute_price(system: System) -> float | None:
    if system.model is None:
        return 0.0
    costs = [result.cost for result in system.results if result is not None]
    known = [cost for cost in costs if cost is not None]
    if not known or len(known) < len(costs):
        return None
    price = sum(known) / len(known) * QUERIES_OF_A_PRICE
    # What fewer documents cost is not known, but if more are free, they are, too.
    return price if system.read_from_depth is None or price == 0 else None


def _compute_latency(system: System) -> Latency | None:
    if system.read_from_depth is not None:
        return None
    taken = [
        result.latency_ms
        for result in system.results
        if result is not None and result.latency_ms is not None
    ]
    if not taken:
        return None
    p50, p95 = np.percentile(taken, [50, 95]).tolist()
    return Latency(p50_ms=p50, p95_ms=p95, count=len(taken))


def find_threshold(system: System, queries: Sequence[Query]) -> Threshold | None:
    """Find the highest `min_score` that keeps enough of the relevant candidates."""
    relevant: list[float] = []
    others: list[float] = []
    for query, result in zip(queries, system.results, strict=False):
        for index, score in result.scores if result is not None else ():
            if index < (system.depth or 0):
                grade = query.grades.get((query.candidates or ())[index], 0)
                (relevant if grade >= 1 else others).append(score)
    if not relevant:
        return None
    min_score = sorted(relevant)[len(relevant) // LOST_SHARE]
    return Threshold(
        min_score=min_score,
        kept=sum(score >= min_score for score in relevant) / len(relevant),
        dropped=sum(score < min_score for score in others) / len(others) if others else None,
    )


def compute_ceilings(
    dataset: Dataset, depths: Sequence[int], main: Measure, seed: int
) -> list[Ceiling]:
    """Compute what a perfect reranker could reach at each depth."""
    columns: list[list[float]] = []
    for depth in depths:
        recalls: list[float] = []
        bests: list[float] = []
        for query in dataset.queries:
            candidates = query.candidates or ()
            recalls.append(measure_recall(candidates, query.grades, depth))
            perfect = sorted(
                candidates[:depth],
                key=lambda name, grades=query.grades: -grades.get(name, 0),  # type: ignore[misc]
            )
            bests.append(main.compute([*perfect, *candidates[depth:]], query.grades))
        columns += [recalls, bests]
    estimates = estimate_means(np.array(columns, dtype=np.float64).T, seed)
    return [
        Ceiling(depth=depth, recall=estimates[2 * at], best=estimates[2 * at + 1])
        for at, depth in enumerate(depths)
    ]


def show_queries(dataset: Dataset, systems: Sequence[System]) -> list[QueryResult]:
    """Show each query with the first documents of each system."""
    shown: list[QueryResult] = []
    for position, query in enumerate(dataset.queries):
        orders = {
            system.name: list(system.order(position, query)[:SHOWN_DOCUMENTS]) for system in systems
        }
        names = dict.fromkeys(name for order in orders.values() for name in order)
        documents = {
            name: ShownDocument(
                grade=query.grades.get(name), text=_shorten(show_document(dataset.documents[name]))
            )
            for name in names
        }
        shown.append(
            QueryResult(
                id=query.id,
                text=query.text,
                orders=orders,
                documents=documents,
                relevant_count=count_relevant(query.grades),
            )
        )
    return shown


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARACTERS else f"{line[: SHOWN_CHARACTERS - 1]}…"
