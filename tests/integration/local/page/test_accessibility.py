"""The page for those who don't see it as others do, by axe-core's rules."""

from collections.abc import Callable
from typing import Any

import pytest
from browsers import DESKTOP, PHONE, needs_chromium
from openrouter_rerank.local import Faults, running

from .person import Person

pytestmark = needs_chromium
Visit = Callable[..., Person]
Axe = Callable[..., Any]


@pytest.fixture(scope="module")
def axe() -> Axe:
    """Give what checks a page, and returns what it found."""
    package = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="needs axe-playwright-python"
    )
    check: Axe = package.Axe().run
    return check


def find_violations(axe: Axe, person: Person) -> list[tuple[str, str, Any]]:
    """List what axe finds, however grave: the rule, how grave, where."""
    found: list[dict[str, Any]] = axe(person.page).response["violations"]
    return [
        (each["id"], each["impact"], [node["target"] for node in each["nodes"]]) for each in found
    ]


# A dark window changes colours alone, and a narrow one sizes alone: each is seen once.
@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "light"), (DESKTOP, "dark")])
def test_axe_finds_nothing(visit: Visit, base_url: str, axe: Axe, width: int, scheme: str) -> None:
    """Empty, ranked, compared and with an error: no rule is broken, the slight ones included."""
    person = visit(base_url, width=width, scheme=scheme)
    person.page.locator("#form").wait_for()
    found = {"empty": find_violations(axe, person)}
    person.write(documents='{"title": "A", "text": "one"}\n{"title": "B", "text": "two"}')
    person.rank()
    found["ranked"] = find_violations(axe, person)
    person.choose("local/minilm", "local/bge-small")
    person.write(documents=["short", "A sentence about eggs. " * 60])
    person.rank()
    found["compared"] = find_violations(axe, person)
    person.write(documents='{"text": 1}')
    person.rank()
    found["error"] = find_violations(axe, person)

    assert found == {"empty": [], "ranked": [], "compared": [], "error": []}


def test_axe_finds_nothing_where_a_key_is_asked_for(visit: Visit, axe: Axe) -> None:
    """The form for the key and the error of a ranking break no rule either."""
    with running(api_key="k", faults=Faults("503,ok")) as url:
        person = visit(url)
        field = person.page.get_by_label("Key of this server")
        field.wait_for()
        before = find_violations(axe, person)
        field.fill("k")
        field.press("Enter")
        person.write()
        person.rank()

        assert (before, find_violations(axe, person)) == ([], [])
        assert "Error 503" in person.read_errors()
