"""What a person does at the page."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from browsers import DESKTOP, OpenPage

if TYPE_CHECKING:
    from playwright.sync_api import Browser

QUERY = "How long does an egg take to boil soft?"
DOCUMENTS = [
    "Hens lay fewer eggs in winter, when days are short.",
    "A hard yolk needs ten minutes from the moment the water boils.",
    "Boil water for pasta with ten grams of salt for each litre.",
]


class Person(OpenPage):
    """Somebody with the page open."""

    def __init__(
        self,
        browser: "Browser",
        base_url: str,
        *,
        width: int = DESKTOP,
        scheme: str = "light",
    ) -> None:
        """Open the page of the server with that base URL."""
        page = browser.new_page(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        page.set_default_timeout(20_000)
        self.home = base_url.removesuffix("api/v1")
        super().__init__(page, self.home)

    def write(self, query: str = QUERY, documents: Sequence[str] | str = DOCUMENTS) -> None:
        """Write a query, and documents on lines of their own or as they are."""
        text = documents if isinstance(documents, str) else "\n".join(documents)
        self.page.get_by_label("Query").fill(query)
        self.page.get_by_label("Documents", exact=True).fill(text)

    def choose(self, model: str, other: str = "") -> None:
        """Choose a model, and one to compare it with; what is no embedded one is OpenRouter's."""
        for label, slug, field in (("Model", model, 1), ("Compare with", other, 2)):
            is_local = slug.startswith("local") or not slug
            choice = slug if is_local else "upstream"
            self.page.get_by_label(label, exact=True).select_option(choice)
            if not is_local:
                self.page.locator(f"#slug-{field}").fill(slug)

    def rank(self) -> None:
        """Press the button, and wait until it is over."""
        self.page.get_by_role("button", name="Rank").click()
        self.page.locator("#results[aria-busy='false']").wait_for()

    def open_file(self, path: Path) -> None:
        """Choose a file."""
        with self.page.expect_file_chooser() as chooser:
            self.page.get_by_role("button", name="Open a file").click()
        chooser.value.set_files(path)

    def read_order(self, name: str) -> list[str]:
        """Read the texts of an order from first to last."""
        order = self.page.get_by_role("list", name=name, exact=True)
        return order.locator("li > div > .text, li > div > div > .text").all_text_contents()

    def read_facts(self, name: str) -> list[list[str]]:
        """Read what stands above each text of an order: where it moved, and its score."""
        order = self.page.get_by_role("list", name=name, exact=True)
        texts = (
            "(all) => all.map((facts) => Array.from(facts.children, (each) => each.textContent))"
        )
        facts: list[list[str]] = order.locator("li .facts:first-child").evaluate_all(texts)
        return facts

    def read_errors(self) -> str:
        """Read the errors."""
        return self.page.locator("#errors").inner_text()

    def read_status(self) -> str:
        """Read what the page says it has done."""
        return self.page.locator("#status").inner_text()

    def is_alone(self) -> bool:
        """Tell whether the page has asked nothing but its own server."""
        return all(url.startswith(self.home) for url in self.asked)
