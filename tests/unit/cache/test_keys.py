"""What answers are found by."""

from typing import Any

import httpx
import pytest
from openrouter_rerank._cache.keys import describe_target, digest_documents, digest_request
from openrouter_rerank._codec.request import encode_request

URL = httpx.URL("https://a.example/rerank")
ASK: dict[str, Any] = {"documents": ["one", "two"], "model": "m", "query": "q"}


def digest(
    url: str = "https://a.example/rerank",
    headers: dict[str, str] | None = None,
    namespace: str = "",
    **arguments: Any,
) -> bytes:
    """Return the digest of a request."""
    target = describe_target(httpx.URL(url), headers or {})
    return digest_request(target, namespace, encode_request(**{**ASK, **arguments}))


DECIDING: list[dict[str, Any]] = [
    {"url": "https://b.example/rerank"},
    {"url": "https://a.example/v2/rerank"},
    {"headers": {"X-Region": "eu"}},
    {"namespace": "tenant"},
    {"documents": ["two", "one"]},
    {"documents": ["one", "two", "three"]},
    {"documents": ["onet", "wo"]},
    {"documents": [{"text": "one"}, "two"]},
    {"model": "n"},
    {"query": "r"},
    {"top_n": 1},
    {"provider": {"order": ["a"]}},
    {"extra_body": {"new": True}},
]
NAMING: list[dict[str, Any]] = [
    {"headers": {"traceparent": "00-1-1-00", "X-Request-ID": "7", "HTTP-Referer": "https://x"}},
    {"session_id": "session"},
    {"trace": {"trace_name": "name"}},
    {"user": "user"},
    {"session_id": "session", "user": "user"},
]


@pytest.mark.parametrize("changed", DECIDING)
def test_what_decides_the_answer_is_in_the_key(changed: dict[str, Any]) -> None:
    """A request that may have another answer has another key."""
    assert digest(**changed) != digest()


@pytest.mark.parametrize("changed", NAMING)
def test_what_only_names_the_call_is_not_in_the_key(changed: dict[str, Any]) -> None:
    """A request that has the same answer has the same key, beside other fields, too."""
    assert digest(**changed) == digest()
    assert digest(**changed, provider={"order": ["a"]}) == digest(provider={"order": ["a"]})


def test_order_of_arguments_makes_no_difference() -> None:
    """The order in which optional fields are given does not change the key."""
    one = digest(provider={"order": ["a"]}, extra_body={"new": 1})
    assert one == digest(extra_body={"new": 1}, provider={"order": ["a"]})


def list_digests(**arguments: Any) -> list[bytes]:
    """Return the digests of a request's documents."""
    target = describe_target(URL, {})
    return digest_documents(target, "", encode_request(**{**ASK, **arguments}))


def test_documents_have_keys_of_their_own() -> None:
    """A document's key depends on the query and its own content, not on others or on `top_n`."""
    one, two = list_digests()
    assert list_digests(documents=["two", "three", "one"], top_n=1)[::2] == [two, one]
    assert one not in list_digests(query="r")
    assert one not in list_digests(model="n")
    texts = list_digests(documents=["a", {"text": "a"}, {"text": "a", "image": "data:b"}])
    assert len(set(texts)) == len(texts)
    image, text = {"image": "data:b"}, {"text": "a"}
    assert list_digests(documents=[image | text]) == list_digests(documents=[text | image])


def test_request_and_document_differ() -> None:
    """The key of a request for one document is not that of the document."""
    assert list_digests(documents=["one"]) != [digest(documents=["one"])]
