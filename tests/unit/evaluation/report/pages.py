"""Reads a page as a browser would, its elements and its text, and the JSON that it shows."""

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
VOID = frozenset({"meta", "br", "img", "link", "input", "hr", "base"})


class Element:
    """An element with what is in it, in order."""

    def __init__(self, tag: str, attributes: dict[str, str | None] | None = None) -> None:
        """Begin with nothing in it."""
        self.tag = tag
        self.attributes = attributes or {}
        self.children: list[Element | str] = []

    def walk(self) -> Iterator["Element"]:
        """Yield it and every element below it."""
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def find_all(self, tag: str) -> list["Element"]:
        """Find the elements of a name below it."""
        return [element for element in self.walk() if element.tag == tag]

    def has_class(self, name: str) -> bool:
        """Tell whether it has a class."""
        return name in (self.attributes.get("class") or "").split()

    @property
    def text(self) -> str:
        """The text in it, white space joined to single spaces."""
        texts = [child if isinstance(child, str) else child.text for child in self.children]
        return " ".join("".join(texts).split())


class PageParser(HTMLParser):
    """Builds the tree of a page and refuses one whose elements do not nest."""

    def __init__(self) -> None:
        """Begin with an empty page."""
        super().__init__(convert_charrefs=True)
        self.root = Element("")
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin an element."""
        element = Element(tag, dict(attrs))
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Add an element of SVG that has no content."""
        self._open[-1].children.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """End an element."""
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        """Add text."""
        self._open[-1].children.append(data)


def parse(page: str) -> Element:
    """Parse a page to its end."""
    parser = PageParser()
    parser.feed(page)
    parser.close()
    return parser.root


def resolve(value: Json, pointer: str) -> Json:
    """Follow a JSON Pointer (RFC 6901)."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        assert isinstance(value, dict | list)
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value
