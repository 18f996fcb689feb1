"""JSON with and without orjson: the same value, the same bytes, the same error."""

import importlib
import json
import sys
from collections.abc import Callable
from enum import Enum
from types import ModuleType
from typing import Any

import httpx
import pytest
from fake_server import receive
from hypothesis import given
from hypothesis import strategies as st
from openrouter_rerank._codec import json as fast_json
from openrouter_rerank._codec import request as fast_request
from openrouter_rerank._codec import response as fast_response
from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._network.received_reply import ReceivedReply
from openrouter_rerank.errors import OpenRouterError

REQUEST = EncodedRequest(b"", ["a", "b", "c"], model="m", query="q")
PACKAGE = "openrouter_rerank._codec"
MODULES = ("json", "request", "response_model", "response")


def import_without_orjson() -> dict[str, ModuleType]:
    """Import the modules that use JSON anew, as they are where orjson is not installed."""
    names = [f"{PACKAGE}.{module}" for module in MODULES]
    hidden = {name: sys.modules.pop(name) for name in names}
    orjson = sys.modules.pop("orjson", None)
    sys.modules["orjson"] = None  # type: ignore[assignment]
    try:
        return {module: importlib.import_module(f"{PACKAGE}.{module}") for module in MODULES}
    finally:
        sys.modules.update(hidden)
        del sys.modules["orjson"]
        if orjson is not None:
            sys.modules["orjson"] = orjson


PLAIN = import_without_orjson()


def make_reply(content: bytes) -> ReceivedReply:
    """Make a success."""
    request = httpx.Request("POST", "http://a/")
    return receive(httpx.Response(200, content=content, request=request))


def read(response_module: Any, content: bytes) -> object:
    """Return what a reply is decoded to, or the error, in a form that can be compared."""
    reply = make_reply(content)
    try:
        model = response_module.decode(response_module.read_reply(reply), reply, REQUEST)
    except OpenRouterError as error:
        return type(error), str(error)
    return repr(model)


def write(encode: Callable[[Any], bytes], value: object) -> object:
    """Return the bytes, or the error, in a form that can be compared."""
    try:
        return encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        return type(error), str(error)


def nest(depth: int, inner: str = "0") -> str:
    """Return arrays inside arrays."""
    return "[" * depth + inner + "]" * depth


TOKENS = [
    *("0", "1", "-1", "-0", "-0.0", "0.5", "1.0", "1e2", "1E+2", "0.1e-7", "5e-324", "1e-400"),
    *("1e308", "1e309", "1e400", "-1e400", "123456789012345678901234567890.5"),
    *(str(2**53 + 1), str(2**63 - 1), str(2**63), str(2**64 - 1), str(2**64), str(10**30)),
    *(str(-(2**63)), str(-(2**63) - 1), "1" * 400, "1" * 5000, "9.5e18", "1e19"),
    *("NaN", "Infinity", "-Infinity", "nan", "null", "true", "false", "True", "None"),
    *("01", "1.", ".5", "+1", "0x1", "1_0", "'a'", "a", "", " ", "//", "[1,]", '{"a":1,}', "[1 2]"),
    *('"\\ud800"', '"\\udc00\\ud800"', '"\\ud83d\\ude00"', '"\\u0000"', '"\\x41"', '"\\u12"', '"'),
    *('"a\nb"', '"a\tb"', '"a\x7fb"', '"\u2028"', '"é"', '"\U0001f600"', '"\ufeff"', '""', '" "'),
    *(
        "{}",
        "[]",
        '{"text":"x"}',
        '{"text":1}',
        '{"text":"x","text":"y"}',
        '{"text":"x","n":1e400}',
    ),
    *('{"image":"u"}', '{"code":429,"message":"slow"}', '{"code":1e30}', f'{{"code":{2**64}}}'),
    *(nest(2), nest(99), nest(101), nest(150), nest(400), nest(20_000)),
    *(nest(2, str(2**64)), nest(150, str(2**64)), f'{{"a":{nest(3, str(10**30))}}}'),
]
RESULT = '{"index":0,"relevance_score":0.5,"document":{"text":"a"}}'
PLACES = {
    "reply": "@",
    "after the reply": f'{{"model":"m","results":[{RESULT}]}}@',
    "model": f'{{"model":@,"results":[{RESULT}]}}',
    "id": f'{{"model":"m","id":@,"results":[{RESULT}]}}',
    "results": '{"model":"m","results":@}',
    "result": f'{{"model":"m","results":[{RESULT},@]}}',
    "index": '{"model":"m","results":[{"index":@,"relevance_score":0.5,"document":{"text":"a"}}]}',
    "score": '{"model":"m","results":[{"index":1,"relevance_score":@,"document":{"text":"a"}}]}',
    "document": '{"model":"m","results":[{"index":1,"relevance_score":0.5,"document":@}]}',
    "text": '{"model":"m","results":[{"index":1,"relevance_score":1.5,"document":{"text":@}}]}',
    "unknown field": f'{{"model":"m","results":[{RESULT}],"new":@}}',
    "unknown field of a result": (
        '{"model":"m","results":[{"index":0,"relevance_score":1,"document":{"text":"a"},"new":@}]}'
    ),
    "cost": f'{{"model":"m","results":[{RESULT}],"usage":{{"cost":@}}}}',
    "error": '{"error":@}',
    "twice": f'{{"model":"m","results":@,"results":[{RESULT}]}}',
}


def test_twins_differ_in_orjson_alone() -> None:
    """The comparisons below compare orjson with its absence."""
    assert (fast_json.IS_FAST, PLAIN["json"].IS_FAST) == (True, False)


@pytest.mark.parametrize("place", PLACES)
def test_odd_replies_are_read_alike(place: str) -> None:
    """Whatever stands at a place of a reply, both parsers lead to the same model or error."""
    contents = [PLACES[place].replace("@", token).encode() for token in TOKENS]

    outcomes = [(read(fast_response, one), read(PLAIN["response"], one)) for one in contents]

    differing = [(c[:200], *o) for c, o in zip(contents, outcomes, strict=True) if o[0] != o[1]]
    assert differing == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xef\xbb\xbf" + PLACES["model"].replace("@", '"m"').encode(),
        b"\xef\xbb\xbf\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        PLACES["model"].replace("@", '"\xe9"').encode("latin-1"),
        b'{"model":"\xed\xa0\x80","results":[]}',
        b'{"model":"m","results":[]}\x00',
        b'\n\t {"model":"m","results":[]}\r\n',
        b'\x0b{"model":"m","results":[]}',
    ],
)
def test_odd_bytes_are_read_alike(content: bytes) -> None:
    """Byte order marks, other encodings and stray bytes are judged alike by both parsers."""
    assert read(fast_response, content) == read(PLAIN["response"], content)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(value=json_values, place=st.sampled_from(sorted(PLACES)))
def test_any_value_is_read_alike(value: object, place: str) -> None:
    """Any value anywhere in a reply leads both parsers to the same model or error."""
    content = PLACES[place].replace("@", json.dumps(value)).encode()

    assert read(fast_response, content) == read(PLAIN["response"], content)


class Tier(str, Enum):  # noqa: UP042 - the point is a subclass of str
    """A text that is more than text."""

    FIRST = "first"


any_text = st.text(st.characters(codec=None))  # Lone surrogates, too.


@given(
    documents=st.lists(any_text | st.dictionaries(st.sampled_from(["text", "image"]), any_text)),
    query=any_text | st.sampled_from(Tier),
    top_n=st.integers(),
)
def test_any_request_is_written_alike(
    documents: list[str | dict[str, str]], query: str, top_n: int
) -> None:
    """A request's body has the same bytes with and without orjson, or the same error."""
    body = {"documents": documents, "model": "m", "query": query, "top_n": top_n}

    assert write(fast_request.dump_json, body) == write(PLAIN["request"].dump_json, body)


# What has to be escaped, what separates texts in the encoder's hands, and what looks like either.
crafty_texts = st.text(st.sampled_from('\0\1\b\t\n\f\r\x1f "\\,n/\x7f\x80\u2028é'))


@given(documents=st.lists(crafty_texts, min_size=1))
def test_texts_are_written_as_python_writes_them(documents: list[str]) -> None:
    """Searching all texts at once gives the same bytes as looking at each character."""
    body = {"documents": documents, "model": "m", "query": documents[0]}

    assert write(fast_json.encode_body, body) == write(fast_json.encode_json, body)


@pytest.mark.parametrize("odd", ["text", "\0", "\x1f", {"text": "a"}])
@pytest.mark.parametrize("position", [0, 511, 512, 1023, 1024])
def test_blocks_of_texts_are_written_as_python_writes_them(odd: object, position: int) -> None:
    """More texts than one block has, with one of another kind in any of the blocks."""
    documents: list[object] = [f'"{number}"\n' for number in range(1025)]
    documents[position] = odd
    body = {"documents": documents, "model": "m"}

    assert fast_json.encode_body(body) == fast_json.encode_json(body)


def test_each_character_is_written_as_python_writes_it() -> None:
    """Each character of the first 300 alone, at the end of a text, and between two others."""
    for character in map(chr, range(300)):
        body = {"documents": ["a", character, f"b{character}", f"{character}c"], "model": "m"}
        assert fast_json.encode_body(body) == fast_json.encode_json(body)


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, object(), {1: 2}, 2**70, {"a": b"b"}])
def test_other_fields_are_written_alike(value: object) -> None:
    """What is not text goes through Python's encoder in both, with its errors."""
    body = {"documents": ["a"], "model": "m", "query": "q", "provider": value}

    assert write(fast_request.dump_json, body) == write(PLAIN["request"].dump_json, body)


@pytest.mark.parametrize("module", [fast_response, PLAIN["response"]], ids=["orjson", "plain"])
@pytest.mark.parametrize("results", [f"[{RESULT},5]", f"[{RESULT}]"])
def test_reply_that_is_decoded_twice_gives_the_same(module: Any, results: str) -> None:
    """Decoding uses up the body, yet a second time gives the very result or error of the first."""
    content = f'{{"model":"m","results":{results}}}'.encode()
    received = make_reply(content)
    reply = module.Reply(received, module.read_reply(received), 1, 0.0)

    outcomes: list[object] = []
    for _ in range(2):
        try:
            outcomes.append(reply.decode(REQUEST))
        except OpenRouterError as error:
            outcomes.append(error)

    assert outcomes[0] is outcomes[1]
    assert isinstance(outcomes[0], OpenRouterError) is ("5" in results[-3:])
