"""The page as a person uses it."""

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from browsers import DESKTOP, PHONE, needs_chromium
from integration.local.rankers import WaitingRanker
from openrouter_rerank.local import Faults, LocalRanker, running

from .person import DOCUMENTS, QUERY, Person

pytestmark = needs_chromium
Visit = Callable[..., Person]


def test_a_whole_session(visit: Visit, base_url: str, tmp_path: Path) -> None:
    """A person ranks, compares two models, opens a table and chooses what of it is ranked."""
    body = {"model": "local/minilm", "query": QUERY, "documents": DOCUMENTS}
    results = httpx.post(f"{base_url}/rerank", json=body).json()["results"]
    table = tmp_path / "eggs.csv"
    table.write_text("id,title,text\n1,Omelette,Beat it.\n2,Soft eggs,Six minutes.\n")

    person = visit(base_url)
    assert "Nothing is ranked yet" in person.page.locator("#results").inner_text()
    person.write()
    person.rank()
    assert person.read_order("local/minilm") == [DOCUMENTS[each["index"]] for each in results]
    assert person.read_order("Before") == DOCUMENTS
    scores = [float(score) for _, score in person.read_facts("local/minilm")]
    assert scores == [pytest.approx(each["relevance_score"], abs=5e-5) for each in results]
    assert re.fullmatch(r"Ranked by local/minilm in [\d.]+ m?s\.", person.read_status())

    person.choose("local/minilm", "local/bge-small")
    person.rank()
    assert sorted(person.read_order("local/bge-small")) == sorted(DOCUMENTS)
    assert person.read_order("local/minilm")[0] == DOCUMENTS[results[0]["index"]]
    assert person.read_facts("Before")[results[0]["index"]][0] == "to 1 by local/minilm"

    person.open_file(table)
    found = person.page.locator("#documents-found")
    found.get_by_text("2 documents from eggs.csv.").wait_for()
    person.page.get_by_role("checkbox", name="text").uncheck()
    person.rank()

    assert person.read_order("Before") == ['title: "Omelette"', 'title: "Soft eggs"']
    assert person.read_order("local/minilm")[0] == 'title: "Soft eggs"'
    assert person.said == []
    assert person.is_alone()


def test_what_moved_is_said(visit: Visit, base_url: str) -> None:
    """Each document says where it stood before, and the order before where it went."""
    person = visit(base_url)
    person.write(documents=["Boats sail.", "An egg boils soft in six minutes.", "Cars drive."])
    person.rank()

    moves = [move for move, _ in person.read_facts("local/minilm")]
    assert moves[0] == "▲ up from 2"
    assert person.read_facts("Before")[1] == ["to 1"]
    assert moves[1:] in (["▼ down from 1", "as before"], ["▲ up from 3", "▼ down from 1"])


def test_a_first_ranking_is_told_from_others(visit: Visit) -> None:
    """The time of a model's first ranking has that of loading in it, which is said."""
    ranker = LocalRanker(embedding_cache_mb=0.125)  # no other test has loaded this one
    with running(ranker) as url:
        person = visit(url)
        person.write()
        person.rank()
        first = person.page.locator("#orders .note").last.inner_text()
        person.rank()
        second = person.page.locator("#orders .note").last.inner_text()

    assert re.match(r"[\d.]+ m?s with loading the model, no cost, \d+ tokens", first)
    assert re.match(r"[\d.]+ m?s, no cost, \d+ tokens", second)


def test_the_text_that_scored_is_shown(visit: Visit, base_url: str) -> None:
    """A long document is ranked by its best passage, which stands there and is marked in it."""
    filler = " ".join(
        f"Sentence {number} is about the weather in the hills." for number in range(60)
    )
    needle = "A soft egg takes six minutes in boiling water."
    long = f"{filler} {needle} {filler}"
    person = visit(base_url)
    person.write(documents=["Cars drive on roads.", long])

    person.rank()
    shown = person.read_order("local/minilm")[0]
    person.page.get_by_text("Best passage, ").click()
    whole = person.page.locator("details[open] p").last

    assert needle in shown
    assert len(shown) < 700
    assert whole.text_content() == long
    assert whole.locator("mark").text_content() == shown
    person.page.get_by_label("Split long documents").uncheck()
    person.rank()
    assert "Only the beginning was read of 1 text." in person.page.locator("#orders").inner_text()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"one"\n"two"', ["one", "two"]),
        ('["one", {"text": "two"}]', ["one", "two"]),
        ("one\n\n<b>two</b>", ["one", "<b>two</b>"]),
    ],
    ids=["JSON Lines", "JSON", "lines"],
)
def test_pasted_text_is_read_by_what_it_is(
    visit: Visit, base_url: str, text: str, expected: list[str]
) -> None:
    """Lines, JSON Lines and an array of JSON are told apart."""
    person = visit(base_url)
    person.write(documents=text)
    person.rank()

    assert person.read_order("Before") == expected


def test_a_dropped_file_is_read(visit: Visit, base_url: str) -> None:
    """A file that is dropped anywhere fills the field, and one that is no text is refused."""
    person = visit(base_url)
    drop = """([name, content]) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(content)], name));
        document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true}));
    }"""

    found = person.page.locator("#documents-found")
    person.page.evaluate(drop, ["a.jsonl", list(b'{"title": "A", "n": 1}\n')])
    found.get_by_text("1 document from a.jsonl.").wait_for()
    assert person.page.get_by_role("checkbox", name="title").is_checked()
    person.page.evaluate(drop, ["b.txt", [0xFF, 0xFE, 0x61]])
    found.get_by_text("b.txt is not text in UTF-8. Convert it.").wait_for()
    person.page.evaluate(drop, ["c.tsv", list(b"a\tb\n")])
    found.get_by_text("c.tsv is a table with tabs. Save it as CSV.").wait_for()


def test_errors_are_said(visit: Visit) -> None:
    """What is missing, what is no document and what the server refuses is said where it belongs."""
    with running(faults=Faults("429,ok", retry_after=0)) as url:
        person = visit(url)
        person.page.get_by_role("button", name="Rank").click()
        assert person.read_errors() == "Write a query first."
        assert person.measure("document.activeElement.id") == "query"
        person.write(documents='{"text": "one"}\ntwo')
        person.rank()
        assert (
            "line 2: neither a JSON string" in person.page.locator("#documents-found").inner_text()
        )
        assert person.measure("document.activeElement.id") == "documents"
        person.write()
        person.rank()
        assert person.read_errors().startswith("Error 429 of local/minilm\n")
        person.rank()
        assert person.read_errors() == ""

    person.rank()
    assert "The server does not answer." in person.page.locator("main").inner_text()


def test_a_ranking_can_be_stopped(visit: Visit) -> None:
    """The button ends the request, the server its work, and the keyboard stays where it was."""
    ranker = WaitingRanker()
    with running(ranker) as url:
        person = visit(url)
        person.write()
        person.page.get_by_role("button", name="Rank").click()
        assert ranker.started.acquire(timeout=20)
        person.page.get_by_role("button", name="Stop").click()

        assert ranker.stopped.wait(20)
        person.page.locator("#status").get_by_text("Stopped.").wait_for()
        assert person.measure("document.activeElement.id") == "rank"


def test_the_keyboard_is_enough(visit: Visit, base_url: str) -> None:
    """From the first key to the copied call, in the order of the page and without a mouse."""
    person = visit(base_url)
    person.page.locator("#form").wait_for()
    press, type_text = person.page.keyboard.press, person.page.keyboard.insert_text
    reached: list[str] = []

    def tab() -> None:
        press("Tab")
        reached.append(
            person.measure("document.activeElement.id || document.activeElement.className")
        )

    tab()
    tab()
    type_text(QUERY)
    tab()
    type_text("\n".join(DOCUMENTS))
    for _ in range(7):
        tab()
    press("Enter")
    person.page.get_by_role("list", name="local/minilm").wait_for()
    person.page.locator("#results[aria-busy='false']").wait_for()
    for _ in range(3):
        tab()

    assert reached == [
        "skip", "query", "documents", "open-file", "example", "format", "model-1", "model-2",
        "passages", "rank", "", "", "",
    ]  # fmt: skip
    assert person.measure("document.activeElement.getAttribute('aria-label')") == "Python"


# A dark window changes colours alone, and a narrow one sizes alone: each is seen once.
@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "light"), (DESKTOP, "dark")])
def test_nothing_is_wider_than_the_window(
    visit: Visit, base_url: str, width: int, scheme: str
) -> None:
    """Long words, long names and two models fit, and a dark window has a dark page."""
    person = visit(base_url, width=width, scheme=scheme)
    person.choose("local/minilm", "local/cross-encoder")
    person.write("q" * 300, ["a" * 400, "b" * 20, '{"c": ' + "d" * 100])
    person.rank()

    assert person.measure("document.documentElement.scrollWidth") == width
    colour = person.measure("getComputedStyle(document.body).backgroundColor")
    assert (colour == "rgb(25, 26, 28)") == (scheme == "dark")


def test_many_documents_are_shown_a_part_at_a_time(visit: Visit) -> None:
    """The browser draws fifty, and the rest when it is asked to."""
    ranker = WaitingRanker()
    ranker.go_on.set()
    with running(ranker) as url:
        person = visit(url)
        person.write(documents=[f"document {number}" for number in range(200)])
        person.rank()
        order = person.page.get_by_role("list", name="local", exact=True)
        assert order.locator("li").count() == 50
        person.page.get_by_role("button", name="Show 50 more of 150").last.click()

        assert order.locator("li").count() == 100
        assert person.measure("document.activeElement.querySelector('.place').textContent") == "51"
