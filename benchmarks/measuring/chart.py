"""chart.svg: the ratios to the faster hand-written httpx, on a logarithmic scale around 1."""

from collections.abc import Iterator, Sequence
from html import escape
from math import log10
from statistics import median

from .adapters import DEFAULT, FAST, OVER_AIOHTTP, ROWS
from .goals import TIMES
from .records import Run
from .report import find_figure

PANELS = (
    ("sync-10", "one after the other, 10 documents"),
    ("sync-1000", "one after the other, 1,000 documents"),
    ("async-50", "async, 50 at once, 10 documents"),
)
OURS = (DEFAULT, FAST, OVER_AIOHTTP)
TICKS = (0.01, 0.1, 1, 10)
LOWEST, HIGHEST = 0.008, 16.0

LABEL_WIDTH, PANEL_WIDTH, PANEL_GAP = 284, 206, 26
TOP, ROW_HEIGHT, BAR_HEIGHT, FOOT = 74, 24, 13, 40
VALUE_GAP = 5

# The page may be light or dark, so the chart has its own background.
STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-size: 15px; font-weight: 600 }
.quiet { fill: #57606a; font-size: 11px }
.ours { font-weight: 600 }
.tick { stroke: #d8dee4 }
.one { stroke: #57606a }
.bar { fill: #afb8c1 }
.bar-ours { fill: #0969da }"""


def draw_chart(runs: Sequence[Run]) -> str:
    """Draw the median ratios of the runs."""
    names = [adapter.name for adapter in ROWS if has_figures(runs, adapter.name)]
    width = LABEL_WIDTH + len(PANELS) * (PANEL_WIDTH + PANEL_GAP)
    height = TOP + len(names) * ROW_HEIGHT + FOOT
    title = (
        "CPU per call as a multiple of the faster hand-written httpx (less is better, logarithmic)"
    )
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"',
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{title}">',
        f"<style>\n{STYLE}\n</style>",
        f'<rect width="{width}" height="{height}" rx="6" fill="#ffffff"/>',
        f'<text class="title" x="16" y="28">{title}</text>',
    ]
    for position, name in enumerate(names):
        kind = ' class="ours"' if name in OURS else ""
        lines.append(f'<text x="16" y="{middle(position) + 4:.0f}"{kind}>{escape(name)}</text>')
    for number, (key, caption) in enumerate(PANELS):
        left = LABEL_WIDTH + number * (PANEL_WIDTH + PANEL_GAP)
        lines += draw_panel(runs, names, key, caption, left)
    machine = runs[-1].machine
    foot = " · ".join(machine.get(part, "") for part in ("processor", "Python", "server", "date"))
    lines.append(f'<text class="quiet" x="16" y="{height - 12}">{escape(foot)}</text>')
    return "\n".join([*lines, "</svg>\n"])


def has_figures(runs: Sequence[Run], name: str) -> bool:
    """Tell whether a client is in any panel."""
    return any(find_ratio(runs, key, name) is not None for key, _ in PANELS)


def find_ratio(runs: Sequence[Run], key: str, name: str) -> float | None:
    """Return the median of the runs' ratios; None if there are none."""
    found = [find_figure(run, key, name) for run in runs]
    ratios = [figure["to_faster"] for figure in found if figure and figure["to_faster"] is not None]
    return median(ratios) if ratios else None


def middle(position: int) -> float:
    """Return where a row's middle is."""
    return TOP + (position + 0.5) * ROW_HEIGHT


def scale(ratio: float) -> float:
    """Return the distance of a ratio from a panel's left edge."""
    inside = min(max(ratio, LOWEST), HIGHEST)
    return PANEL_WIDTH * log10(inside / LOWEST) / log10(HIGHEST / LOWEST)


def draw_panel(
    runs: Sequence[Run], names: Sequence[str], key: str, caption: str, left: int
) -> Iterator[str]:
    """Draw one kind of call."""
    bottom = TOP + len(names) * ROW_HEIGHT
    yield f'<text class="quiet" x="{left}" y="{TOP - 22}">{caption}</text>'
    for tick in TICKS:
        x = left + scale(tick)
        kind = "one" if tick == 1 else "tick"
        yield f'<line class="{kind}" x1="{x:.1f}" y1="{TOP - 4}" x2="{x:.1f}" y2="{bottom}"/>'
        yield write_quietly(f"{tick:g}{TIMES}", x, TOP - 8, "middle")
    for position, name in enumerate(names):
        ratio = find_ratio(runs, key, name)
        if ratio is not None:
            yield from draw_bar(ratio, left, middle(position), is_ours=name in OURS)


def draw_bar(ratio: float, left: int, y: float, *, is_ours: bool) -> Iterator[str]:
    """Draw a bar from 1 to the ratio, with the number on the side of 1 that has no bar."""
    one, end = left + scale(1), left + scale(ratio)
    kind = "bar-ours" if is_ours else "bar"
    yield (
        f'<rect class="{kind}" x="{min(one, end):.1f}" y="{y - BAR_HEIGHT / 2:.1f}" '
        f'width="{abs(one - end):.1f}" height="{BAR_HEIGHT}" rx="2"/>'
    )
    x, anchor = (one + VALUE_GAP, "start") if ratio <= 1 else (one - VALUE_GAP, "end")
    shown = f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"
    yield write_quietly(f"{shown}{TIMES}", x, y + 4, anchor)


def write_quietly(text: str, x: float, y: float, anchor: str) -> str:
    """Write a number at a place."""
    return f'<text class="quiet" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'
