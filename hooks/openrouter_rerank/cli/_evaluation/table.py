"""An evaluation as tables and sentences."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from openrouter_rerank.cli._text import shorten

if TYPE_CHECKING:
    from openrouter_rerank.evaluation import (
        Comparison,
        CostEstimate,
        Estimate,
        Evaluation,
        Problem,
        SystemResult,
    )

_DASH = "-"
_SHOWN_FAILURES = 3


def draw_evaluation(evaluation: "Evaluation") -> Iterator[RenderableType]:
    """Draw what was evaluated on, the systems, what failed, and the verdict."""
    data = evaluation.dataset
    yield Text(
        shorten(
            f"{data.query_count:,} queries, {data.document_count:,} documents of {data.name}; "
            f"candidates: {data.first_stage}."
        )
    )
    yield Text()
    yield _draw_quality(evaluation)
    yield Text()
    yield _draw_measures(evaluation)
    yield Text()
    yield _draw_costs(evaluation)
    yield Text()
    for ceiling in evaluation.ceilings:
        yield Text(
            f"The first {ceiling.depth} candidates hold {ceiling.recall.value:.1%} of the relevant "
            f"documents; in perfect order they would reach {ceiling.best.value:.3f}."
        )
    for system in evaluation.systems:
        for failure in system.failures[:_SHOWN_FAILURES]:
            yield Text(
                shorten(f"{system.name}, query {failure.query_id} failed: {failure.message}")
            )
    yield Text()
    for sentence in evaluation.verdict:
        yield Text(shorten(sentence), style="bold")


def _draw_quality(evaluation: "Evaluation") -> Table:
    main = evaluation.main_measure
    table = _make_table("system", main, "95 %", "gain", "p", "won/tied/lost", "p to best")
    for system in evaluation.systems:
        value, alone = system.measures[main], system.against_no_reranker
        table.add_row(
            _name(system),
            f"{value.value:.3f}",
            _show_interval(value),
            _DASH if alone is None else f"{alone.difference.value:+.3f}",
            _show_p(alone),
            _DASH if alone is None else f"{alone.wins}/{alone.ties}/{alone.losses}",
            _show_p(system.against_best),
        )
    return table


def _draw_measures(evaluation: "Evaluation") -> Table:
    table = _make_table("system", *evaluation.measures)
    for system in evaluation.systems:
        values = (system.measures[name].value for name in evaluation.measures)
        table.add_row(_name(system), *(f"{value:.3f}" for value in values))
    return table


def _draw_costs(evaluation: "Evaluation") -> Table:
    table = _make_table("system", "credits/1,000", "p50 ms", "p95 ms", "min_score", "failed")
    for system in evaluation.systems:
        price, latency, threshold = (
            system.cost_per_1000_queries,
            system.latency,
            system.threshold,
        )
        table.add_row(
            _name(system),
            "unknown" if price is None else f"{price:.4g}",
            _DASH if latency is None else f"{latency.p50_ms:,.0f}",
            _DASH if latency is None else f"{latency.p95_ms:,.0f}",
            _DASH if threshold is None else f"{threshold.min_score:.4g}",
            f"{len(system.failures):,}" if system.model else _DASH,
        )
    return table


def describe_problem(problem: "Problem") -> str:
    """Say what is wrong with the data, how often, and where."""
    shown = ", ".join(problem.examples)
    more = ", ..." if problem.count > len(problem.examples) else ""
    return shorten(f"{problem.kind}: {problem.count:,}, such as {shown}{more}")


def describe_estimate(estimate: "CostEstimate", max_cost: float | None) -> str:
    """Say how many calls are left, what they will cost, and what was paid."""
    calls = f"{estimate.calls:,} calls with {estimate.documents:,} documents are left to the API, "
    if estimate.cost is None:
        price = f"at a price that the replies of {', '.join(estimate.unknown)} do not tell"
    else:
        price = f"for about {estimate.cost:.4g} credits by the price of those that were made"
    limit = ""
    if estimate.cost is not None and max_cost is not None:
        over = estimate.cost + estimate.spent > max_cost
        limit = f", which is more than --max-cost {max_cost:g} allows" if over else ""
    return f"{calls}{price}{limit}; {estimate.spent:.4g} credits are paid."


def _make_table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for at, name in enumerate(names):
        table.add_column(name, justify="right" if at else "left", no_wrap=bool(at))
    return table


def _name(system: "SystemResult") -> Text:
    return Text(shorten(system.name))


def _show_interval(value: "Estimate") -> str:
    return f"{value.low:.3f} to {value.high:.3f}"


def _show_p(comparison: "Comparison | None") -> str:
    if comparison is None:
        return _DASH
    p = comparison.corrected_p
    return "<0.001" if p < 0.001 else f"{p:.3f}"
