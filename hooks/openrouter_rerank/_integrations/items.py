"""What a framework hands to its adapter: a list of its own documents."""

from typing import TypeVar

from openrouter_rerank._codec.request import require_iterable

T = TypeVar("T")


def limit_count(top_n: int | None, count: int) -> int | None:
    """
    Return how many of `count` documents to ask for; None for all.

    An adapter has a default for all its calls, and some providers refuse more than there are.
    """
    return None if top_n is None else min(top_n, count)


def require_items(items: object, kind: type[T], name: str) -> list[T]:
    """
    Return the framework's documents as a list.

    Args:
        items: What was handed in.
        kind: The framework's class of a document.
        name: What messages call it.

    Raises:
        TypeError: It is no list of documents, or holds something else; the message names the place.
    """
    checked: list[T] = []
    for position, item in enumerate(require_iterable(items, name)):
        if not isinstance(item, kind):
            found = type(item).__name__
            raise TypeError(f"{name}[{position}]: expected {kind.__name__}, got {found}")
        checked.append(item)
    return checked
