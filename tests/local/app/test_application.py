"""The application over real sockets."""

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from importlib import resources
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped,unused-ignore]
from openrouter_rerank.local import Ranking, create_app, running

BODY: dict[str, object] = {
    "model": "cohere/rerank-v3.5",
    "query": "What is the capital of France?",
    "documents": ["Berlin is the capital of Germany.", {"text": "Paris is the capital of France."}],
}
JSON = {"Content-Type": "application/json"}
SECRET = "a text that must not be logged"


def is_valid(schema: str, body: Any) -> bool:
    """Tell whether a body is what one schema of the contract says."""
    file = resources.files("openrouter_rerank_api").joinpath("openapi.json")
    components = json.loads(file.read_text(encoding="utf-8"))["components"]
    schemas = {"$ref": f"#/components/schemas/{schema}", "components": components}
    validator = Draft202012Validator(schemas)
    return bool(validator.is_valid(body))  # pyright: ignore[reportUnknownMemberType]


class ConstantRanker:
    """Gives every document the same score."""

    def rank(
        self,
        query: str,  # noqa: ARG002  the protocol has it
        documents: Sequence[str],
        *,
        checkpoint: Callable[[], None],  # noqa: ARG002  the protocol has it
    ) -> Ranking:
        """Score without reading."""
        return Ranking([0.5] * len(documents), 7)


class WaitingRanker:
    """Ranks until it is told to go on, and stops at a checkpoint."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.stopped = threading.Event()

    def rank(
        self,
        query: str,  # noqa: ARG002  the protocol has it
        documents: Sequence[str],
        *,
        checkpoint: Callable[[], None],
    ) -> Ranking:
        """Wait, with a checkpoint now and then."""
        self.started.release()
        try:
            while not self.go_on.wait(0.01):
                checkpoint()
        except BaseException:
            self.stopped.set()
            raise
        return Ranking([0.5] * len(documents), 7)


class FailingRanker:
    """Fails with a message that quotes the caller."""

    def rank(
        self,
        query: str,  # noqa: ARG002  the protocol has it
        documents: Sequence[str],
        *,
        checkpoint: Callable[[], None],  # noqa: ARG002  the protocol has it
    ) -> Ranking:
        """Fail."""
        raise LookupError(documents[0])


@pytest.fixture
def waiting() -> Iterator[WaitingRanker]:
    """Give a ranker that waits, and release it in the end."""
    ranker = WaitingRanker()
    yield ranker
    ranker.go_on.set()


def read_error(response: httpx.Response) -> dict[str, object]:
    """Return the error of a reply that is what the contract says an error is."""
    body = response.json()
    assert is_valid("ErrorResponse", body)
    assert response.headers["X-Generation-Id"].startswith("gen-rerank-")
    assert body["error"]["code"] == response.status_code
    error: dict[str, object] = body["error"]
    return error


def test_best_document_comes_first(http: httpx.Client) -> None:
    """Results are ordered by relevance and refer to the caller's documents by index."""
    reply = http.post("rerank", json=BODY)

    body = reply.json()
    assert is_valid("CreateRerankResponseBody", body)
    assert reply.status_code == 200
    assert [result["index"] for result in body["results"]] == [1, 0]
    assert body["results"][0]["document"] == {"text": "Paris is the capital of France."}
    assert body["results"][0]["relevance_score"] > 0.9 > body["results"][1]["relevance_score"]
    assert (body["model"], body["provider"]) == ("cohere/rerank-v3.5", "local")
    assert body["usage"] == {"cost": 0, "total_tokens": 27}
    assert body["id"] == reply.headers["X-Generation-Id"]


def test_replies_have_names_of_their_own(http: httpx.Client) -> None:
    """Two requests alike get different generation ids."""
    first, second = (http.post("rerank", json=BODY).json()["id"] for _ in range(2))

    assert first != second


@pytest.mark.parametrize(("top_n", "count"), [(1, 1), (1.0, 1), (2, 2), (10**30, 2)])
def test_top_n_limits_the_results(http: httpx.Client, top_n: float, count: int) -> None:
    """No more than `top_n` results come back, and no more than there are documents."""
    reply = http.post("rerank", json={**BODY, "top_n": top_n})

    assert len(reply.json()["results"]) == count


def test_unknown_fields_and_attribution_are_accepted(http: httpx.Client) -> None:
    """Fields of tomorrow and the headers of attribution do no harm."""
    headers = {"HTTP-Referer": "https://a.example", "X-OpenRouter-Title": "A", "Authorization": "x"}

    reply = http.post("rerank", json={**BODY, "field_of_tomorrow": 1}, headers=headers)

    assert reply.status_code == 200


def test_ties_keep_the_order_of_the_documents() -> None:
    """Documents with one score come back in the order they were sent."""
    documents = [f"document {number}" for number in range(50)]

    with running(ConstantRanker()) as url:
        reply = httpx.post(f"{url}/rerank", json={**BODY, "documents": documents})

    assert [result["index"] for result in reply.json()["results"]] == list(range(50))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "body: not JSON, Expecting value at line 1, column 1"),
        (b"{", "body: not JSON, Expecting property name"),
        (b"\xff", "body: not UTF-8 at byte 0"),
        (b'{"top_n": NaN}', "body: not JSON, which has no NaN"),
        (b"-Infinity", "body: not JSON, which has no -Infinity"),
        (b"1" * 5000, "body: holds a number of too many digits"),
        (b"[" * 100_000, "body: nested too deeply"),
        (b"\xef\xbb\xbf{}", "body: not JSON, Unexpected UTF-8 BOM"),
        (b"[]", "body: [] is not of type 'object'"),
    ],
)
def test_body_that_is_not_json_gets_400(http: httpx.Client, content: bytes, message: str) -> None:
    """A body that is no JSON object is answered with why, and the connection goes on."""
    reply = http.post("rerank", content=content, headers=JSON)

    error = read_error(reply)
    assert reply.status_code == 400
    assert str(error["message"]).startswith(message)
    assert error["metadata"] == {"error_type": "invalid_request"}


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ([], "documents: [] should be non-empty"),
        (["a", {"text": 5}], "documents[1].text: 5 is not of type 'string'"),
        ([{"caption": "a"}], "documents[0]: has neither text nor image"),
        (["\ud800"], "documents[0]: a lone surrogate at character 0 is not text"),
    ],
)
def test_wrong_documents_get_400(http: httpx.Client, documents: list[object], message: str) -> None:
    """A field against the contract is named."""
    reply = http.post("rerank", content=json.dumps({**BODY, "documents": documents}), headers=JSON)

    assert reply.status_code == 400
    assert read_error(reply)["message"] == message


def test_lone_surrogate_in_a_path_is_answered(http: httpx.Client) -> None:
    """A message that has to name a key without encoding is still valid JSON."""
    body = json.dumps({**BODY, "provider": {"options": {"\ud800": 1}}})

    reply = http.post("rerank", content=body, headers=JSON)

    assert reply.status_code == 400
    assert "provider.options" in str(read_error(reply)["message"])


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_wrong_content_type_gets_400(http: httpx.Client, content_type: str) -> None:
    """A body that does not claim to be JSON is refused."""
    reply = http.post("rerank", content=json.dumps(BODY), headers={"Content-Type": content_type})

    assert reply.status_code == 400
    assert read_error(reply)["message"] == "Content-Type: must be application/json"


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_content_type_may_have_parameters(http: httpx.Client, content_type: str) -> None:
    """Parameters and letter case of the content type do not matter."""
    reply = http.post("rerank", content=json.dumps(BODY), headers={"Content-Type": content_type})

    assert reply.status_code == 200


@pytest.mark.parametrize(
    "document", [{"image": "https://a.example/a.png"}, {"image": "", "text": "a"}]
)
def test_image_gets_422(http: httpx.Client, document: dict[str, str]) -> None:
    """A document with an image cannot be read, with text or without."""
    reply = http.post("rerank", json={**BODY, "documents": ["a", document]})

    assert reply.status_code == 422
    assert read_error(reply)["message"] == "documents[1].image: this model reads text only"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (None, 401),
        ("Bearer wrong", 401),
        ("Bearer", 401),
        ("Basic the-key", 401),
        ("Bearer the-key", 200),
        ("bearer  the-key", 200),
    ],
)
def test_key_is_required_when_there_is_one(sent: str | None, status: int) -> None:
    """Only the right key as a bearer token gets an answer, and no reply repeats a key."""
    headers = {} if sent is None else {"Authorization": sent}

    with running(ConstantRanker(), api_key="the-key") as url:
        reply = httpx.post(f"{url}/rerank", json=BODY, headers=headers)

    assert reply.status_code == status
    assert reply.headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)
    assert "the-key" not in reply.text


@pytest.mark.parametrize("path", ["/", "/api/v1", "/api/v1/rerank/", "/api/v1/models"])
def test_other_path_gets_404(base_url: str, path: str) -> None:
    """There is one path, and no redirect to it."""
    reply = httpx.post(httpx.URL(base_url).copy_with(path=path), json=BODY)

    assert reply.status_code == 404
    assert "POST /api/v1/rerank" in str(read_error(reply)["message"])


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_other_method_gets_405(http: httpx.Client, method: str) -> None:
    """There is one method, and `Allow` names it."""
    reply = http.request(method, "rerank")

    assert reply.status_code == 405
    assert reply.headers["Allow"] == "POST"
    assert read_error(reply)["code"] == 405


def test_large_body_gets_413_by_its_declared_length() -> None:
    """A body that declares too many bytes is refused before it is sent."""
    head = b"POST /api/v1/rerank HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

    with running(app=create_app(ConstantRanker(), max_body_bytes=1000)) as url:
        address = (httpx.URL(url).host, httpx.URL(url).port or 0)
        with socket.create_connection(address, timeout=10) as connection:
            connection.sendall(head + b"Content-Length: 1001\r\n\r\n")
            reply = HTTPResponse(connection)
            reply.begin()
            content = reply.read()

    assert reply.status == 413
    assert b"body: larger than 1000 bytes" in content


def test_large_body_gets_413_while_it_is_read() -> None:
    """A body without a declared length is read no further than the limit."""
    with running(app=create_app(ConstantRanker(), max_body_bytes=1000)) as url:
        reply = httpx.post(f"{url}/rerank", content=iter([b"x" * 600] * 2), headers=JSON)

    assert reply.status_code == 413
    assert read_error(reply)["metadata"] == {"error_type": "payload_too_large"}


def test_body_of_exactly_the_limit_is_read() -> None:
    """The limit itself is allowed."""
    content = json.dumps(BODY).encode()

    with running(app=create_app(ConstantRanker(), max_body_bytes=len(content))) as url:
        reply = httpx.post(f"{url}/rerank", content=content, headers=JSON)

    assert reply.status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 421),
        ("localhost.evil.example:80", 421),
        ("127.0.0.2", 421),
        ("", 421),
        ("localhost:1", 200),
        ("LOCALHOST.", 200),
        ("127.0.0.1", 200),
        ("[::1]:8787", 200),
        ("rerank.internal", 200),
    ],
)
def test_other_host_gets_421(host: str, status: int) -> None:
    """Only the server's own names, and those it was given, are answered."""
    with running(ConstantRanker(), allowed_hosts=["rerank.internal"]) as url:
        reply = httpx.post(f"{url}/rerank", json=BODY, headers={"Host": host})

    assert reply.status_code == status
    if status == 421:
        read_error(reply)


def test_address_of_the_connection_is_own() -> None:
    """A server on every interface answers for the address that a connection came in on."""
    with running(ConstantRanker(), host="0.0.0.0") as url:  # noqa: S104  that is the case here
        port = httpx.URL(url).port
        reply = httpx.post(f"http://127.0.0.2:{port}/api/v1/rerank", json=BODY)

    assert reply.status_code == 200


def test_failure_gets_500_and_is_logged_without_content(caplog: pytest.LogCaptureFixture) -> None:
    """A ranker that fails is answered as the contract says; no log holds the caller's text."""
    with caplog.at_level(logging.DEBUG), running(FailingRanker()) as url:
        reply = httpx.post(f"{url}/rerank", json={**BODY, "documents": [SECRET]})

    assert reply.status_code == 500
    assert read_error(reply)["metadata"] == {"error_type": "server"}
    assert reply.headers["X-Generation-Id"] in caplog.text
    assert "LookupError" in caplog.text
    assert SECRET not in caplog.text + reply.text


@pytest.mark.parametrize("scores", [[], [0.5], [0.5, float("nan")]])
def test_ranker_against_its_protocol_gets_500(scores: list[float]) -> None:
    """Scores that are missing or no numbers never reach a client."""

    class WrongRanker:
        def rank(
            self,
            query: str,  # noqa: ARG002  the protocol has it
            documents: Sequence[str],  # noqa: ARG002  the protocol has it
            *,
            checkpoint: Callable[[], None],  # noqa: ARG002  the protocol has it
        ) -> Ranking:
            return Ranking(scores, 1)

    with running(WrongRanker()) as url:
        reply = httpx.post(f"{url}/rerank", json=BODY)

    assert reply.status_code == 500


def test_event_loop_is_free_while_rankings_run(waiting: WaitingRanker) -> None:
    """While more rankings run than there are workers, other requests are answered."""
    with running(waiting) as url, ThreadPoolExecutor(40) as pool:
        rankings = [
            pool.submit(httpx.post, f"{url}/rerank", json=BODY, timeout=60) for _ in range(40)
        ]
        assert waiting.started.acquire(timeout=30)
        unrouted = httpx.get(f"{url}/nothing")
        invalid = httpx.post(f"{url}/rerank", json={})
        waiting.go_on.set()
        statuses = {ranking.result().status_code for ranking in rankings}

    assert (unrouted.status_code, invalid.status_code) == (404, 400)
    assert statuses == {200}


def test_ranking_stops_when_the_client_has_gone(waiting: WaitingRanker) -> None:
    """A client that gives up frees the worker, and the server goes on."""
    with running(waiting) as url:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{url}/rerank", json=BODY, timeout=0.3)
        stopped = waiting.stopped.wait(30)
        waiting.go_on.set()
        reply = httpx.post(f"{url}/rerank", json=BODY)

    assert stopped
    assert reply.status_code == 200


def test_client_that_leaves_within_its_body_does_no_harm(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Half a request is forgotten without a word, and the server goes on."""
    head = b"POST /api/v1/rerank HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

    with caplog.at_level(logging.WARNING), running(ConstantRanker()) as url:
        address = (httpx.URL(url).host, httpx.URL(url).port or 0)
        with socket.create_connection(address, timeout=10) as connection:
            connection.sendall(head + b'Content-Length: 100\r\n\r\n{"model"')
        reply = httpx.post(f"{url}/rerank", json=BODY)

    assert reply.status_code == 200
    assert not caplog.records


@pytest.mark.parametrize(
    ("options", "name"), [({"api_key": ""}, "api_key"), ({"max_body_bytes": 0}, "max_body_bytes")]
)
def test_wrong_option_is_refused(options: dict[str, object], name: str) -> None:
    """An option out of range is refused by name."""
    with pytest.raises(ValueError, match=name):
        create_app(ConstantRanker(), **options)  # type: ignore[arg-type]
