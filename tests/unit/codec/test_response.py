"""From a reply to the model, or to the error that it stands for."""

import copy
import itertools
import json
from typing import Any

import httpx
import pytest
from attrs import define, field
from fake_server import receive
from hypothesis import given
from hypothesis import strategies as st
from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._codec.response import Reply, decode, read_reply
from openrouter_rerank._codec.response_model import has_fields
from openrouter_rerank._network.received_reply import ReceivedReply
from openrouter_rerank.errors import (
    STATUS_ERRORS,
    OpenRouterDefaultError,
    OpenRouterError,
    ResponseValidationError,
)
from openrouter_rerank.operations import CreateRerankResponseBody, CreateRerankUsage

DOCUMENTS: list[Any] = ["first", {"text": "second", "image": "https://example.com/i.png"}]
REQUEST = EncodedRequest(b"", DOCUMENTS, model="m", query="q")
FIRST = {"index": 0, "relevance_score": 0.5, "document": {"text": "first"}}
GOOD = {"model": "m", "results": [FIRST]}


def make_reply(content: object = b"", status: int = 200, headers: Any = None) -> ReceivedReply:
    """Make a reply; what is not bytes is sent as JSON."""
    return receive(
        httpx.Response(
            status,
            headers=headers,
            content=content if isinstance(content, bytes) else json.dumps(content).encode(),
            request=httpx.Request("POST", "https://h/rerank"),
        )
    )


def read_model(content: object) -> CreateRerankResponseBody:
    """Read a success to the end."""
    reply = make_reply(content)
    return decode(read_reply(reply), reply, REQUEST)


def catch(reply: ReceivedReply) -> OpenRouterError:
    """Read a reply that is an error."""
    with pytest.raises(OpenRouterError) as caught:
        read_reply(reply)
    return caught.value


def test_success_becomes_the_model() -> None:
    """All that the contract names is on the model, and what it does not name is kept."""
    usage = {"cost": 1, "search_units": 2, "total_tokens": 3, "new": 4}
    reply = {"id": "g", "provider": "p", **GOOD, "usage": usage, "new": {"x": 1}, "error": None}

    model = read_model({**reply, "results": [{**FIRST, "new": 5}]})

    assert model.to_dict() == {**reply, "results": [{**FIRST, "new": 5}]}


@pytest.mark.parametrize("document", [{}, {"document": None}])
def test_missing_document_is_the_callers_own(document: dict[str, None]) -> None:
    """A result without a document gets the one that was sent at its index."""
    results = [{"index": place, "relevance_score": place, **document} for place in (1, 0)]

    model = read_model({"model": "m", "results": results})

    found = [result.document.to_dict() for result in model.results]
    assert found == [DOCUMENTS[1], {"text": "first"}]


def test_usual_success_becomes_the_model() -> None:
    """A reply with no more than the contract's own fields comes out as it came."""
    second = {"index": 1, "relevance_score": 0.25, "document": {"text": "second", "image": "i"}}
    reply = {"model": "m", "results": [FIRST, second]}

    model = read_model(reply)

    assert model.to_dict() == reply


@pytest.mark.parametrize("absent", ["id", "provider", "usage", "cost", "search_units", None])
def test_short_way_gives_what_the_model_itself_reads(absent: str | None) -> None:
    """A usual reply is not read by the model's own `from_dict`, and comes out the same."""
    usage = {"cost": 0.25, "search_units": 2, "total_tokens": 3}
    reply = {"id": "g", "provider": "p", **GOOD, "usage": usage}
    for fields in (reply, usage):
        fields.pop(absent or "", None)

    assert read_model(reply) == CreateRerankResponseBody.from_dict(reply)


def test_repeated_index_is_found_in_results_of_any_shape() -> None:
    """Results with fields of their own may not share an index either."""
    results = [{**FIRST, "new": 1}, {**FIRST, "new": 2}]

    with pytest.raises(ResponseValidationError, match=r"results\[1\].index: 0 comes twice"):
        read_model({"model": "m", "results": results})


def test_document_of_the_reply_is_kept() -> None:
    """What the reply echoes is not replaced, nulls in it aside."""
    echoed = {"text": "other", "image": None, "new": 1}

    model = read_model({"model": "m", "results": [{**FIRST, "document": echoed}]})

    assert model.results[0].document.to_dict() == {"text": "other", "new": 1}


@pytest.mark.parametrize(
    "extra",
    [
        {"usage": None},
        {"id": None, "provider": None},
        {"usage": {"cost": None, "search_units": None, "total_tokens": None}},
        {"error": None},
        {"error": {"code": 500, "message": "beside results"}},
        {"results": []},
    ],
)
def test_odd_but_usable_success_is_taken(extra: dict[str, object]) -> None:
    """Nulls, an error beside results and fewer results than asked for are a success."""
    model = read_model({**GOOD, **extra})

    assert model.model == "m"


def test_counts_are_integers_and_the_cost_is_a_float() -> None:
    """Each number of the usage has the contract's type, however it is written."""
    usage = read_model({**GOOD, "usage": {"cost": 1, "search_units": 2, "total_tokens": 3}}).usage

    assert isinstance(usage, CreateRerankUsage)
    assert [type(number) for number in (usage.cost, usage.search_units, usage.total_tokens)] == [
        float,
        int,
        int,
    ]


def test_score_is_always_a_float() -> None:
    """A score that is an integer in JSON is a float on the model."""
    model = read_model({"model": "m", "results": [{**FIRST, "relevance_score": 1}]})

    assert isinstance(model.results[0].relevance_score, float)


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ({"model": "m"}, "results: expected array, got null"),
        ({**GOOD, "results": {}}, "results: expected array, got dict"),
        ({**GOOD, "results": [FIRST, 5]}, r"results\[1\]: expected object, got int"),
        (b'{"model":"m","results":[{"new":[-1e400]}]}', r"results\[0\].index: expected integer"),
        (b'{"a": NaN}', "results: expected array, got null"),
        (b'{"results": %s}' % (b"9" * 5000), "results: expected array, got float"),
    ],
)
def test_success_of_the_wrong_shape_says_where(content: object, where: str) -> None:
    """A reply that is not the contract's is an error that names the field and keeps the reply."""
    with pytest.raises(ResponseValidationError, match=f"^unexpected reply: {where}") as caught:
        read_model(content)

    assert caught.value.raw_response is not None


@pytest.mark.parametrize(
    "cost", [b"1e400", b"-1e400", b"-0.5", b"-1", b"1" * 400, b"-" + b"1" * 400]
)
def test_a_cost_that_cannot_be_is_not_known(cost: bytes) -> None:
    """A ranking is not lost for a price that is negative or out of range; there is none then."""
    model = read_model(b'{"model":"m","results":[],"usage":{"cost":%s,"search_units":1}}' % cost)

    assert model.to_dict()["usage"] == {"search_units": 1}


def test_a_value_at_the_limit_of_depth_is_taken() -> None:
    """What is nested as deeply as allowed reaches the caller."""
    nested = b"[" * 100 + b"1" + b"]" * 100

    model = read_model(b'{"model":"m","results":[],"new":%s}' % nested)

    assert json.dumps(model.to_dict()["new"]).encode() == nested


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"index": "0"}, "index: expected integer, got str"),
        ({"index": None}, "index: expected integer, got null"),
        ({"index": 0.0}, "index: expected integer, got float"),
        ({"index": False}, "index: expected integer, got bool"),
        ({"index": -1}, "index: -1 is not from 0 to 1"),
        ({"index": 2}, "index: 2 is not from 0 to 1"),
        ({"index": 3}, "index: 3 is not from 0 to 1"),
        ({"index": 0}, "index: 0 comes twice"),
        ({"relevance_score": None}, "relevance_score: expected number, got null"),
        ({"relevance_score": "1"}, "relevance_score: expected number, got str"),
        ({"relevance_score": True}, "relevance_score: expected number, got bool"),
        ({"relevance_score": 10**400}, "relevance_score: number is out of range"),
        ({"relevance_score": float("nan")}, "relevance_score: number is out of range"),
    ],
)
def test_wrong_result_says_where(change: dict[str, object], where: str) -> None:
    """A result that cannot be used is named by its position and field."""
    wrong = {**FIRST, "index": 1, **change}

    with pytest.raises(ResponseValidationError) as caught:
        read_model({"model": "m", "results": [FIRST, wrong]})

    assert str(caught.value) == f"unexpected reply: results[1].{where}"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the body is not JSON: "),
        (b"<html></html>", "the body is not JSON"),
        (b'{"a":', "the body is not JSON"),
        (b'{"a": "\xff"}', "the body is not JSON: byte 7 is not UTF-8"),
        (b"[" * 100_000, "the body is not JSON: it is nested too deeply"),
        (b'{"a": NaN, ', "the body is not JSON"),
        (b'{"a": ' + b"9" * 5000 + b"]", "the body is not JSON"),
        (b"[]", "expected an object, got list"),
        (b"null", "expected an object, got null"),
        (b'"text"', "expected an object, got str"),
    ],
)
def test_success_that_is_no_object_is_refused(content: bytes, reason: str) -> None:
    """A 200 that is not a JSON object is an error with the reply on it, chained from its cause."""
    error = catch(make_reply(content))

    assert type(error) is ResponseValidationError
    assert str(error).startswith(f"unexpected reply: {reason}")
    assert error.body == content.decode(errors="replace")
    assert (error.__cause__ is None) is reason.startswith("expected")


NULLS = {"id": None, "model": None, "provider": None, "results": None, "usage": None}
DEEP_OBJECT = b'{"a":' * 900 + b"null" + b"}" * 900


@pytest.mark.parametrize(
    "content",
    [b"", b" \r\n", b"null", {}, NULLS, {**NULLS, "usage": {"cost": None}}, {"error": None}],
)
def test_success_that_says_nothing_can_be_told_apart(content: object) -> None:
    """A 200 without any value is the error of a wrong shape, marked as empty, also as a copy."""
    error = catch(make_reply(content))

    assert isinstance(error, ResponseValidationError)
    assert error.is_empty
    assert copy.copy(error).is_empty


@pytest.mark.parametrize("content", [b"{", b"[]", b"0", DEEP_OBJECT, {**NULLS, "model": "m"}])
def test_success_that_says_something_is_not_empty(content: object) -> None:
    """A 200 with any value in it is of the wrong shape, but not empty."""
    reply = make_reply(content)

    with pytest.raises(ResponseValidationError) as caught:
        decode(read_reply(reply), reply, REQUEST)

    assert not caught.value.is_empty


def test_byte_order_mark_is_passed_over() -> None:
    """A mark before the JSON does no harm."""
    assert read_reply(make_reply(b'\xef\xbb\xbf{"a": 1}')) == {"a": 1}


@pytest.mark.parametrize("status", [201, 202, 204, 206])
def test_other_success_is_refused(status: int) -> None:
    """A success with another status than 200 is not the contract's."""
    error = catch(make_reply(GOOD, status))

    assert type(error) is ResponseValidationError
    assert str(error) == f"unexpected reply: expected status 200, got {status}"


UNDECLARED = [302, 304, 405, 409, 418, 451, 499, 501, 520, 521, 525, 526, 530, 599, 999]
BODIES: list[object] = [
    b"",
    b"<html><title>524</title></html>",
    b"[" * 100_000,
    b'{"error": NaN}',
    {"error": {"code": 418, "message": "m"}},
    {"error": {"message": "m", "error_type": "not_found", "http_status": 404}},
    {"error": {"code": 200}},
    {"error": "text"},
    {"error": None},
    {},
    [],
]


STATUSES = [*STATUS_ERRORS, *UNDECLARED]


# Each status once, with the bodies in turn, and each body with a declared and an undeclared one.
@pytest.mark.parametrize(
    ("status", "content"),
    [
        *zip(STATUSES, itertools.cycle(BODIES), strict=False),
        *itertools.product((429, 418), BODIES),
    ],
)
def test_status_alone_decides_the_class(status: int, content: object) -> None:
    """Whatever the body holds, the class is the status's, and the message says something."""
    error = catch(make_reply(content, status))

    assert type(error) is STATUS_ERRORS.get(status, OpenRouterDefaultError)
    assert error.status_code == status
    assert str(error).startswith(str(status))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"code": 429}, 429),
        ({"code": "503"}, 503),
        ({"code": 418}, 418),
        ({"code": 400, "http_status": 429}, 400),
        ({"code": 599, "http_status": 429}, 599),
        ({"code": 399, "http_status": 429}, 429),
        ({"code": 600, "http_status": 429}, 429),
        ({"code": 429, "http_status": 404, "error_type": "server"}, 429),
        ({"availability": {"http_status": 503}, "http_status": 404}, 503),
        ({"http_status": 404, "error_type": "server"}, 404),
        ({"http_status": "404"}, 404),
        ({"code": "model_gone", "error_type": "not_found"}, 404),
        ({"code": 200, "http_status": 429}, 429),
        ({"code": True, "http_status": 429}, 429),
        ({"code": "4290", "error_type": "rate_limit_exceeded"}, 429),
        ({"error_type": "provider_overloaded"}, 529),
        ({"error_type": "provider_unavailable"}, 503),
        ({"error_type": "content_policy_violation"}, 403),
        ({"error_type": "permission_denied"}, 403),
        ({"error_type": "invalid_request"}, 400),
        ({"error_type": "payload_too_large"}, 413),
        ({"error_type": "server"}, 500),
        ({"error_type": "timeout"}, 408),
        ({"metadata": {"error_type": "unprocessable"}}, 422),
        ({"error_type": "unmapped"}, 200),
        ({"error_type": ["server"]}, 200),
        ({"message": "no status"}, 200),
        ({}, 200),
        ("text", 200),
        ([], 200),
    ],
)
def test_error_inside_a_200_has_the_status_it_names(error: object, status: int) -> None:
    """The code, else a status, else the kind decides; with none of them it is the default error."""
    caught = catch(make_reply({"error": error, "results": []}))

    assert caught.status_code == status
    assert type(caught) is STATUS_ERRORS.get(status, OpenRouterDefaultError)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def objects(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw an object in which each field is right, anything else, or absent."""
    optional = {name: field | json_values for name, field in fields.items()}
    return st.fixed_dictionaries({}, optional=optional)


texts, numbers = st.text(), st.integers() | st.floats(allow_nan=False)
metadata = objects(
    error_type=texts,
    provider_code=texts | numbers,
    previous_errors=st.lists(objects(provider=texts, code=texts, status=numbers)),
    reasons=st.lists(texts),
    flagged_input=texts,
)
details = objects(
    code=st.integers(398, 600) | texts,
    message=texts,
    error_type=st.sampled_from(["server", "timeout"]) | texts,
    http_status=st.integers(398, 600),
    metadata=metadata,
    availability=objects(retryable=st.booleans(), retry_after=numbers, fallback_models=texts),
)
results = objects(
    index=st.integers(-1, 2), relevance_score=numbers, document=objects(text=texts, image=texts)
)
replies = json_values | objects(
    model=texts,
    results=st.lists(results, max_size=3),
    usage=objects(cost=numbers, search_units=numbers),
    error=details,
)


@given(replies, st.just(200) | st.integers(200, 599))
def test_any_reply_gives_a_model_or_our_error(content: object, status: int) -> None:
    """No JSON value in a success or an error ends in anything but the model or an error of ours."""
    reply = make_reply(json.dumps(content).encode(), status)

    try:
        outcome = decode(read_reply(reply), reply, REQUEST).to_dict()
    except OpenRouterError as error:
        outcome = {"message": str(error), "status": error.status_code}

    assert "model" in outcome or (outcome["message"] and outcome["status"])


@define
class Reading:
    """A model with a required field, an optional one, and one that is not the contract's."""

    value: float
    unit: str = ""
    additional_properties: dict[str, Any] = field(init=False, factory=dict[str, Any])


def test_short_way_is_for_models_of_the_usual_fields() -> None:
    """A later contract with another field, or one less, has all results go the long way."""
    assert has_fields(Reading, "unit", "value")
    assert not has_fields(Reading, "value")
    assert not has_fields(Reading, "value", "unit", "time")


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"Server", b"x")],
        [(b"X-GENERATION-ID", b"gen-1"), (b"Server", "caf\xe9".encode())],
        [(b"x-generation-id", "gen-\xe9".encode())],
        [(b"x-generation-id", "gen-\xe9".encode("latin-1")), (b"X-Generation-Id", b"gen-2")],
    ],
)
def test_generation_id_is_what_httpx_reads(headers: list[tuple[bytes, bytes]]) -> None:
    """The generation id is what a lookup by name gives: in any case, character set and number."""
    received = make_reply(headers=headers)

    generation_id = Reply(received, {}, attempts=1, waited=0).generation_id

    assert generation_id == httpx.Headers(headers).get("X-Generation-Id")
