"""The arguments of `rerank_batched`: those of `rerank`, passed on or refused."""

import inspect
import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from openrouter_rerank import RetryConfig, errors
from openrouter_rerank._rerank import Rerank
from openrouter_rerank.testing import FakeOpenRouter
from unit.bulk.batched.parts import ASK, Half, every_half


@pytest.mark.parametrize("twin", [Rerank.rerank_batched, Rerank.rerank_batched_async])
def test_no_argument_is_missing(twin: Callable[..., object]) -> None:
    """Every argument of `rerank` is taken, with two more and no other."""
    own = inspect.signature(twin).parameters
    expected = inspect.signature(Rerank.rerank).parameters

    assert own.keys() == {*expected, "batch_size", "max_concurrency"}
    shared = expected.keys() - {"documents"}
    assert [own[name] for name in shared] == [expected[name] for name in shared]


@every_half
def test_every_argument_is_passed_on(half: Half) -> None:
    """Each request says what `rerank` would say with the same arguments."""
    given: dict[str, Any] = {
        **ASK,
        "documents": ["a", "b"],
        "http_referer": "https://app.example",
        "x_open_router_title": "title",
        "x_open_router_categories": "category",
        "provider": {"sort": "price"},
        "session_id": "session",
        "top_n": 1,
        "trace": {"trace_name": "trace"},
        "user": "user",
        "retries": RetryConfig("none"),
        "server_url": "http://other.example/v2",
        "accept_header_override": "application/json",
        "timeout_ms": None,
        "http_headers": {"X-A": "b"},
        "timeout": httpx.Timeout(9, connect=3),
        "deadline_ms": 5000,
        "min_score": 0.0,
        "cache": False,
        "passages": None,
        "fallback_models": [],
        "follow_fallbacks": False,
        "extra_body": {"new": True},
        "unrankable": "raise",
        "fields": ["title"],
    }
    with FakeOpenRouter() as client:
        client.rerank.rerank(**given)
        half(client, **given, batch_size=2)
        half(client, **{**given, "documents": ["a", "b"] * 2}, batch_size=2)

    expected, *requests = client.requests
    assert given.keys() == inspect.signature(Rerank.rerank).parameters.keys() - {"self"}
    assert len(requests) == 3
    for request in requests:
        assert request.url == expected.url
        assert request.headers == expected.headers
        assert json.loads(request.content) == json.loads(expected.content)


@every_half
@pytest.mark.parametrize("documents", [[], iter(()), "one text", {"text": "one"}, 5])
@pytest.mark.parametrize("model", ["m", 5])
def test_wrong_documents_are_reranks_error(half: Half, documents: Any, model: Any) -> None:
    """No documents, and what is not several, are refused as by `rerank`, and nothing is sent."""
    with FakeOpenRouter() as client:
        with pytest.raises((TypeError, ValueError)) as expected:
            client.rerank.rerank(documents=documents, model=model, query="q")
        with pytest.raises((TypeError, ValueError)) as caught:
            half(client, documents=documents, model=model)

    assert (caught.type, str(caught.value)) == (expected.type, str(expected.value))
    assert client.requests == []


@every_half
@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"batch_size": 0}, ValueError, "batch_size: must be at least 1"),
        ({"batch_size": 1.5}, TypeError, "batch_size: expected int"),
        ({"max_concurrency": 0}, ValueError, "max_concurrency: must be at least 1"),
        ({"top_n": True}, TypeError, "top_n: expected int"),
        ({"session_id": 5}, TypeError, "session_id: expected str"),
        ({"timeout_ms": -1}, ValueError, "timeout_ms: must be above 0"),
        ({"http_headers": {"Authorization": "x"}}, ValueError, "set by the client alone"),
        ({"top_k": 3}, TypeError, "top_k"),
        ({"documents": ["a", 5]}, TypeError, r"documents\[1\]: expected str"),
        ({"documents": ["a", {"text": " "}]}, ValueError, r"documents: blank at positions 1"),
    ],
)
def test_wrong_argument_sends_nothing(
    half: Half, arguments: dict[str, Any], kind: type[Exception], message: str
) -> None:
    """A wrong argument is the plain error that names it."""
    with FakeOpenRouter() as client, pytest.raises(kind, match=message) as caught:
        half(client, **{"documents": ["a"] * 4, "batch_size": 2, **arguments})

    assert not isinstance(caught.value, errors.OpenRouterError)
    assert client.requests == []


SURROGATE = r"documents[5]: holds a lone surrogate, which is not text: '\ud800' at character 1"


@every_half
def test_lone_surrogate_is_named_before_anything_is_sent(half: Half) -> None:
    """A document of a list that is no text is named as the caller counts, and none is sent."""
    documents = ["a"] * 5 + ["b\ud800"]

    with FakeOpenRouter() as client, pytest.raises(ValueError, match=re.escape(SURROGATE)):
        half(client, documents=documents, batch_size=2)

    assert client.requests == []


def test_lone_surrogate_of_an_iterator_is_named_by_its_position() -> None:
    """A document that is read later is named in the same way, whichever batch it is in."""
    documents = iter(["a"] * 5 + ["b\ud800"])

    with FakeOpenRouter() as client, pytest.raises(errors.BatchError) as caught:
        client.rerank.rerank_batched(documents=documents, **ASK, batch_size=2)

    assert str(caught.value.cause) == SURROGATE
