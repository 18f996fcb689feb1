"""The report as a page: its numbers, its texts, its form."""

import json
import re
import sys
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from attrs import evolve
from openrouter_rerank.evaluation import (
    NO_RERANKER,
    DatasetSummary,
    Evaluation,
    FailedCall,
    Problem,
    QueryResult,
    ShownDocument,
    write_report,
)
from openrouter_rerank.evaluation._report import check_report
from openrouter_rerank.evaluation._report.numbers import point_to
from unit.evaluation.evaluations import make_evaluation

from .pages import Element, Json, parse, resolve

HOSTILE = (
    "</style></title>--><script>alert(1)</script><img src=//a.example onerror=alert(2)>\"'&amp;"
)
MODEL = "a/model, depth 10"
Write = Callable[[Evaluation], Element]


@pytest.fixture(scope="module")
def write(tmp_path_factory: pytest.TempPathFactory) -> Write:
    """Give what writes a report and reads it again, once for all evaluations that are equal."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    pages: list[tuple[Evaluation, Element]] = []

    def write(evaluation: Evaluation) -> Element:
        for written, page in pages:
            if written == evaluation:
                return page
        write_report(evaluation, path)
        pages.append((evaluation, parse(path.read_text(encoding="utf-8"))))
        return pages[-1][1]

    return write


def list_numbers(page: Element) -> dict[str, str | None]:
    """List the values of the page by their places in the JSON."""
    return {
        str(element.attributes["data-json"]): element.attributes["value"]
        for element in page.find_all("data")
    }


def list_paths(value: Json, *path: str | int) -> list[tuple[str | int, ...]]:
    """List the places of all numbers in the JSON."""
    if isinstance(value, dict):
        return [found for key in value for found in list_paths(value[key], *path, key)]
    if isinstance(value, list):
        return [found for key, each in enumerate(value) for found in list_paths(each, *path, key)]
    return [path] if isinstance(value, int | float) and not isinstance(value, bool) else []


def make_hurt_evaluation() -> Evaluation:
    """Make an evaluation whose model puts the relevant document of the first query last."""
    evaluation = make_evaluation()
    first_stage, reranked = evaluation.systems
    query = evolve(
        evaluation.queries[0],
        orders={NO_RERANKER: ["d1", "d2"], MODEL: ["d2", "d3", "d1"]},
    )
    return evolve(
        evaluation,
        systems=[first_stage, evolve(reranked, per_query=[0.25, 0.5])],
        queries=[query, evaluation.queries[1]],
    )


def make_hostile_evaluation() -> Evaluation:
    """Make an evaluation each of whose texts would do harm as HTML."""
    evaluation = make_evaluation()
    first_stage, reranked = evaluation.systems
    name = f"{HOSTILE}, depth 10"
    return evolve(
        evaluation,
        dataset=DatasetSummary(
            name=HOSTILE,
            query_count=1,
            document_count=1,
            first_stage=HOSTILE,
            problems=[Problem(kind=HOSTILE, count=1, examples=[HOSTILE])],
        ),
        systems=[
            evolve(first_stage, per_query=[1.0]),
            evolve(
                reranked,
                name=name,
                model=HOSTILE,
                per_query=[0.0],
                failures=[FailedCall(query_id=HOSTILE, error=HOSTILE, message=HOSTILE)],
            ),
        ],
        queries=[
            QueryResult(
                id=HOSTILE,
                text=HOSTILE,
                orders={NO_RERANKER: [HOSTILE], name: [HOSTILE]},
                documents={HOSTILE: ShownDocument(grade=1, text=HOSTILE)},
                relevant_count=1,
            )
        ],
        verdict=[HOSTILE],
    )


def test_the_numbers_are_those_of_the_json(write: Write) -> None:
    """Each is the value at its place there, and none of systems, ceilings and data is left out."""
    evaluation = make_hurt_evaluation()
    value: Json = json.loads(json.dumps(evaluation.to_dict()))

    numbers = list_numbers(write(evaluation))

    for pointer, shown in numbers.items():
        assert json.loads(str(shown)) == resolve(value, pointer)
    left_out = {point_to(path) for path in list_paths(value)} - numbers.keys()
    # What is drawn, counted in words or in a system's name, and how the highest one won.
    assert {re.sub(r"\d+", "N", pointer) for pointer in left_out} == {
        "/version",
        "/queries/N/documents/dN/grade",
        "/queries/N/relevant_count",
        "/systems/N/against_best/losses",
        "/systems/N/against_best/p",
        "/systems/N/against_best/ties",
        "/systems/N/against_best/wins",
        "/systems/N/calls",
        "/systems/N/depth",
        "/systems/N/latency/count",
        "/systems/N/per_query/N",
    }


def test_what_a_row_says(write: Write) -> None:
    """A system has its measure with the interval, differences, p, queries, cost and latency."""
    _, first, second = write(make_evaluation()).find_all("table")[0].find_all("tr")

    assert [cell.text for cell in first.find_all("td")] == [
        "0.5000.400 to 0.600", "compared with", "", "", "0", "",
    ]  # fmt: skip
    assert second.find_all("th")[0].text == "a/model, depth 10 highest"
    assert [cell.text for cell in second.find_all("td")] == [
        "0.7500.650 to 0.850", "+0.250+0.150 to +0.350", "0.080", "1 / 1 / 0", "unknown",
        "120 / 300",
    ]  # fmt: skip


def test_an_unknown_cost_is_named(write: Write) -> None:
    """It is no point in a chart but a sentence."""
    page = write(make_evaluation())

    assert "the cost of these is unknown: a/model, depth 10." in page.text
    assert "What all calls cost together: unknown." in page.text


def test_a_cost_of_nothing_is_known(write: Write) -> None:
    """It is 0, and there is no chart either."""
    evaluation = make_evaluation()
    first_stage, reranked = evaluation.systems
    systems = [first_stage, evolve(reranked, cost_per_1000_queries=0.0)]

    page = write(evolve(evaluation, systems=systems, cost=0.0))

    assert "no system costs anything." in page.text
    assert "What all calls cost together: 0 credits." in page.text


def test_costs_and_latencies_have_charts(write: Write) -> None:
    """Each is drawn if there is something to draw, and what is missing there is named."""
    evaluation = make_evaluation()
    first_stage, reranked = evaluation.systems
    other = evolve(reranked, name="b", model="b", cost_per_1000_queries=2.0)
    third = evolve(reranked, name="c", model="c", cost_per_1000_queries=1.0, latency=None)

    page = write(evolve(evaluation, systems=[first_stage, reranked, other, third]))

    titles = [figure.find_all("h3")[0].text for figure in page.find_all("figure")]
    assert titles[:3] == ["nDCG@10 by depth", "nDCG@10 by cost", "nDCG@10 by latency"]
    assert "Not shown, as their cost is unknown: a/model, depth 10." in page.text
    assert "not measured" in page.text


def test_the_verdict_comes_first(write: Write) -> None:
    """Its sentences stand before all sections, with a warning of calls that failed."""
    verdict, *_ = write(make_evaluation()).find_all("section")

    sentence, warning = verdict.find_all("p")
    assert sentence.text == "Take a/model."
    assert warning.text.startswith("a/model, depth 10: 1 of its 2 calls failed.")
    assert [each.text for each in verdict.find_all("li")] == ["q2: RateLimitError, too many"]


def test_notes_follow_the_verdict(write: Write) -> None:
    """What else there is to know of the run stands below its sentences."""
    verdict, *_ = write(evolve(make_evaluation(), notes=["Resumed."])).find_all("section")

    assert [each.text for each in verdict.find_all("p")][:2] == ["Take a/model.", "Resumed."]


def test_many_failures_are_counted(write: Write) -> None:
    """The first five are listed."""
    evaluation = make_evaluation()
    first_stage, reranked = evaluation.systems
    systems = [first_stage, evolve(reranked, failures=list(reranked.failures) * 8)]

    verdict, *_ = write(evolve(evaluation, systems=systems)).find_all("section")

    assert verdict.find_all("li")[-1].text == "and 3 more"
    assert len(verdict.find_all("li")) == 6


def test_both_orders_of_a_hurt_query_are_shown(write: Write) -> None:
    """They stand beside each other; relevant documents are marked, and moves are told."""
    (article,) = write(make_hurt_evaluation()).find_all("article")

    before, after = article.find_all("ol")
    assert "nDCG@10 fell from 0.500 to 0.250." in article.text
    assert [item.text for item in before.find_all("li")] == [
        "1Berlin Relevant, grade 2",
        "2Bonn judged not relevant",
    ]
    assert [item.text for item in after.find_all("li")] == [
        "1Bonn judged not relevant, up from 2",
        "2Ulm not judged, up from further down",
        "3Berlin Relevant, grade 2, down from 1",
    ]
    assert [item.has_class("relevant") for item in after.find_all("li")] == [False, False, True]


def test_a_document_may_stand_where_it_stood(write: Write) -> None:
    """That is said, too."""
    evaluation = make_hurt_evaluation()
    query = evolve(evaluation.queries[0], orders={NO_RERANKER: ["d1"], MODEL: ["d1"]})

    page = write(evolve(evaluation, queries=[query, evaluation.queries[1]]))

    assert page.find_all("li")[-1].text == "1Berlin Relevant, grade 2, as before"


def test_relevant_documents_are_shown_from_further_down(write: Write) -> None:
    """Of those after the fifth only they are."""
    evaluation = make_hurt_evaluation()
    ids = [f"d{number}" for number in range(1, 9)]
    documents = {
        name: ShownDocument(grade=1 if name == "d7" else None, text=f"Text {name}") for name in ids
    }
    query = evolve(
        evaluation.queries[0], orders={NO_RERANKER: ids, MODEL: ids}, documents=documents
    )

    page = write(evolve(evaluation, queries=[query, evaluation.queries[1]]))

    before = page.find_all("article")[0].find_all("ol")[0]
    assert [item.find_all("span")[0].text for item in before.find_all("li")] == [
        "1", "2", "3", "4", "5", "7",
    ]  # fmt: skip


def test_no_hurt_query_is_said(write: Write) -> None:
    """A model that hurt none has a sentence instead of a list."""
    page = write(make_evaluation())

    assert page.find_all("details")[0].text == "a/model, depth 10 It did worse for no query."


def test_no_reranker_alone_is_a_report(write: Write) -> None:
    """Without a model there is nothing to draw and to compare, and no problem need be listed."""
    evaluation = make_evaluation()
    (first_stage, _), dataset = evaluation.systems, evolve(evaluation.dataset, problems=[])
    first_stage = evolve(first_stage, against_best=None)

    page = write(evolve(evaluation, systems=[first_stage], ceilings=[], dataset=dataset))

    assert page.find_all("figure") == []
    assert len(page.find_all("table")) == 3


def test_texts_stay_texts(write: Write) -> None:
    """Whatever queries, documents, models and errors hold becomes no element and no attribute."""
    evaluation = make_hostile_evaluation()

    page = write(evaluation)

    tags = Counter(element.tag for element in page.walk())
    assert (tags["script"], tags["img"], tags["style"], tags["title"]) == (0, 0, 1, 1)
    assert not any(name.startswith("on") for element in page.walk() for name in element.attributes)
    assert page.text.count(HOSTILE) >= 15


def test_a_text_cannot_turn_the_page_around(write: Write) -> None:
    """Each text from outside is isolated, so that marks of direction end with it."""
    page = write(make_hostile_evaluation())

    isolated = sum(element.text.count(HOSTILE) for element in page.find_all("bdi"))
    assert page.text.count(HOSTILE) == isolated + 1  # and the title


def test_what_is_no_text_is_replaced(write: Write) -> None:
    """Half of a surrogate pair, which JSON can hold, does not keep the report from existing."""
    page = write(evolve(make_evaluation(), verdict=["a \ud800 z"]))

    assert "a ? z" in page.text


def test_nothing_is_loaded(write: Write) -> None:
    """No element refers to anything outside of the page, and the page forbids it, too."""
    page = write(make_hurt_evaluation())

    (policy,) = [
        str(element.attributes["content"])
        for element in page.find_all("meta")
        if element.attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'; ")
    assert "script" not in policy
    references = {
        str(value)
        for element in page.walk()
        for name, value in element.attributes.items()
        if name in {"src", "href", "xlink:href", "action", "data", "srcset"}
    }
    assert all(reference.startswith("#") for reference in references)
    styles = "".join(element.text for element in page.find_all("style"))
    assert "url(" not in styles
    assert "@import" not in styles


def test_a_screen_reader_finds_its_way(write: Write) -> None:
    """Headings skip no level, ids are unique, labels exist, cells have heads, charts have words."""
    page = write(make_hurt_evaluation())

    elements = list(page.walk())
    levels = [int(each.tag[1]) for each in elements if re.fullmatch("h[1-6]", each.tag)]
    ids = [each.attributes["id"] for each in elements if "id" in each.attributes]
    labels = {each.attributes.get("aria-labelledby") for each in elements} - {None}
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert len(ids) == len(set(ids))
    assert labels <= set(ids)
    assert all(cell.attributes.get("scope") in {"col", "row"} for cell in page.find_all("th"))
    for figure in page.find_all("figure"):
        assert [each.attributes.get("aria-label") for each in figure.find_all("svg")][-1]
    assert page.find_all("html")[0].attributes["lang"] == "en"


def test_the_same_evaluation_gives_the_same_bytes(tmp_path: Path) -> None:
    """A report can be compared with an earlier one."""
    for name in ("one.html", "other.html"):
        write_report(make_hurt_evaluation(), str(tmp_path / name))

    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "other.html").read_bytes()


@pytest.mark.parametrize("module", ["jinja2", "matplotlib.figure", "matplotlib.style"])
def test_a_missing_extra_is_named(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what to install, and no file is written."""
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(ModuleNotFoundError, match=r'pip install "openrouter-rerank\[report\]"'):
        write_report(make_evaluation(), tmp_path / "report.html")

    assert list(tmp_path.iterdir()) == []


def test_a_check_leaves_everything_as_it_was(tmp_path: Path) -> None:
    """It makes no file, and keeps one that is there."""
    there = tmp_path / "there.html"
    there.write_text("earlier", encoding="utf-8")

    check_report(there)
    check_report(tmp_path / "new.html")

    assert there.read_text(encoding="utf-8") == "earlier"
    assert list(tmp_path.iterdir()) == [there]
    with pytest.raises(FileNotFoundError):
        check_report(tmp_path / "none" / "report.html")


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """The error is the system's own."""
    with pytest.raises(OSError, match=str(tmp_path)):
        write_report(make_evaluation(), tmp_path)
