"""Changes of the servers that requests go to, and of the credentials they need."""

from collections.abc import Iterator, Sequence
from typing import Any

from contract.model import JsonObject

from .changes import Change, ChangeClass
from .places import Place
from .references import follow
from .restrictions import show


def compare_servers(
    old: Sequence[JsonObject], new: Sequence[JsonObject], place: Place
) -> Iterator[Change]:
    """
    Yield changes of where requests go; the client sends them to the first server.

    Args:
        old: The operation, then the path item that it stands in, of the old contract.
        new: The same of the new contract.
        place: Where the operation stands.
    """
    before, after = list_urls(old, place.old), list_urls(new, place.new)
    here = place.below("servers")
    if before[:1] != after[:1]:
        message = f"{show(before[0] if before else None)} to {show(after[0] if after else None)}"
        yield here.change(ChangeClass.BREAKING, message)
    for url in before[1:]:
        if url not in after:
            yield here.change(ChangeClass.BREAKING, f"{show(url)} removed")
    for url in after[1:]:
        if url not in before:
            yield here.change(ChangeClass.ADDITIVE, f"new server {show(url)}")


def list_urls(operation: Sequence[JsonObject], document: JsonObject) -> list[str]:
    """Return the URLs of an operation's servers, from the closest list of them."""
    nodes = [node for node in (*operation, document) if node.get("servers")]
    return [server["url"] for server in nodes[0]["servers"]] if nodes else []


def compare_security(old: JsonObject, new: JsonObject, place: Place) -> Iterator[Change]:
    """Yield changes of the ways to authenticate, each compared by its content, not by its name."""
    before, after = list_securities(old, place.old), list_securities(new, place.new)
    here = place.below("security")
    for way in before:
        if way not in after:
            yield here.change(ChangeClass.BREAKING, f"no longer accepts {write_security(way)}")
    for way in after:
        if way not in before:
            yield here.change(ChangeClass.ADDITIVE, f"now accepts {write_security(way)}")


def list_securities(operation: JsonObject, document: JsonObject) -> list[list[JsonObject]]:
    """Return the ways to authenticate, each a list of schemes that are used together."""
    schemes: JsonObject = document.get("components", {}).get("securitySchemes", {})
    # An operation's own list, even an empty one, replaces the document's.
    declared = operation if "security" in operation else document
    ways: list[JsonObject] = declared.get("security") or [{}]
    return [
        [
            {**strip_text(follow(document, schemes.get(name, {"name": name}))), "scopes": scopes}
            for name, scopes in sorted(way.items())
        ]
        for way in ways
    ]


def strip_text(scheme: JsonObject) -> dict[str, Any]:
    """Return a security scheme without its prose."""
    texts = {"description", "bearerFormat"}
    return {key: scheme[key] for key in scheme if key not in texts and not key.startswith("x-")}


def write_security(way: Sequence[JsonObject]) -> str:
    """Return a way to authenticate for people to read."""
    return " with ".join(show(scheme) for scheme in way) or "requests without credentials"
