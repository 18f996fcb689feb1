"""The page of the report: what its template is given."""

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from openrouter_rerank._data_files import read_data_file
from openrouter_rerank.evaluation._results import NO_RERANKER, Evaluation, QueryResult

from .charts import draw_depths, draw_differences, draw_trade_off
from .extra import import_package
from .markers import find_colour, find_outline
from .numbers import Numbers
from .series import Series, find_hurt_queries, group_systems, list_differences

PACKAGE = "openrouter_rerank.evaluation"
MAX_SHOWN_FAILURES = 5
SHOWN_DOCUMENTS = 5


@frozen(kw_only=True)
class Entry:
    """
    A document in one of the two orders of a query.

    Attributes:
        place: Where it stands, from 1 on.
        id: Its id.
        text: Its beginning.
        grade: As in `ShownDocument`.
        is_relevant: As in `ShownDocument`.
        change: Where it stood in the order before, in words; nothing for that order itself.
    """

    place: int
    id: str
    text: str
    grade: int | None
    is_relevant: bool
    change: str


def render_page(evaluation: Evaluation) -> str:
    """
    Render the whole page.

    Raises:
        DataFileError: The template is missing from the package.
        ModuleNotFoundError: A package of the extra `report` is not installed.
    """
    jinja2 = import_package("jinja2")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(read_data_file(PACKAGE, "data/report.html"))
    series = group_systems(evaluation)
    page: str = template.render(
        css=read_data_file(PACKAGE, "data/report.css"),
        evaluation=evaluation,
        series=series,
        find_outline=find_outline,
        find_colour=find_colour,
        model_numbers={each.model: each.number for each in series},
        number=Numbers(evaluation.to_dict()),
        charts=_draw_charts(evaluation, series),
        unknown_costs=[
            system.name for system in evaluation.systems if system.cost_per_1000_queries is None
        ],
        differences=_draw_all_differences(evaluation, series),
        find_hurt_queries=find_hurt_queries,
        list_entries=list_entries,
        no_reranker=NO_RERANKER,
        max_shown_failures=MAX_SHOWN_FAILURES,
    )
    return page


def list_entries(query: QueryResult, name: str) -> list[Entry]:
    """List the first five documents in the order of a system, and the relevant ones after them."""
    before = {document: place for place, document in enumerate(query.orders[NO_RERANKER], start=1)}
    entries: list[Entry] = []
    for place, document in enumerate(query.orders[name], start=1):
        shown = query.documents[document]
        change = "" if name == NO_RERANKER else _describe_change(before.get(document), place)
        if place <= SHOWN_DOCUMENTS or shown.is_relevant:
            entries.append(
                Entry(
                    place=place,
                    id=document,
                    text=shown.text,
                    grade=shown.grade,
                    is_relevant=shown.is_relevant,
                    change=change,
                )
            )
    return entries


def _describe_change(before: int | None, after: int) -> str:
    if before is None:
        return "up from further down"
    if before == after:
        return "as before"
    return f"{'up' if after < before else 'down'} from {before}"


def _draw_charts(evaluation: Evaluation, series: Sequence[Series]) -> dict[str, str | None]:
    if not series:
        return {"depth": None, "cost": None, "latency": None}
    measured = [system for system in evaluation.systems if system.latency]
    return {
        "depth": draw_depths(evaluation, series),
        "cost": draw_trade_off(
            evaluation,
            series,
            name="cost",
            label="credits for 1,000 queries",
            find=lambda system: system.cost_per_1000_queries,
        ),
        # A single one has nothing to be compared with.
        "latency": draw_trade_off(
            evaluation,
            series,
            name="latency",
            label="median latency in milliseconds",
            find=lambda system: system.latency.p50_ms if system.latency else None,
        )
        if len(measured) > 1
        else None,
    }


def _draw_all_differences(evaluation: Evaluation, series: Sequence[Series]) -> list[Any]:
    differences = [list_differences(evaluation, each.best) for each in series]
    limit = max([0.1, *(abs(value) for values in differences for value in values)]) * 1.05
    return [
        (each, draw_differences(f"differences-{each.number}", each.model, values, limit))
        for each, values in zip(series, differences, strict=True)
    ]
