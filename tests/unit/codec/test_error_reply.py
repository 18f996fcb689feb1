"""What an error says beyond its class: the message, and the attributes read from the body."""

from typing import Any

import httpx
import pytest
from fake_server import receive
from openrouter_rerank._codec.response import read_reply
from openrouter_rerank._network.auth import KEY_SENT
from openrouter_rerank.components import Availability, AvailabilityConstraint, PreviousError
from openrouter_rerank.errors import Moderation, OpenRouterError
from openrouter_rerank.types import UNSET


def catch(status: int, *, headers: Any = None, key: str = "", **reply: Any) -> OpenRouterError:
    """Read a reply that is an error."""
    request = httpx.Request("POST", "https://h/rerank")
    extensions = {**reply.pop("extensions", {}), KEY_SENT: bool(key)}
    with pytest.raises(OpenRouterError) as caught:
        read_reply(
            receive(
                httpx.Response(
                    status, headers=headers, request=request, extensions=extensions, **reply
                )
            )
        )
    return caught.value


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ({"json": {"error": {"message": " slow down "}}}, "503: slow down"),
        ({"json": {"error": "plain"}}, "503: plain"),
        (
            {"json": {"error": {"message": " "}}},
            '503 Service Unavailable ({"error":{"message":" "}})',
        ),
        ({"json": {"error": {"message": 5}}}, '503 Service Unavailable ({"error":{"message":5}})'),
        ({"content": b""}, "503 Service Unavailable (empty body)"),
        ({"content": b" \n"}, "503 Service Unavailable (empty body)"),
        ({"html": "<p>x"}, "503 Service Unavailable (an HTML page)"),
        (
            {"content": b"x", "headers": {"content-type": "Text/HTML ;a=b"}},
            "503 Service Unavailable (an HTML page)",
        ),
        ({"text": "some\n  text"}, "503 Service Unavailable (some text)"),
        ({"text": "x" * 201}, f"503 Service Unavailable ({'x' * 200})"),
    ],
)
def test_message_is_what_was_said_else_the_status(reply: dict[str, Any], message: str) -> None:
    """The server's words come first; without any the status and the body's kind are shown."""
    assert str(catch(503, **reply)) == message


def test_unknown_status_needs_no_reason() -> None:
    """A status without a name is shown by its number, or by the reason that came with it."""
    assert str(catch(599)) == "599 (empty body)"
    assert str(catch(599, extensions={"reason_phrase": b"Odd"})) == "599 Odd (empty body)"


def test_error_inside_a_200_without_a_status_shows_the_replys() -> None:
    """What has no status of its own is shown with the one that it came with."""
    said = catch(200, json={"error": {"message": "odd"}})
    silent = catch(200, json={"error": {}})

    assert (str(said), str(silent)) == ("200: odd", '200 OK ({"error":{}})')


def test_unauthorized_says_how_to_set_the_key() -> None:
    """A 401 tells a missing key from one that was not accepted, and never shows it."""
    missing = catch(401)
    refused = catch(401, key="sk-or-secret")

    assert str(missing) == (
        "401 Unauthorized (empty body) "
        "(no API key was sent; pass api_key= to OpenRouter or set OPENROUTER_API_KEY)"
    )
    assert str(refused) == (
        "401 Unauthorized (empty body) "
        "(the API key was not accepted; check api_key= or OPENROUTER_API_KEY)"
    )


@pytest.mark.parametrize("said", ["no API key was sent", "no API key was sent."])
def test_unauthorized_says_nothing_twice(said: str) -> None:
    """What the server says is left out if the advice begins with it, as with a missing key."""
    error = catch(401, json={"error": {"code": 401, "message": said}})

    assert str(error) == (
        "401: no API key was sent; pass api_key= to OpenRouter or set OPENROUTER_API_KEY"
    )


def test_no_other_error_speaks_of_the_key() -> None:
    """The statuses beside 401 say nothing of how to set the key."""
    messages = [str(catch(status)) for status in (400, 402)]

    assert messages == ["400 Bad Request (empty body)", "402 Payment Required (empty body)"]


def test_unauthorized_inside_a_200_says_the_same() -> None:
    """The advice follows the error's status, not the reply's."""
    error = catch(200, json={"error": {"code": 401, "message": "who?"}})

    assert str(error) == (
        "401: who? (no API key was sent; pass api_key= to OpenRouter or set OPENROUTER_API_KEY)"
    )


def test_attributes_are_read_from_the_body() -> None:
    """Everything that the contract's error may carry is an attribute."""
    availability = {"code": "a", "retryable": True, "retry_after": 4, "fallback_models": ["m"]}
    metadata = {
        "error_type": "inner",
        "provider_code": "p1",
        "previous_errors": [{"provider": "p", "code": 1, "status": 500}, "odd", {}],
        "reasons": ["violence"],
        "flagged_input": "words",
        "provider_name": "P",
        "model_slug": "m",
        "more": 1,
    }
    body = {
        "error": {"code": 403, "message": "m", "metadata": metadata, "availability": availability},
        "user_id": "u",
    }

    error = catch(403, json=body, headers={"X-Generation-Id": "gen-1"})

    assert error.metadata == metadata
    assert error.error_type == "inner"
    assert error.provider_code == "p1"
    assert error.previous_errors == [PreviousError(provider="p", code=1, status=500)]
    assert error.moderation == Moderation(["violence"], "words", "P", "m")
    assert error.availability == Availability(
        code="a", retryable=True, retry_after=4, fallback_models=["m"]
    )
    assert error.retry_after == 4
    assert error.generation_id == "gen-1"
    assert error.data is not None
    assert error.data.to_dict() == body


@pytest.mark.parametrize(
    ("found", "moderation"),
    [
        ({"reasons": ["violence", 5]}, Moderation(["violence"], None, None, None)),
        ({"flagged_input": "words"}, Moderation([], "words", None, None)),
        ({"reasons": "odd", "flagged_input": 5}, Moderation([], None, None, None)),
    ],
)
def test_either_mark_of_moderation_is_enough(found: dict[str, Any], moderation: Moderation) -> None:
    """A moderated request may have its reasons or its input alone."""
    error = catch(403, json={"error": {"message": "m", "metadata": found}})

    assert error.moderation == moderation


@pytest.mark.parametrize(
    ("given", "constraint"),
    [
        ({"field": "provider.zdr"}, AvailabilityConstraint(field="provider.zdr")),
        ("odd", UNSET),
        (None, UNSET),
    ],
)
def test_constraint_of_an_availability(given: object, constraint: object) -> None:
    """The part of the request that left no provider is a model, too."""
    said = {"retryable": False, "constraint": given}
    error = catch(404, json={"error": {"message": "m", "availability": said}})

    assert error.availability is not None
    assert error.availability.constraint == constraint


def test_error_type_beside_the_message_wins() -> None:
    """An error of model availability has its kind outside the metadata."""
    body = {"error": {"error_type": "outer", "metadata": {"error_type": "inner"}}}

    assert catch(404, json=body).error_type == "outer"


def test_header_wins_over_availability() -> None:
    """The wait of a header is on the error before the body's."""
    body = {"error": {"message": "m", "availability": {"retry_after": 9}}}

    assert catch(429, json=body, headers={"Retry-After": "2"}).retry_after == 2


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"metadata": None, "availability": None},
        {"metadata": 5, "availability": "none", "error_type": 5},
        {"metadata": {"previous_errors": {}, "provider_code": [], "error_type": 5}},
        {"metadata": {"provider_name": "P", "model_slug": "m"}},
    ],
)
def test_absent_details_have_one_form(details: dict[str, Any]) -> None:
    """What a body lacks, or has in another shape, is None or empty."""
    error = catch(500, json={"error": {"message": "m", **details}})

    assert (error.error_type, error.provider_code, error.previous_errors) == (None, None, [])
    assert (error.availability, error.moderation, error.retry_after) == (None, None, None)
    assert error.generation_id is None


@pytest.mark.parametrize("error", ["text", None, [], {"code": 500}, 5, [["message", "m"]]])
def test_body_that_is_no_envelope_has_no_data(error: object) -> None:
    """The contract's envelope is there only if the body is one."""
    found = catch(500, json={"error": error}).data

    assert found is None or found.error.message == "m"


RAW_WORDS = [
    ("too many documents", "too many documents"),
    ('{"message": "too many documents"}', "too many documents"),
    ('{"error": {"message": "too many documents", "type": "x"}}', "too many documents"),
    ('{"detail": [{"loc": ["top_n"], "msg": "too many documents"}]}', "too many documents"),
    ('{"errors": [{"message": "too many documents"}]}', "too many documents"),
    ('"{\\"message\\": \\"too many documents\\"}"', "too many documents"),
    ({"error": "too many documents"}, "too many documents"),
    (["too many documents"], "too many documents"),
    ("<html>\n too  many", "<html> too many"),
    ("red \x1b[31m\u202e", "red \ufffd[31m\ufffd"),
    ('{"code": 5}', '{"code": 5}'),
    ("w" * 400, "w" * 300 + "…"),
]


@pytest.mark.parametrize(("raw", "words"), RAW_WORDS)
def test_providers_own_words_are_in_the_message(raw: object, words: str) -> None:
    """What the provider said is dug out of JSON, cut and safe to show, with the provider's name."""
    metadata = {"provider_name": "Cohere", "raw": raw}
    body = {"error": {"code": 400, "message": "Provider returned error", "metadata": metadata}}

    error = catch(400, json=body)

    assert str(error) == f"400: Provider returned error (Cohere: {words})"
    assert error.args == (str(error),)


@pytest.mark.parametrize("raw", [None, "", 5, [], {}, {"message": 5}, ["a" * 0], True])
def test_no_words_of_a_provider_leave_its_name(raw: object) -> None:
    """Without words, or with those of the message again, the message names the provider alone."""
    metadata = {"provider_name": "Cohere", "raw": raw}

    error = catch(502, json={"error": {"message": "no", "metadata": metadata}})
    again = catch(502, json={"error": {"message": "no", "metadata": {**metadata, "raw": "no"}}})

    assert str(error) == str(again) == "502: no (provider Cohere)"


def test_words_that_lie_too_deep_are_not_looked_for() -> None:
    """JSON inside JSON without end is not followed."""
    raw: object = "deep"
    for _ in range(10):
        raw = {"error": raw}

    assert str(catch(502, json={"error": {"message": "no", "metadata": {"raw": raw}}})) == "502: no"


def test_all_that_helps_is_in_the_message() -> None:
    """Moderation, constraint, other models, the wait and the generation are told, each once."""
    availability = {
        "constraint": {"field": "provider.only", "detail": "cohere is down"},
        "excluded_by": "zdr",
        "fallback_models": [f"m{number}" for number in range(7)],
        "retry_after": 4,
    }
    metadata = {"reasons": ["violence", "hate"], "provider_code": 17}
    details = {"message": "no", "metadata": metadata, "availability": availability}

    error = catch(503, json={"error": details}, headers={"X-Generation-Id": "gen-1"})

    assert str(error) == (
        "503: no (provider's code 17; flagged for violence, hate; constraint provider.only: cohere "
        "is down; excluded by zdr; models that could serve it: m0, m1, m2, m3, m4 and 2 more; "
        "retry after 4 s; generation gen-1)"
    )


@pytest.mark.parametrize("odd", [None, 5, "text", [], [5], {}, {"field": 5}])
def test_odd_details_add_nothing(odd: object) -> None:
    """Details of another type than the contract's leave the message as it is."""
    availability: dict[str, Any] = {"constraint": odd, "excluded_by": [], "fallback_models": odd}
    details = {"message": "no", "metadata": {"reasons": odd}}

    error = catch(503, json={"error": {**details, "availability": availability}})

    assert str(error) == "503: no"
