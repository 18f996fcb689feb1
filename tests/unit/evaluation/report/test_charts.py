"""The charts of the report."""

import re

import matplotlib
import pytest
from attrs import evolve
from openrouter_rerank.evaluation import Evaluation
from openrouter_rerank.evaluation._report.charts import (
    draw_depths,
    draw_differences,
    draw_trade_off,
    thin_out,
)
from openrouter_rerank.evaluation._report.series import group_systems
from unit.evaluation.evaluations import estimate, make_evaluation

from .pages import parse


def make_deep_evaluation(*costs: float | None) -> Evaluation:
    """Make an evaluation of one model at depths 10, 20 and so on, at these costs."""
    evaluation = make_evaluation()
    first_stage, reranked = evaluation.systems
    systems = [
        evolve(
            reranked,
            name=f"a/model, depth {10 * number}",
            depth=10 * number,
            cost_per_1000_queries=cost,
            measures={"nDCG@10": estimate(0.7 + number / 100)},
        )
        for number, cost in enumerate(costs, start=1)
    ]
    return evolve(evaluation, systems=[first_stage, *systems])


def draw_costs(evaluation: Evaluation) -> str | None:
    """Draw the quality by the cost."""
    return draw_trade_off(
        evaluation,
        group_systems(evaluation),
        name="cost",
        label="credits",
        find=lambda system: system.cost_per_1000_queries,
    )


def list_labels(svg: str) -> list[str]:
    """List the texts of a chart."""
    return [element.text for element in parse(svg).find_all("text")]


def test_a_chart_is_a_part_of_the_page() -> None:
    """It is one image with a description, has colours and fonts of the page, and repeats itself."""
    evaluation = make_deep_evaluation(1.0, 2.0)

    svg = draw_depths(evaluation, group_systems(evaluation))

    (image,) = parse(svg).find_all("svg")
    assert image.attributes["role"] == "img"
    assert "nDCG@10 of each model by depth" in str(image.attributes["aria-label"])
    assert image.attributes.keys() == {"role", "aria-label", "viewbox"}
    assert not re.search(r"#[0-9a-f]{6}\b|font:|font-family|<metadata|<style|https?:", svg)
    assert svg == draw_depths(evaluation, group_systems(evaluation))


def test_a_program_keeps_its_own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of Matplotlib neither reach the chart nor are changed by it."""
    evaluation = make_deep_evaluation(1.0, 2.0)
    usual = draw_depths(evaluation, group_systems(evaluation))
    monkeypatch.setitem(matplotlib.rcParams, "font.size", 30.0)
    before = dict(matplotlib.rcParams)

    assert draw_depths(evaluation, group_systems(evaluation)) == usual
    assert dict(matplotlib.rcParams) == before


def test_all_names_of_a_chart_are_its_own() -> None:
    """Its ids and what refers to them begin with the chart's name, as a page holds several."""
    svg = draw_depths(make_evaluation(), group_systems(make_evaluation()))

    elements = list(parse(svg).walk())
    ids = {element.attributes["id"] for element in elements if "id" in element.attributes}
    references = {
        str(element.attributes["xlink:href"]).removeprefix("#")
        for element in elements
        if "xlink:href" in element.attributes
    } | set(re.findall(r"url\(#([^)]*)\)", svg))
    assert references <= ids
    assert all(str(name).startswith("depth-") for name in ids)


def test_depths_are_labelled() -> None:
    """The axis names the depths and what they are."""
    evaluation = make_deep_evaluation(1.0, 2.0, 3.0)

    labels = list_labels(draw_depths(evaluation, group_systems(evaluation)))

    assert labels[:4] == ["10", "20", "30", "depth: candidates that are reranked"]


def test_points_by_cost_are_labelled_with_their_depths() -> None:
    """Depths at the same cost share a label, and what is unknown is left out."""
    labels = list_labels(draw_costs(make_deep_evaluation(0.0, 0.0, None, 2.0)) or "")

    assert "10, 20" in labels
    assert "40" in labels
    assert not any("30" in label for label in labels)


@pytest.mark.parametrize("costs", [(0.0, 0.0), (None,), (None, 0.0)])
def test_there_is_no_chart_of_nothing(costs: tuple[float | None, ...]) -> None:
    """Without a cost that is known and not 0 there is none."""
    assert draw_costs(make_deep_evaluation(*costs)) is None


def test_differences_are_told_in_words_too() -> None:
    """The description counts the queries, and names the model as text whatever it is called."""
    name = '"><script>alert(1)</script>#000001$_^'
    svg = draw_differences("d", name, [0.5, 0.0, -0.25, 0.1], 0.6)

    (image,) = parse(svg).find_all("svg")
    assert parse(svg).find_all("script") == []
    assert image.attributes["aria-label"] == (
        f"The difference that {name} made to each of 4 queries, sorted: 2 better, 1 worse."
    )


def test_thousands_of_queries_stay_small() -> None:
    """All bars of a colour are one outline."""
    differences = [(number % 7 - 3) / 3 for number in range(5000)]

    assert len(draw_differences("d", "m", differences, 1.0)) < 400_000


@pytest.mark.parametrize(
    ("depths", "kept"),
    [([10], [10]), ([5, 10, 30, 100], [5, 10, 30, 100]), ([10, 98, 100], [10, 98])],
)
def test_labels_do_not_stand_on_each_other(depths: list[int], kept: list[int]) -> None:
    """A depth close to the one before has no label."""
    assert thin_out(depths, max(depths[-1] / depths[0], 2.0)) == kept
