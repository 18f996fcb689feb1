"""
Draw what the embedded models reach on a data set in BEIR's layout, and how long a query takes.

    python benchmarks/models.py FOLDER [--queries N] [--output docs/models.svg]

It needs the extras `eval`, `local`, `models` and `report`. The candidates are the first thirty of
BM25. With the folder of SciFact, 150 queries take five minutes on two cores. What calls gave is
kept below `build/`, so a run that was cut off goes on.
"""

import argparse
from pathlib import Path

from openrouter_rerank.evaluation import evaluate, read_dataset
from openrouter_rerank.evaluation._report.charts import HEIGHT, WIDTH, draw_trade_off
from openrouter_rerank.evaluation._report.markers import find_colour, find_outline
from openrouter_rerank.evaluation._report.series import Series, group_systems
from openrouter_rerank.local import LocalRanker

ROOT = Path(__file__).resolve().parent.parent
STYLE = ROOT / "hooks" / "openrouter_rerank" / "evaluation" / "data" / "report.css"
MODELS = ("minilm", "bge-small", "cross-encoder")
DEPTH = 30
ROW = 20


def main() -> None:
    """Evaluate the models and write the chart."""
    parser = argparse.ArgumentParser(description="Draw what the embedded models reach.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--queries", type=int, default=150, help="how many of the first queries")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "models.svg")
    arguments = parser.parse_args()
    for name in MODELS:
        LocalRanker(name).load()  # or the first query would wait for it
    evaluation = evaluate(
        None,
        read_dataset(arguments.folder).take(arguments.queries),
        models=[f"local/{name}" for name in MODELS],
        depths=[DEPTH],
        folder=ROOT / "build" / "models",
    )
    print(*evaluation.verdict, sep="\n")
    series = group_systems(evaluation)
    chart = draw_trade_off(
        evaluation,
        series,
        name="latency",
        label=f"median milliseconds for a query with {DEPTH} documents",
        find=lambda system: system.latency.p50_ms if system.latency else None,
    )
    title = f"{evaluation.main_measure} with an interval of 95 %; the line is BM25 alone"
    arguments.output.write_text(frame(chart or "", series, title), encoding="utf-8")


def frame(chart: str, series: list[Series], title: str) -> str:
    """Make a chart of the report a picture by itself: with a title, a legend and its colours."""
    colours, _, _ = STYLE.read_text("utf-8").partition("* {")
    legend = "".join(
        f'<g transform="translate({12 + number * 120} {ROW + 8})">'
        f'<path d="{find_outline(each.number)}" fill="var(--{find_colour(each.number)})"/>'
        f'<text x="18" y="10">{each.model}</text></g>'
        for number, each in enumerate(series)
    )
    top = 2 * ROW
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{WIDTH * 3 // 2}" viewBox="0 0 {WIDTH} {HEIGHT + top}">'
        f"<style>{colours} text {{ font-family: system-ui, sans-serif; fill: var(--ink); "
        f"font-size: 12px }} svg svg {{ overflow: visible }}</style>"
        f'<rect width="100%" height="100%" fill="var(--paper)"/>'
        f'<text x="12" y="{ROW - 4}">{title}</text>{legend}'
        f'<svg y="{top}" width="{WIDTH}" height="{HEIGHT}" {chart.removeprefix("<svg ")}</svg>\n'
    )


if __name__ == "__main__":
    main()
