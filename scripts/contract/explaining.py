"""What a step changed, found by comparing the document before and after it."""

from collections.abc import Iterator
from typing import Any

from .model import is_list, is_object

MAX_SHOWN = 5
MAX_TEXT = 60


def explain_change(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """
    Yield one line for each difference, `path: old -> new`.

    If an object lost or gained many keys, they share one line.
    """
    if before == after:
        return
    if is_object(before) and is_object(after):
        gone = [key for key in before if key not in after]
        new = [key for key in after if key not in before]
        yield from _summarise(path, gone, before, "dropped")
        yield from _summarise(path, new, after, "added")
        for key in before:
            if key in after:
                yield from explain_change(before[key], after[key], f"{path}/{_escape(key)}")
    elif is_list(before) and is_list(after) and len(before) == len(after):
        for index, (old, new_item) in enumerate(zip(before, after, strict=True)):
            yield from explain_change(old, new_item, f"{path}/{index}")
    else:
        yield f"{path or '/'}: {_shorten(before)} -> {_shorten(after)}"


def _summarise(path: str, keys: list[str], holder: dict[str, Any], verb: str) -> Iterator[str]:
    if len(keys) > MAX_SHOWN:
        yield f"{path or '/'}: {verb} {len(keys)} keys, {keys[0]} to {keys[-1]}"
        return
    for key in keys:
        yield f"{path}/{_escape(key)}: {verb} {_shorten(holder[key])}"


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _shorten(value: Any) -> str:
    if is_object(value) and value:
        return f"an object of {len(value)}"
    if is_list(value) and len(value) > MAX_SHOWN:
        return f"a list of {len(value)}"
    text = " ".join(repr(value).split())
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}..."
