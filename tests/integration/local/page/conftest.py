"""The page of a server, in a browser."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from .person import Person

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def visit(browser: "Browser") -> Iterator[Callable[..., Person]]:
    """Give a function that opens the page of a server; what it opened is closed afterwards."""
    people: list[Person] = []

    def open_page(base_url: str, **options: Any) -> Person:
        people.append(Person(browser, base_url, **options))
        return people[-1]

    yield open_page
    for person in people:
        person.page.close()
