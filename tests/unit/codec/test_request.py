"""From arguments to a request: what is sent, and what is refused before any byte is."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrouter_rerank._codec.request import (
    EncodedRequest,
    check_header,
    check_headers,
    encode_field,
    encode_request,
)
from openrouter_rerank.components import MaxPrice, ProviderPreferences, TraceConfig
from openrouter_rerank.operations import DocumentRequest
from openrouter_rerank.types import UNSET
from openrouter_rerank_api.request_fields import REQUEST_FIELDS

REQUIRED: dict[str, Any] = {"documents": ["a"], "model": "m", "query": "q"}


def encode(**arguments: Any) -> EncodedRequest:
    """Encode a request that is right but for the given arguments."""
    return encode_request(**{**REQUIRED, **arguments})


def read_body(**arguments: Any) -> Any:
    """Encode a request and parse its body."""
    return json.loads(encode(**arguments).content)


class Four:
    """A whole number that is not an int, as numpy has them."""

    def __index__(self) -> int:
        """Return the number."""
        return 4


class Keys(Mapping[str, Any]):
    """A mapping that is no dict."""

    def __getitem__(self, key: str) -> Any:
        """Return the key itself."""
        return key

    def __iter__(self) -> Any:
        """Give the only key."""
        yield "text"

    def __len__(self) -> int:
        """Count the key."""
        return 1


class FailsOnce:
    """Something whose first encoding fails and whose second does not."""

    def __init__(self) -> None:
        """Prepare to fail."""
        self.failures = [TypeError("only once")]

    def to_dict(self) -> dict[str, object]:
        """Fail, then encode."""
        if self.failures:
            raise self.failures.pop()
        return {}


def test_absent_arguments_send_nothing() -> None:
    """None, or UNSET where None means null, leaves a field out of the body."""
    absent: dict[str, Any] = {
        name: UNSET if rule["nullable"] else None for name, rule in REQUEST_FIELDS.items()
    }

    assert encode(**absent, top_n=None, extra_body=None).content == encode().content
    assert encode().content == b'{"documents":["a"],"model":"m","query":"q"}'


@pytest.mark.parametrize(
    ("argument", "value", "sent"),
    [
        ("provider", None, None),
        ("provider", {"zdr": True, "new": [1]}, {"zdr": True, "new": [1]}),
        ("provider", ProviderPreferences(zdr=True, order=["a"]), {"zdr": True, "order": ["a"]}),
        ("provider", ProviderPreferences(sort="fastest"), {"sort": "fastest"}),
        ("provider", {"max_price": MaxPrice(prompt="1")}, {"max_price": {"prompt": "1"}}),
        ("provider", {"options": {"x": Keys()}}, {"options": {"x": {"text": "text"}}}),
        ("provider", {}, {}),
        ("top_n", 1, 1),
        ("top_n", Four(), 4),
        ("session_id", "s" * 256, "s" * 256),
        ("session_id", "", ""),
        ("trace", TraceConfig(trace_id="t"), {"trace_id": "t"}),
        ("trace", {"trace_id": "t", "mine": 1}, {"trace_id": "t", "mine": 1}),
        ("user", "someone", "someone"),
    ],
)
def test_argument_is_sent_as_its_field(argument: str, value: object, sent: object) -> None:
    """Models, mappings and values stand in the body under their argument's name."""
    assert read_body(**{argument: value}) == {**REQUIRED, argument: sent}


@pytest.mark.parametrize(
    ("value", "rule", "sent"),
    [
        (Four(), {"type": "integer", "minimum": 4}, 4),
        (-1, {"type": "integer"}, -1),
        ("text", {"type": "string"}, "text"),
        ([1], {"type": "array"}, [1]),
        (None, {"type": "string", "nullable": True}, None),
        ({"a": 1}, {"type": "object"}, {"a": 1}),
    ],
)
def test_field_is_sent_by_its_type(value: object, rule: dict[str, Any], sent: object) -> None:
    """A field that the contract may come to have is sent as its schema wants it."""
    assert encode_field(value, "newer", rule) == sent


@pytest.mark.parametrize(
    ("value", "rule", "message"),
    [
        (3, {"type": "integer", "minimum": 4}, "newer: must be at least 4, got 3"),
        ("3", {"type": "integer"}, "newer: expected int, got str"),
        (3, {"type": "string"}, "newer: expected str, got int"),
        ("abc", {"type": "string", "maxLength": 2}, "newer: at most 2 characters, got 3"),
        (TraceConfig(), {"type": "object"}, "newer: expected a mapping or a model"),
        (
            TraceConfig(),
            {"type": "object", "model": "ProviderPreferences"},
            "newer: expected a mapping or a model, got TraceConfig",
        ),
    ],
)
def test_wrong_field_is_refused_by_its_type(
    value: object, rule: dict[str, Any], message: str
) -> None:
    """A value that its schema does not allow is refused before anything is sent."""
    with pytest.raises((TypeError, ValueError), match=message):
        encode_field(value, "newer", rule)


def test_extra_body_is_added() -> None:
    """A field newer than this release is sent as it is."""
    assert read_body(extra_body={"newer": {"x": 1}}) == {**REQUIRED, "newer": {"x": 1}}


@pytest.mark.parametrize(
    ("document", "sent"),
    [
        ("text", "text"),
        ({"text": "t"}, {"text": "t"}),
        ({"image": "https://example.com/i.png"}, {"image": "https://example.com/i.png"}),
        ({"text": "", "image": "data:image/png;base64,AA"},) * 2,
        (DocumentRequest(text="t"), {"text": "t"}),
        (Keys(), {"text": "text"}),
        (" keeps its spaces ", " keeps its spaces "),
        ("é \u2028 日本", "é \u2028 日本"),
    ],
)
def test_document_is_sent_as_given(document: Any, sent: object) -> None:
    """Texts, mappings and models are sent unchanged, and kept for the reply."""
    encoded = encode(documents=[document])

    assert json.loads(encoded.content)["documents"] == [sent]
    assert list(encoded.documents) == [sent]


@pytest.mark.parametrize("documents", [("a", "b"), {"a": 1, "b": 2}.keys(), iter(["a", "b"])])
def test_documents_are_any_iterable(documents: Any) -> None:
    """Tuples, views and generators are read once, in their order."""
    assert read_body(documents=documents)["documents"] == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"documents": "one"}, TypeError, "documents: expected an iterable of documents, got str"),
        ({"documents": b"one"}, TypeError, "documents: .* got bytes"),
        ({"documents": {"text": "a"}}, TypeError, "documents: .* got dict"),
        ({"documents": 5}, TypeError, "documents: .* got int"),
        ({"documents": None}, TypeError, "documents: .* got NoneType"),
        ({"documents": []}, ValueError, "documents: must not be empty"),
        ({"documents": iter(())}, ValueError, "documents: must not be empty"),
        ({"documents": ["a", 5]}, TypeError, r"documents\[1\]: expected str, mapping or Doc.*int"),
        ({"documents": [b"a"]}, TypeError, r"documents\[0\]: .* got bytes"),
        ({"documents": [{"title": "a"}]}, ValueError, r"documents\[0\]: unknown key 'title'"),
        ({"documents": [{1: "a"}]}, ValueError, r"documents\[0\]: unknown key 1"),
        ({"documents": [{}]}, ValueError, r"documents\[0\]: has neither text nor image"),
        ({"documents": [DocumentRequest()]}, ValueError, r"documents\[0\]: has neither"),
        ({"documents": [{"text": 5}]}, TypeError, r"documents\[0\]\.text: expected str, got int"),
        ({"documents": ["a", " ", "b", ""]}, ValueError, "documents: blank at positions 1, 3$"),
        ({"documents": ["a"] * 600 + [" "]}, ValueError, "documents: blank at positions 600$"),
        ({"documents": [{"text": "\n"}]}, ValueError, "documents: blank at positions 0$"),
        ({"documents": [""] * 10}, ValueError, "0, 1, 2, 3, 4, 5, 6, 7, 8, 9$"),
        ({"documents": [""] * 12}, ValueError, "7, 8, 9 and 2 more$"),
        (
            {"documents": ["a"] * 613 + ["ab\ud800"]},
            ValueError,
            r"^documents\[613\]: holds a lone surrogate, .*: '\\ud800' at character 2$",
        ),
        (
            {"documents": ["a", {"text": "b", "image": "\udfff"}]},
            ValueError,
            r"documents\[1\].image: .*: '\\udfff' at character 0$",
        ),
        ({"model": ""}, ValueError, "model: must not be blank"),
        ({"model": 5}, TypeError, "model: expected str, got int"),
        ({"query": " \n"}, ValueError, "query: must not be blank"),
        ({"query": None}, TypeError, "query: expected str, got NoneType"),
        ({"query": "\udfff"}, ValueError, r"query: holds a lone surrogate, .*'\\udfff'"),
        ({"user": "u\udfff"}, ValueError, r"user: holds a lone surrogate, .* at character 1$"),
        (
            {"provider": {"only": ["a", "\ud800"]}},
            ValueError,
            r"^provider.only\[1\]: holds a lone surrogate",
        ),
        (
            {"provider": ProviderPreferences(order=["\ud800"])},
            ValueError,
            r"^provider.order\[0\]: holds a lone surrogate",
        ),
        (
            {"extra_body": {"x": [5, {"y": ("\ud800",)}]}},
            ValueError,
            r"^x\[1\].y\[0\]: holds a lone surrogate",
        ),
        (
            {"extra_body": {"x": {"\ud801": 1}}},
            ValueError,
            r"^x: a key: holds a lone surrogate, .*'\\ud801'",
        ),
        ({"top_n": 0}, ValueError, "top_n: must be at least 1, got 0"),
        ({"top_n": -1}, ValueError, "top_n: must be at least 1"),
        ({"top_n": True}, TypeError, "top_n: expected int, got bool"),
        ({"top_n": 2.5}, TypeError, "top_n: expected int, got float"),
        ({"top_n": "2"}, TypeError, "top_n: expected int, got str"),
        ({"top_n": int}, TypeError, "top_n: expected int, got type"),
        ({"session_id": "s" * 257}, ValueError, "session_id: at most 256 characters, got 257"),
        ({"session_id": 5}, TypeError, "session_id: expected str"),
        ({"user": 5}, TypeError, "user: expected str"),
        ({"provider": "openai"}, TypeError, "provider: expected a mapping or a model, got str"),
        ({"provider": {1: 2}}, TypeError, "provider: key: expected str, got int"),
        ({"provider": {"a": object()}}, TypeError, "provider: object cannot be sent as JSON"),
        ({"provider": {"a": float("nan")}}, ValueError, "provider: "),
        ({"provider": ProviderPreferences(max_price={})}, TypeError, "provider: a field"),  # type: ignore[arg-type]
        ({"trace": [1]}, TypeError, "trace: expected a mapping or a model, got list"),
        ({"extra_body": 5}, TypeError, "extra_body: expected a mapping"),
        ({"extra_body": {"query": "x"}}, ValueError, "extra_body: query is an argument"),
        ({"extra_body": {("x",): 1}}, TypeError, "extra_body: key: expected str, got tuple"),
        ({"extra_body": {"x": float("inf")}}, ValueError, "x: "),
        ({"extra_body": {"\ud800": 1}}, ValueError, r"\\ud800: holds a lone surrogate"),
        ({"extra_body": {"x": FailsOnce()}}, TypeError, "only once"),
        (
            {"extra_body": {"x": ProviderPreferences(max_price={})}},  # type: ignore[arg-type]
            TypeError,
            "x: 'dict' object has no attribute 'to_dict'",
        ),
    ],
)
def test_wrong_argument_is_refused(
    arguments: dict[str, Any], kind: type[Exception], message: str
) -> None:
    """What the API would refuse or bill for nothing is refused; the message names the argument."""
    with pytest.raises(kind, match=message) as caught:
        encode(**arguments)

    assert type(caught.value) is kind


def test_endless_nesting_is_refused() -> None:
    """A value that holds itself, or is nested too deeply, is an error of its argument."""
    deep: object = None
    for _ in range(100_000):
        deep = [deep]
    endless: list[object] = []
    endless.append(endless)

    with pytest.raises(ValueError, match="provider: "):
        encode(provider={"a": deep})
    with pytest.raises(ValueError, match="trace: "):
        encode(trace={"a": endless})


@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=1), st.text().filter(str.strip))
def test_any_text_arrives_whole(documents: list[str], query: str) -> None:
    """Text that UTF-8 can hold comes out of the body as it went in."""
    body = read_body(documents=documents, query=query)

    assert (body["documents"], body["query"]) == (documents, query)


def test_headers_pass_as_given() -> None:
    """Headers of the caller's keep their names and values; none are none."""
    assert check_headers({"X-Mine": "a b~", "x-session-id": ""}) == {
        "X-Mine": "a b~",
        "x-session-id": "",
    }
    assert check_headers(None) == {}


@pytest.mark.parametrize(
    ("headers", "kind", "message"),
    [
        ({"authorization": "Bearer x"}, ValueError, "http_headers: authorization is set by"),
        ({"Content-Length": "1"}, ValueError, "http_headers: Content-Length is set by"),
        ({"X-Mine": "a\r\nb"}, ValueError, r"http_headers\['X-Mine'\]: holds control"),
        ({"X-Mine": "é"}, ValueError, r"http_headers\['X-Mine'\]: holds control"),
        ({"X-Mine": 5}, TypeError, r"http_headers\['X-Mine'\]: expected str, got int"),
        ({"X Mine": "a"}, ValueError, "http_headers: 'X Mine' is not a header's name"),
        ({"": "a"}, ValueError, "http_headers: '' is not"),
        ({"X-Mine\n": "a"}, ValueError, "http_headers: .* is not"),
        ({5: "a"}, TypeError, "http_headers: expected str, got int"),
        ([("a", "b")], TypeError, "http_headers: expected a mapping, got list"),
        ("", TypeError, "http_headers: expected a mapping, got str"),
    ],
)
def test_wrong_header_is_refused(headers: Any, kind: type[Exception], message: str) -> None:
    """A header that cannot be sent, or that only the client sets, is refused by name."""
    with pytest.raises(kind, match=message):
        check_headers(headers)


@pytest.mark.parametrize("text", ["a\nb", "a\x7f", "\x00", "\t", "ü"])
def test_wrong_header_value_is_not_repeated(text: str) -> None:
    """The message of a wrong value names the argument and keeps the value to itself."""
    with pytest.raises(ValueError, match=r"^http_referer: holds control or non-ASCII characters$"):
        check_header(text, "http_referer")
