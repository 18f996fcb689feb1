"""The exception tree: its shape, its messages, and its way through pickle."""

import copy
import inspect
import json
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import httpx
import pytest
from fake_server import SECRET, Outcome, make_settings, receive, run_to_error
from openrouter_rerank import RetryConfig, errors
from openrouter_rerank._codec.error_reply import build_status_error
from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._codec.response import decode
from openrouter_rerank.errors import STATUS_ERRORS, OpenRouterError
from openrouter_rerank.testing import FakeOpenRouter, Step, answer
from openrouter_rerank.types import UNSET

CLASSES: list[type[OpenRouterError]] = [
    found
    for _, found in sorted(vars(errors).items())
    if inspect.isclass(found) and issubclass(found, OpenRouterError)
]
NO_RESPONSE = [
    errors.ConnectionFailedError,
    errors.DisconnectedError,
    errors.ReadTimeoutError,
    errors.DeadlineExceededError,
]
DETAILS: dict[str, Any] = {
    "code": 403,
    "message": "flagged",
    "metadata": {
        "error_type": "content_policy_violation",
        "provider_code": 7,
        "previous_errors": [{"provider": "p", "status": 500}],
        "reasons": ["violence"],
    },
    "availability": {"retryable": False, "retry_after": 3},
}
ATTRIBUTES = (
    "message",
    "status_code",
    "body",
    "headers",
    "data",
    "error_type",
    "provider_code",
    "metadata",
    "previous_errors",
    "availability",
    "moderation",
    "generation_id",
    "retry_after",
    "attempts",
)
LOAD = """
import pickle, sys
error = pickle.load(sys.stdin.buffer)
print(type(error).__name__, error, error.status_code, error.retry_after, error.raw_response.text)
"""


def reload(value: object) -> object:
    """Send a value through pickle."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - written by the line itself


def make_response(status: int = 403) -> httpx.Response:
    """Make the reply to a request that has a key."""
    request = httpx.Request(
        "POST", "https://h/rerank", headers={"Authorization": f"Bearer {SECRET}"}, content=b"asked"
    )
    return httpx.Response(
        status, headers={"X-Generation-Id": "gen-1"}, json={"error": DETAILS}, request=request
    )


def read_error(status: int = 403) -> OpenRouterError:
    """Read an error that has all that an error can have, the key in its request included."""
    response = make_response(status)
    error = build_status_error(response, response.json(), status)
    error.attempts = 2
    return error


def test_exports_are_the_tree() -> None:
    """Every class is exported, in order, and drawn in the module's docstring."""
    names = [found.__name__ for found in CLASSES]

    listed = ["STATUS_ERRORS", "DataFileError", "Moderation", *names]
    assert errors.__all__ == sorted(listed, key=lambda n: (n[1].islower(), n))
    assert all(name in (errors.__doc__ or "") for name in names)


def test_statuses_have_classes_of_their_own() -> None:
    """No two statuses share a class, 412 aside, which has none; the docstrings name them."""
    kinds = [kind for status, kind in STATUS_ERRORS.items() if status != 412]

    assert len(kinds) == len(set(kinds)) == 15
    for status, kind in STATUS_ERRORS.items():
        assert status == 412 or (kind.__doc__ or "").startswith(f"{status}: ")


def test_statuses_are_the_contracts() -> None:
    """Each error status that the contract declares is in the table, and no other."""
    contract = json.loads(files("openrouter_rerank_api").joinpath("openapi.json").read_bytes())
    responses = contract["paths"]["/rerank"]["post"]["responses"]

    declared = {int(status) for status in responses if status.isdigit() and status != "200"}

    assert set(STATUS_ERRORS) == declared


def test_statuses_cannot_be_changed() -> None:
    """The table is read-only."""
    with pytest.raises(TypeError):
        STATUS_ERRORS[400] = OpenRouterError  # type: ignore[index]


@pytest.mark.parametrize("kind", NO_RESPONSE)
def test_missing_reply_has_one_root(kind: type[OpenRouterError]) -> None:
    """Whatever kept the reply away, it is a `NoResponseError` without status, body and reply."""
    error = kind("nothing came")

    assert isinstance(error, errors.NoResponseError)
    assert (error.status_code, error.body, dict(error.headers)) == (None, "", {})
    assert error.raw_response is None


def test_closed_client_is_a_value_error() -> None:
    """The use of a closed client is a wrong argument too."""
    assert issubclass(errors.ClientClosedError, ValueError)


@pytest.mark.parametrize("kind", CLASSES)
def test_message_is_the_text(kind: type[OpenRouterError]) -> None:
    """`str()` gives the message, and the reply's own facts are on the error."""
    error = kind("what happened", make_response())

    assert (str(error), error.message) == ("what happened", "what happened")
    assert (error.status_code, error.generation_id, error.attempts) == (403, "gen-1", 0)
    assert '"flagged"' in error.body


def test_arguments_win_over_the_reply() -> None:
    """A status and a body that are given stand in the place of the reply's."""
    error = OpenRouterError("m", make_response(), "other", status_code=429)

    assert (error.status_code, error.body) == (429, "other")


def test_status_has_no_position() -> None:
    """Beyond the message, the reply and the body, arguments are taken by name alone."""
    with pytest.raises(TypeError, match="positional"):
        OpenRouterError("m", None, "body", 429)  # type: ignore[call-arg]


def test_status_and_body_need_no_reply() -> None:
    """An error can be made of a status and a body alone."""
    error = OpenRouterError("m", None, "other", status_code=429)

    assert (error.status_code, error.body, error.raw_response) == (429, "other", None)


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("response", [None, make_response()])
def test_every_class_survives_pickle(
    kind: type[OpenRouterError], response: httpx.Response | None
) -> None:
    """Every class comes back as itself with all that is on it."""
    error = kind("what happened", response)
    error.retry_after = 1.5
    if isinstance(error, errors.ConnectionFailedError):
        error.is_permanent = True

    found = pickle.loads(pickle.dumps(error))  # noqa: S301 - written by the line itself

    assert type(found) is kind
    assert [getattr(found, name) for name in ATTRIBUTES] == [
        getattr(error, name) for name in ATTRIBUTES
    ]
    assert getattr(found, "is_permanent", None) == getattr(error, "is_permanent", None)


@pytest.mark.parametrize("status", [*STATUS_ERRORS, 418])
def test_copy_keeps_the_reply_but_not_the_key(status: int) -> None:
    """A copy has the reply, and of its request the method and the URL alone."""
    error = read_error(status)

    for found in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301 - as above
        assert [getattr(found, name) for name in ATTRIBUTES] == [
            getattr(error, name) for name in ATTRIBUTES
        ]
        assert found.raw_response is not None
        assert found.body == found.raw_response.text
        request = found.raw_response.request
        assert (request.method, str(request.url)) == ("POST", "https://h/rerank")
        assert "Authorization" not in request.headers


def test_original_keeps_its_request() -> None:
    """Pickling takes nothing from the error itself."""
    error = read_error()

    pickle.dumps(error)

    assert error.raw_response is not None
    assert error.raw_response.request.headers["Authorization"] == f"Bearer {SECRET}"


def test_reply_without_a_request_survives_pickle() -> None:
    """A reply that was made by hand has no request to leave out."""
    error = OpenRouterError("m", httpx.Response(500, text="body"))

    found = pickle.loads(pickle.dumps(error))  # noqa: S301 - as above

    assert found.raw_response.text == "body"


def test_pickle_is_read_in_another_process() -> None:
    """An error that crosses over to another process arrives whole."""
    printed = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOAD],
        input=pickle.dumps(read_error()),
        capture_output=True,
        check=True,
        timeout=60,
    )

    assert printed.stdout.decode().startswith(
        "ForbiddenResponseError 403: flagged (provider's code 7; flagged for violence; "
        'retry after 3 s; generation gen-1) 403 3.0 {"error":'
    )


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, reload])
def test_unset_is_itself_after_copying(duplicate: Callable[[object], object]) -> None:
    """There is one UNSET, in a copy and out of a pickle too."""
    assert duplicate(UNSET) is UNSET


def test_note_survives_pickle() -> None:
    """Notes that a caller adds are kept."""
    error = read_error()
    error.add_note("while testing")

    assert pickle.loads(pickle.dumps(error)).__notes__ == ["while testing"]  # noqa: S301 - as above


FAILURES = [
    *(Outcome(status) for status in (*STATUS_ERRORS, 418)),
    *(Outcome(200, content=content) for content in (b"", b"[]", b'{"error": {"code": 401}}')),
    Outcome(204),
    Outcome(307, {"location": "https://other/"}),
    Outcome(200, {"content-encoding": "br"}),
    Outcome(seconds=999),
    Outcome(error=httpx.ConnectError("refused")),
    Outcome(error=httpx.ReadError("reset")),
    Outcome(error=httpx.DecodingError("odd")),
    Outcome(error=httpx.TooManyRedirects("many")),
]


@pytest.mark.parametrize("outcome", FAILURES)
def test_no_error_shows_the_key(outcome: Outcome) -> None:
    """The key is in no text, repr, traceback, attribute or pickle of an error that a call gives."""
    error, server = run_to_error(
        outcome, outcome, outcome, outcome, settings=make_settings(deadline=90)
    )

    shown = [
        str(error),
        repr(error),
        *traceback.format_exception(error),
        repr(vars(error)),
        repr(error.raw_response and vars(error.raw_response)),
        repr(pickle.dumps(error)),
        repr(make_settings()),
    ]
    assert server.requests[0].headers["Authorization"] == f"Bearer {SECRET}"
    assert not any(SECRET in text for text in shown)


def test_wrong_shape_does_not_show_the_key() -> None:
    """A success that cannot be decoded shows no key either."""
    reply = receive(make_response(200))

    with pytest.raises(errors.ResponseValidationError) as caught:
        decode({"model": 5}, reply, EncodedRequest(b"", ["a"], model="m", query="q"))

    assert SECRET not in repr(pickle.dumps(caught.value)) + repr(vars(caught.value))


ECHO = "sk-or-fake-but-long"


@pytest.mark.parametrize(
    "step", [answer(503, headers={"X-Generation-Id": ECHO}), httpx.RemoteProtocolError(ECHO)]
)
def test_key_in_a_header_or_in_an_error_of_httpx_is_redacted(step: Step) -> None:
    """What the server sent beside the body holds no key either, nor do the causes."""
    with (
        FakeOpenRouter(step, api_key=ECHO, retry_config=RetryConfig("none")) as client,
        pytest.raises(OpenRouterError) as caught,
    ):
        client.rerank.rerank(documents=["a"], model="m", query="q")

    error = caught.value
    assert ECHO not in str(error) + repr(error) + repr(vars(error)) + repr(error.__cause__)
    assert ECHO not in repr(error.headers)
    assert ECHO.encode() not in pickle.dumps(error)


def test_short_key_is_no_word_to_redact() -> None:
    """A placeholder such as "unused" does not take the word out of every reply."""
    refusal = answer(400, body={"error": {"message": "it is unused"}})
    with (
        FakeOpenRouter(refusal, api_key="unused") as client,
        pytest.raises(OpenRouterError) as caught,
    ):
        client.rerank.rerank(documents=["a"], model="m", query="q")

    assert str(caught.value) == "400: it is unused"
