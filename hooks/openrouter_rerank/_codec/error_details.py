"""What the body of an error says beyond its message, in words for the message. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from .json import load_json

if TYPE_CHECKING:
    from openrouter_rerank.errors import OpenRouterError

SHOWN_WORDS_CHARACTERS = 300
SHOWN_NAMES = 5
# Where the errors of providers keep their words, the most telling first.
WORDS_FIELDS = ("message", "error", "detail", "details", "errors", "msg", "reason", "description")
MAX_WORDS_DEPTH = 5


def describe_details(error: OpenRouterError, availability: Mapping[str, Any]) -> str:
    """Return what helps beyond the server's message, in parentheses; "" if there is nothing."""
    parts = [*describe_metadata(error), *describe_availability(availability)]
    if error.retry_after is not None:
        parts.append(f"retry after {error.retry_after:g} s")
    if error.generation_id:
        parts.append(f"generation {make_safe(error.generation_id)}")
    return f" ({'; '.join(parts)})" if parts else ""


def describe_metadata(error: OpenRouterError) -> Iterator[str]:
    """Yield who failed, in its own words, and why moderation refused the input."""
    name = error.metadata.get("provider_name")
    provider = make_safe(name) if isinstance(name, str) else ""
    words = make_safe(find_words(error.metadata.get("raw")))
    if words and words not in error.message:
        yield f"{provider or 'the provider'}: {words}"
    elif provider and provider not in error.message:
        yield f"provider {provider}"
    if error.provider_code is not None:
        yield f"provider's code {make_safe(str(error.provider_code))}"
    if error.moderation is not None and error.moderation.reasons:
        yield f"flagged for {join_names(error.moderation.reasons)}"


def describe_availability(availability: Mapping[str, Any]) -> Iterator[str]:
    """Yield what left no provider, and what could serve the request instead."""
    constraint = availability.get("constraint")
    if isinstance(constraint, dict):
        fields = cast("Mapping[str, Any]", constraint)
        words = [fields.get("field"), fields.get("detail")]
        shown = ": ".join(make_safe(word) for word in words if isinstance(word, str))
        if shown:
            yield f"constraint {shown}"
    excluded_by = availability.get("excluded_by")
    if isinstance(excluded_by, str):
        yield f"excluded by {make_safe(excluded_by)}"
    fallbacks = join_names(availability.get("fallback_models"))
    if fallbacks:
        yield f"models that could serve it: {fallbacks}"


def find_words(raw: object, depth: int = 0) -> str:
    """Find a provider's own words in what it answered: text, JSON as text, or an object."""
    if depth > MAX_WORDS_DEPTH:
        return ""
    if isinstance(raw, str):
        try:
            value = load_json(raw.encode(errors="replace"))
        except (ValueError, RecursionError):
            return raw
        return find_words(value, depth + 1) or raw
    if isinstance(raw, list):
        entries = cast("list[object]", raw)
        return next(filter(None, (find_words(entry, depth + 1) for entry in entries[:1])), "")
    if not isinstance(raw, dict):
        return ""
    fields = cast("Mapping[str, object]", raw)
    found = (find_words(fields.get(name), depth + 1) for name in WORDS_FIELDS)
    return next(filter(None, found), "")


def join_names(names: object) -> str:
    """Join the first few names of a list; "" if it is none."""
    if not isinstance(names, list):
        return ""
    texts = [make_safe(name) for name in cast("list[object]", names) if isinstance(name, str)]
    more = f" and {len(texts) - SHOWN_NAMES} more" if len(texts) > SHOWN_NAMES else ""
    return ", ".join(texts[:SHOWN_NAMES]) + more


def make_safe(text: str, limit: int = SHOWN_WORDS_CHARACTERS) -> str:
    """Return a text as one line that a terminal can show, cut to the limit."""
    line = " ".join(text.split())
    shown = "".join(each if each.isprintable() else "\ufffd" for each in line[:limit])
    return shown if len(line) <= limit else f"{shown}…"
