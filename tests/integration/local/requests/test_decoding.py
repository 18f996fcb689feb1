"""Bodies that cannot be ranked, over real sockets."""

import json

import httpx
import pytest
from integration.local.messages import BODY, JSON, read_error


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
    """The reply says why a body is no JSON object, and the connection stays open."""
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
    """The message names a field that breaks the contract."""
    reply = http.post("rerank", content=json.dumps({**BODY, "documents": documents}), headers=JSON)

    assert reply.status_code == 400
    assert read_error(reply)["message"] == message


def test_lone_surrogate_in_a_path_is_answered(http: httpx.Client) -> None:
    """A message that has to name a key without encoding is still valid JSON."""
    body = json.dumps({**BODY, "provider": {"options": {"\ud800": 1}}})

    reply = http.post("rerank", content=body, headers=JSON)

    assert reply.status_code == 400
    assert "provider.options" in str(read_error(reply)["message"])


@pytest.mark.parametrize(
    "document", [{"image": "https://a.example/a.png"}, {"image": "", "text": "a"}]
)
def test_image_gets_422(http: httpx.Client, document: dict[str, str]) -> None:
    """A document with an image cannot be read, with text or without."""
    reply = http.post("rerank", json={**BODY, "documents": ["a", document]})

    assert reply.status_code == 422
    assert read_error(reply)["message"] == "documents[1].image: this model reads text only"
