"""The charts of the report, drawn by Matplotlib as SVG that takes its colours from the page."""

import io
import re
from collections.abc import Callable, Sequence
from html import escape
from itertools import groupby
from typing import Any

from openrouter_rerank.evaluation._results import Evaluation, SystemResult

from .extra import import_package
from .markers import COLOURS, find_colour, find_marker
from .series import Series

WIDTH, HEIGHT = 400, 270
DIFFERENCES_HEIGHT = 170
MAX_SEPARATE_BARS = 150
POINTS_PER_INCH = 72

# Matplotlib writes colours as it was given them. These stand for those of the page, which are
# others in the dark.
_NAMES = ("ink", "quiet", "rule", "paper", "gain", "loss", *COLOURS)
_COLOURS = {name: f"#0000{number:02x}" for number, name in enumerate(_NAMES, start=1)}
_SETTINGS = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "openrouter-rerank",  # the same evaluation gives the same bytes
    "text.parse_math": False,
    "font.size": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.edgecolor": _COLOURS["quiet"],
    "axes.labelcolor": _COLOURS["quiet"],
    "axes.formatter.useoffset": False,
    "grid.color": _COLOURS["rule"],
    "xtick.color": _COLOURS["quiet"],
    "ytick.color": _COLOURS["quiet"],
    "ytick.left": False,
    "figure.constrained_layout.use": True,
}
_MIN_TICK_DISTANCE = 0.08
# Shares of the scale: between two models at one depth, and between the first and the last.
_DODGE = 0.022
_MAX_DODGES = 0.12


def draw_depths(evaluation: Evaluation, series: Sequence[Series]) -> str:
    """Draw the main measure of each model over the depth, with no reranker and the ceiling."""

    def draw(axes: Any) -> None:
        ceilings = evaluation.ceilings
        depths = sorted(
            {ceiling.depth for ceiling in ceilings}
            | {system.depth or 1 for each in series for system in each.systems}
        )
        span = max(depths[-1] / depths[0], 2.0)
        dodge = min(_DODGE, _MAX_DODGES / len(series))
        _draw_baseline(axes, evaluation)
        axes.plot(
            [ceiling.depth for ceiling in ceilings],
            [ceiling.best.value for ceiling in ceilings],
            color=_COLOURS["ink"],
            linestyle=(0, (1, 2)),
            marker="_",
        )
        for each in series:
            # Apart from each other, or their intervals would hide one another.
            shift = span ** (dodge * (each.number - (len(series) - 1) / 2))
            points = [((system.depth or 1) * shift, system) for system in each.systems]
            _draw_points(axes, evaluation, each, points)
        axes.set_xscale("log")
        axes.minorticks_off()
        ticks = thin_out(depths, span)
        axes.set_xticks(ticks, list(map(str, ticks)))
        axes.set_xlim(depths[0] / span**0.12, depths[-1] * span**0.12)
        axes.set_xlabel("depth: candidates that are reranked")

    return _draw(
        "depth",
        f"{evaluation.main_measure} of each model by depth, with intervals, beside no reranker "
        "and what a perfect reranker could reach. The tables have the figures.",
        HEIGHT,
        draw,
    )


def draw_trade_off(
    evaluation: Evaluation,
    series: Sequence[Series],
    *,
    name: str,
    label: str,
    find: Callable[[SystemResult], float | None],
) -> str | None:
    """
    Draw the main measure over what it takes, each point with its depth.

    Args:
        evaluation: The evaluation.
        series: Its models.
        name: A name for the chart, of the page's ids.
        label: What it takes, with its unit.
        find: Gives it for a system; None where it is not known, which is not drawn.

    Returns:
        The chart; None if there is nothing to draw, as every value is unknown or 0.
    """
    known = {
        system.name: value
        for each in series
        for system in each.systems
        if (value := find(system)) is not None
    }
    if not any(known.values()):
        return None

    def draw(axes: Any) -> None:
        _draw_baseline(axes, evaluation)
        for each in series:
            points = [
                (known[system.name], system) for system in each.systems if system.name in known
            ]
            _draw_points(axes, evaluation, each, points)
            for x, same in groupby(points, key=lambda point: point[0]):
                systems = [system for _, system in same]
                axes.annotate(
                    ", ".join(str(system.depth) for system in systems),
                    (x, systems[-1].measures[evaluation.main_measure].value),
                    xytext=(6, 4),
                    textcoords="offset points",
                    fontsize=11,
                    color=_COLOURS["ink"],
                )
        axes.set_xlim(-0.04 * max(known.values()), 1.12 * max(known.values()))
        axes.set_xlabel(label)

    return _draw(
        name,
        f"{evaluation.main_measure} of each model at each depth by {label}, with intervals, "
        "beside no reranker. The tables have the figures.",
        HEIGHT,
        draw,
    )


def draw_differences(name: str, model: str, differences: Sequence[float], limit: float) -> str:
    """
    Draw the difference that a model made to each query as bars, the best first.

    Args:
        name: A name for the chart, of the page's ids.
        model: The model.
        differences: The differences, in any order.
        limit: Where the axis ends, below and above, so that charts can be compared.
    """

    def draw(axes: Any) -> None:
        ordered = sorted(differences, reverse=True)
        are_separate = len(ordered) <= MAX_SEPARATE_BARS
        gains = [value for value in ordered if value > 0]
        losses = [value for value in ordered if value < 0]
        _draw_bars(axes, "gain", gains, 0, are_separate=are_separate)
        _draw_bars(axes, "loss", losses, len(ordered) - len(losses), are_separate=are_separate)
        axes.axhline(0, color=_COLOURS["quiet"], linewidth=0.8)
        axes.set_ylim(-limit, limit)
        axes.set_xlim(-0.5, len(ordered))
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)

    return _draw(
        name,
        f"The difference that {model} made to each of {len(differences)} queries, sorted: "
        f"{sum(value > 0 for value in differences)} better, "
        f"{sum(value < 0 for value in differences)} worse.",
        DIFFERENCES_HEIGHT,
        draw,
    )


def thin_out(depths: Sequence[int], span: float) -> list[int]:
    """Leave out depths whose labels would stand on the one before, on a scale by ratios."""
    kept: list[int] = []
    for depth in depths:
        if not kept or depth / kept[-1] >= span**_MIN_TICK_DISTANCE:
            kept.append(depth)
    return kept


def _draw_bars(
    axes: Any, colour: str, values: Sequence[float], start: int, *, are_separate: bool
) -> None:
    """Draw bars from a place on as one outline: thousands of single ones would fill megabytes."""
    edges: list[float] = list(range(start, start + len(values) + 1))
    heights = list(values)
    if are_separate:
        edges = [edge for place in edges[:-1] for edge in (place, place + 0.8)]
        heights = [height for value in values for height in (value, 0.0)][:-1]
    if values:
        axes.stairs(heights, edges, fill=True, color=_COLOURS[colour], linewidth=0)


def _draw_baseline(axes: Any, evaluation: Evaluation) -> None:
    baseline = evaluation.no_reranker.measures[evaluation.main_measure]
    axes.axhspan(baseline.low, baseline.high, color=_COLOURS["quiet"], alpha=0.13, linewidth=0)
    axes.axhline(baseline.value, color=_COLOURS["quiet"], linewidth=1.5)


def _draw_points(
    axes: Any,
    evaluation: Evaluation,
    series: Series,
    points: Sequence[tuple[float, SystemResult]],
) -> None:
    colour = _COLOURS[find_colour(series.number)]
    estimates = [system.measures[evaluation.main_measure] for _, system in points]
    axes.errorbar(
        [x for x, _ in points],
        [estimate.value for estimate in estimates],
        yerr=[
            [estimate.value - estimate.low for estimate in estimates],
            [estimate.high - estimate.value for estimate in estimates],
        ],
        color=colour,
        ecolor=(colour, 0.45),
        elinewidth=1.5,
        marker=find_marker(series.number),
        markersize=7,
        markeredgecolor=_COLOURS["paper"],
        zorder=3,
    )


def _draw(name: str, alternative: str, height: int, draw: Callable[[Any], None]) -> str:
    """Draw on a new pair of axes, and return the SVG to stand in the page."""
    figures = import_package("matplotlib.figure")
    style = import_package("matplotlib.style")
    written = io.StringIO()
    with style.context(["default", _SETTINGS], after_reset=True):
        figure = figures.Figure(figsize=(WIDTH / POINTS_PER_INCH, height / POINTS_PER_INCH))
        draw(figure.add_subplot())
        no_metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(written, format="svg", transparent=True, metadata=no_metadata)
    return _adapt(written.getvalue(), name, alternative)


def _adapt(svg: str, name: str, alternative: str) -> str:
    """Make a drawing part of the page: its names, its fonts, its colours, its size."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<svg [^>]*?(viewBox=\"[^\"]*\")[^>]*>", r"<svg \1>", svg, count=1)
    # Its style sheet would be one of the whole page.
    svg = re.sub(r"<(metadata|style)\b.*?</\1>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", svg)  # Matplotlib before 3.11
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    for colour, value in _COLOURS.items():
        svg = svg.replace(value, f"var(--{colour})")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(alternative)}" ', 1)
