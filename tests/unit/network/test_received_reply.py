"""A reply that was read to its end, with and without an `httpx.Response` of it."""

import gzip
from datetime import timedelta
from typing import Any

import httpx
import pytest
from openrouter_rerank._network.auth import KEY_SENT
from openrouter_rerank._network.received_reply import ReceivedReply

KEY = "sk-or-fake-but-long"
HEADERS = [
    (b"X-Generation-Id", b"gen-1"),
    (b"X-Echo", f"Bearer {KEY}".encode()),
    (b"X-Twice", b"a"),
    (b"x-twice", b"b"),
    (b"X-Text", "café".encode()),
    (b"X-Old", "caf\xe9".encode("latin-1")),
]


def make(
    body: bytes = b"{}", status: int = 200, headers: Any = None, **options: Any
) -> ReceivedReply:
    """Make a reply to a request with a key."""
    request = httpx.Request("POST", "https://a.example/rerank")
    signed = httpx.Request(
        "POST", "https://a.example/rerank", headers={"Authorization": f"Bearer {KEY}"}
    )
    response = httpx.Response(
        status,
        headers=HEADERS if headers is None else headers,
        request=signed,
        extensions={"http_version": b"HTTP/1.1", "network_stream": object()},
    )
    return ReceivedReply(
        response, response.headers.raw, body, signed=signed, request=request, **options
    )


def test_response_has_what_came_without_the_key() -> None:
    """Status, body, headers and time are those of the reply; the key is nowhere in it."""
    reply = make(f'{{"a": "{KEY}"}}'.encode(), 403, seconds=1.5)

    response = reply.response

    assert (response.status_code, reply.status_code) == (403, 403)
    assert response.content == reply.content == b'{"a": "[redacted]"}'
    assert response.headers["X-Echo"] == "Bearer [redacted]"
    assert response.headers.get_list("X-Twice") == ["a", "b"]
    assert response.elapsed == timedelta(seconds=1.5)
    assert response.extensions == {"http_version": b"HTTP/1.1", KEY_SENT: True}
    assert "Authorization" not in response.request.headers
    assert KEY not in repr(vars(reply)) + repr(vars(response))


def test_response_is_the_same_each_time() -> None:
    """Whoever asks gets one object, so that what a hook has read stays read."""
    reply = make()
    assert reply.response is reply.response


def test_inflated_body_is_described_as_it_is() -> None:
    """A body that came with a content encoding is told without it, with its own length."""
    packed = gzip.compress(b"{}")
    headers = {"Content-Encoding": "gzip", "Content-Length": str(len(packed))}
    reply = make(headers=headers, is_encoded=True)

    assert reply.response.headers == httpx.Headers({"Content-Length": "2"})
    assert reply.response.json() == {}


@pytest.mark.parametrize("has_response", [False, True])
@pytest.mark.parametrize(
    "name", ["x-generation-id", "X-Echo", "X-Twice", "X-Text", "X-Old", "X-Absent"]
)
def test_header_reads_as_it_does_in_httpx(name: str, has_response: bool) -> None:
    """Before and after a response is made, a header is what httpx reads, without the key."""
    reply = make()
    if has_response:
        assert reply.response.status_code == 200

    text = reply.read_header(name)

    expected = httpx.Headers(HEADERS).get(name)
    assert text == (expected and expected.replace(KEY, "[redacted]"))


@pytest.mark.parametrize(("status", "is_success"), [(199, False), (200, True), (300, False)])
def test_success_is_what_its_status_says(status: int, is_success: bool) -> None:
    """A reply is a success if its status is."""
    assert make(status=status).is_success is is_success
