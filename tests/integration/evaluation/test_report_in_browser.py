"""The report in a real browser: Debian's Chromium, without a window."""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import evolve
from browsers import DESKTOP, PHONE, SCHEMES, OpenPage, needs_chromium
from openrouter_rerank.evaluation import Evaluation, ShownDocument, write_report
from unit.evaluation.evaluations import make_evaluation
from unit.evaluation.report.pages import Json, resolve

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAPER = 718  # A4 has that between Chromium's margins
MIN_CONTRAST = 4.5  # WCAG 2.2, success criterion 1.4.3
LONG = "a" * 400
FORGED = "<script>alert(1)</script><img src=//a.test>"

pytestmark = needs_chromium
OpenReport = Callable[..., OpenPage]


def make_hurt_evaluation(text: str = "Berlin") -> Evaluation:
    """Make an evaluation in which a model did worse for a query, with a text in each place."""
    evaluation = make_evaluation()
    first_stage, reranked = evaluation.systems
    name = f"{text}, depth 10"
    reranked = evolve(reranked, name=name, model=text, per_query=[0.25, 0.5])
    other = evolve(reranked, name="other, depth 10", model="other", cost_per_1000_queries=0.0025)
    queries = [
        evolve(
            query,
            text=text,
            orders={each.name: ["d1"] for each in (first_stage, reranked, other)},
            documents={"d1": ShownDocument(grade=1, text=text)},
        )
        for query in evaluation.queries
    ]
    dataset = evolve(evaluation.dataset, name=text, first_stage=text)
    return evolve(
        evaluation,
        dataset=dataset,
        systems=[first_stage, reranked, other],
        queries=queries,
        verdict=[text],
    )


@pytest.fixture(scope="module")
def write(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give what writes the report of an evaluation with a text in each place, once for each."""

    @cache
    def write(text: str) -> Path:
        path = tmp_path_factory.mktemp("report") / "report.html"
        write_report(make_hurt_evaluation(text), path)
        return path

    return write


@pytest.fixture
def open_report(browser: "Browser", write: Callable[[str], Path]) -> Iterator[OpenReport]:
    """Give what opens a report; the window is closed afterwards."""
    pages: list[Page] = []

    def open_report(text: str = "Berlin", *, width: int, scheme: str) -> OpenPage:
        pages.append(
            browser.new_page(
                viewport={"width": width, "height": 800},
                color_scheme="dark" if scheme == "dark" else "light",
            )
        )
        return OpenPage(pages[-1], write(text).as_uri())

    yield open_report
    for page in pages:
        page.close()


# Every pair of the three: a scheme changes colours, neither the width of a text nor its escaping.
@pytest.mark.parametrize(
    ("width", "text", "scheme"),
    [
        (width, text, SCHEMES[(column + row) % 2])
        for column, width in enumerate((PHONE, DESKTOP))
        for row, text in enumerate(("Berlin", LONG, FORGED))
    ],
)
def test_it_opens_in_silence(
    open_report: OpenReport, write: Callable[[str], Path], width: int, text: str, scheme: str
) -> None:
    """The console stays empty, nothing is asked for, and nothing is wider than the window."""
    opened = open_report(text, width=width, scheme=scheme)

    assert (opened.said, opened.asked) == ([], [write(text).as_uri()])
    assert opened.measure("document.documentElement.scrollWidth") == width


def test_the_numbers_are_those_of_the_json(open_report: OpenReport) -> None:
    """What a person reads is the value that the JSON has at that place, rounded as it is shown."""
    value: Json = json.loads(json.dumps(make_hurt_evaluation().to_dict()))

    opened = open_report(width=DESKTOP, scheme="light")

    shown = opened.measure(
        "Array.from(document.querySelectorAll('data'), e => [e.dataset.json, e.textContent])"
    )
    assert len(shown) > 60
    for pointer, text in shown:
        exact = resolve(value, pointer)
        assert isinstance(exact, int | float)
        if text == "<0.001":
            assert exact < 0.001
            continue
        number = text.replace("\N{MINUS SIGN}", "-").replace(",", "").removesuffix("%")
        decimals = len(number.partition(".")[2])
        scaled = exact * 100 if text.endswith("%") else exact
        assert float(number) == pytest.approx(round(scaled, decimals), abs=1e-12), pointer


@pytest.mark.parametrize("scheme", SCHEMES)
def test_texts_stand_out(open_report: OpenReport, scheme: str) -> None:
    """Each kind of text has enough contrast, and the dark page is dark."""
    opened = open_report(width=DESKTOP, scheme=scheme)

    paper = read_colour(opened.measure("getComputedStyle(document.body).backgroundColor"))
    assert (find_luminance(paper) < 0.2) == (scheme == "dark")
    for selector, style in [
        ("h1", "color"), (".quiet", "color"), (".tag", "color"), (".interval", "color"),
        (".judgement strong", "color"), ("figure svg text", "fill"),
    ]:  # fmt: skip
        find = f"getComputedStyle(document.querySelector('{selector}')).{style}"
        assert find_contrast(read_colour(opened.measure(find)), paper) >= MIN_CONTRAST, selector


def test_it_prints_black_on_white(open_report: OpenReport) -> None:
    """On paper it is light, also from a dark window, fits, and shows what is folded up."""
    opened = open_report(width=PAPER, scheme="dark")

    opened.page.emulate_media(media="print")

    paper = read_colour(opened.measure("getComputedStyle(document.body).backgroundColor"))
    assert paper == [1, 1, 1]
    assert opened.measure("document.documentElement.scrollWidth") == PAPER
    assert opened.page.locator("details").nth(1).locator("article").first.is_visible()


def test_it_can_be_used_without_a_mouse(open_report: OpenReport) -> None:
    """The keyboard reaches the way to the verdict, each wide table and each list of queries."""
    opened = open_report(width=PHONE, scheme="light")

    reached: list[str] = []
    for _ in range(7):
        opened.page.keyboard.press("Tab")
        reached.append(
            opened.measure("document.activeElement.className || document.activeElement.tagName")
        )
    opened.page.locator("summary").nth(1).focus()
    opened.page.keyboard.press("Enter")

    assert reached == ["skip", "scroll", "SUMMARY", "SUMMARY", "scroll", "scroll", "scroll"]
    assert opened.measure("document.querySelectorAll('details[open]').length") == 2


def read_colour(text: str) -> list[float]:
    """Read red, green and blue, 0 to 1, from what the browser calls a colour."""
    return [int(each) / 255 for each in re.findall(r"\d+", text)[:3]]


def find_luminance(colour: list[float]) -> float:
    """Find the relative luminance of a colour (WCAG 2.2, "relative luminance")."""
    linear = [
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in colour
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def find_contrast(one: list[float], other: list[float]) -> float:
    """Find the contrast of two colours (WCAG 2.2, "contrast ratio")."""
    darker, lighter = sorted((find_luminance(one), find_luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)
