"""The replies and their shared envelope."""

from typing import Any

from contract.rules.media import get_operation
from contract.rules.replies import describe_responses, share_error_envelopes

Json = dict[str, Any]


def wrap(**bodies: Json) -> Json:
    """Return a document with one reply for each body, `s400` being status 400."""
    responses = {
        status.removeprefix("s"): {"content": {"application/json": {"schema": body}}}
        for status, body in bodies.items()
    }
    return {"paths": {"/rerank": {"post": {"responses": responses}}}}


def kind(*known: str) -> Json:
    """Return an envelope whose kind is one of the values."""
    return {"properties": {"kind": {"type": "string", "x-known-values": list(known)}}}


def test_envelopes_that_know_other_values_are_one() -> None:
    """A value that one status knows, all know; a success stays as it is."""
    document = wrap(s200=kind("ok"), s400=kind("bad"), s404=kind("gone"), default=kind("any"))

    shared = get_operation(share_error_envelopes(document))["responses"]

    bodies = [reply["content"]["application/json"]["schema"] for reply in shared.values()]
    assert bodies == [kind("ok"), *[kind("any", "bad", "gone")] * 3]


def test_envelopes_that_differ_stay_apart() -> None:
    """An envelope with another property is not the same."""
    document = wrap(s400=kind("bad"), s404={"properties": {"other": {}}})

    assert share_error_envelopes(document) == document


def test_each_reply_says_its_status() -> None:
    """A reply is described by what its status is called, as far as it has a name."""
    document = wrap(s404={}, s529={}, s4XX={}, default={})

    described = get_operation(describe_responses(document))["responses"]

    assert {status: reply["description"] for status, reply in described.items()} == {
        "404": "Not Found",
        "529": "A reply with status 529",
        "4XX": "A reply with status 4XX",
        "default": "Any other reply",
    }
