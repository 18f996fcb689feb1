"""The verdict: which model to take and how deep, in plain words. Pure."""

import math
from collections.abc import Sequence
from typing import cast

from ._results import Ceiling, Comparison, SystemResult

SIGNIFICANCE = 0.05
# A system that keeps this share of the best gain may be taken instead, if it is cheaper.
KEPT_SHARE = 0.9
_SMALLEST_P = 0.001
# A gain that would be worth more queries, in the main measure.
_NOTABLE_GAIN = 0.01


def choose_system(systems: Sequence[SystemResult], measure: str) -> SystemResult | None:
    """
    Choose the system to take; None for no reranker.

    Of those that are significantly better than no reranker, keep nine tenths of the highest gain
    and are not significantly worse than the best, it is the cheapest; of equal price, the one with
    fewer documents; of equal depth, the better one. An unknown price counts as the highest.

    Args:
        systems: No reranker first.
        measure: The main measure.
    """
    better = [system for system in systems if _is_better(system.against_no_reranker)]
    highest = max((_read_gain(system) for system in better), default=0.0)
    fitting = [
        system
        for system in better
        if _read_gain(system) >= KEPT_SHARE * highest and not _is_worse(system.against_best)
    ]
    return min(fitting, key=lambda system: _rank_choice(system, measure), default=None)


def write_verdict(
    systems: Sequence[SystemResult], ceilings: Sequence[Ceiling], measure: str
) -> list[str]:
    """
    Say which system to take, what it costs, and how sure that is, in sentences.

    Args:
        systems: No reranker first.
        ceilings: What is possible at each depth.
        measure: The main measure.
    """
    chosen = choose_system(systems, measure)
    failed = [system for system in systems if system.calls and _has_failed(system)]
    if failed and len(failed) == len(systems) - 1:
        sentences = ["No verdict: all calls failed, so nothing was reranked."]
    elif chosen is None:
        sentences = _advise_against(systems, measure)
    else:
        sentences = _advise_for(chosen, systems, measure)
        sentences += [
            f"A perfect reranker of as many candidates would reach {ceiling.best.value:.3f}."
            for ceiling in ceilings
            if ceiling.depth == chosen.depth
        ]
    sentences += [
        f"{len(system.failures):,} of the {system.calls:,} calls of {system.name} failed and count "
        "as not reranked."
        for system in systems
        if system.failures
    ]
    sentences += [
        f"{system.name} makes the ranking significantly worse: "
        f"{_describe(_compare(system), len(systems) - 1)}."
        for system in systems
        if _is_worse(system.against_no_reranker)
    ]
    return sentences


def _advise_against(systems: Sequence[SystemResult], measure: str) -> list[str]:
    alone = systems[0].measures[measure].value
    queries = len(systems[0].per_query)
    verdict = (
        "Do not rerank: no model is significantly better than the first stage alone, which has "
        f"{measure} {alone:.3f} on these {queries:,} queries."
    )
    sentences = [verdict]
    if len(systems) == 1:
        return sentences
    best = max(systems[1:], key=lambda system: system.measures[measure].value)
    comparison = _compare(best)
    sentences.append(
        f"The best of them is {best.name} with {best.measures[measure].value:.3f}: "
        f"{_describe(comparison, len(systems) - 1)}."
    )
    if comparison.difference.high >= _NOTABLE_GAIN:
        sentences.append(
            f"That does not rule out a gain of up to {comparison.difference.high:.3f}; more judged "
            "queries would tell."
        )
    return sentences


def _advise_for(chosen: SystemResult, systems: Sequence[SystemResult], measure: str) -> list[str]:
    alone = systems[0].measures[measure].value
    verdict = (
        f"Take {chosen.model} at depth {chosen.depth}: {measure} "
        f"{chosen.measures[measure].value:.3f} instead of {alone:.3f} without a reranker."
    )
    sentences = [
        verdict,
        f"How sure that is: {_describe(_compare(chosen), len(systems) - 1)}.",
        _describe_price(chosen),
    ]
    best = max(systems, key=lambda system: system.measures[measure].value)
    if best is not chosen and chosen.against_best is not None:
        lacking = -chosen.against_best.difference.value
        sentences.append(
            f"{best.name} is higher by {lacking:.3f}, which is not significant "
            f"({_write_p(chosen.against_best.corrected_p)})."
        )
    return sentences


def _describe_price(system: SystemResult) -> str:
    price = system.cost_per_1000_queries
    if price is None and system.read_from_depth is not None:
        text = (
            f"What it costs at this depth is unknown, since its scores were read off depth "
            f"{system.read_from_depth}"
        )
    elif price is None:
        text = "What it costs is unknown, since its replies do not say"
    elif price == 0:
        text = "It costs no credits"
    else:
        text = f"It costs {price:.4g} credits per 1,000 queries"
    if system.latency is not None:
        latency = system.latency
        text += (
            f"; half of its calls took less than {latency.p50_ms:,.0f} ms, 95 % less than "
            f"{latency.p95_ms:,.0f} ms"
        )
    return f"{text}."


def _describe(comparison: Comparison, count: int) -> str:
    difference = comparison.difference
    corrected = f", corrected for {count} comparisons" if count > 1 else ""
    return (
        f"{difference.value:+.3f}, 95 % interval {difference.low:+.3f} to {difference.high:+.3f}, "
        f"{_write_p(comparison.corrected_p)}{corrected}; {comparison.wins:,} queries gain, "
        f"{comparison.losses:,} lose, {comparison.ties:,} stay the same"
    )


def _write_p(p: float) -> str:
    return "p < 0.001" if p < _SMALLEST_P else f"p = {p:.3f}"


def _is_better(comparison: Comparison | None) -> bool:
    return _is_significant(comparison, 1)


def _is_worse(comparison: Comparison | None) -> bool:
    return _is_significant(comparison, -1)


def _is_significant(comparison: Comparison | None, sign: int) -> bool:
    return (
        comparison is not None
        and comparison.corrected_p < SIGNIFICANCE
        and sign * comparison.difference.value > 0
    )


def _has_failed(system: SystemResult) -> bool:
    return len(system.failures) == system.calls


def _read_gain(system: SystemResult) -> float:
    return _compare(system).difference.value


def _compare(system: SystemResult) -> Comparison:
    """Return how a system compares with no reranker, which is not the system itself."""
    return cast("Comparison", system.against_no_reranker)


def _rank_choice(system: SystemResult, measure: str) -> tuple[float, int, float]:
    price = system.cost_per_1000_queries
    return (
        math.inf if price is None else price,
        system.depth or 0,
        -system.measures[measure].value,
    )
