"""What stands beside a ranking: converted where nothing is lost, else as if it were not there."""

import json
import logging
import sys
from typing import Any

import httpx
import pytest
from fake_server import receive
from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._codec.response import decode, read_reply
from openrouter_rerank.operations import CreateRerankResponseBody

OWN: list[Any] = ["first", {"text": "second", "image": "https://example.com/i.png"}]
REQUEST = EncodedRequest(b"", OWN, model="asked/for", query="q")
FIRST = {"index": 0, "relevance_score": 0.5, "document": {"text": "first"}}
SECOND = {"index": 1, "relevance_score": 0.25, "document": OWN[1]}
GOOD = {"model": "m", "results": [FIRST, SECOND]}
DEEP = "[" * 101 + "]" * 101
DEEPER = "[" * 20_000 + "]" * 20_000


def read(content: str) -> CreateRerankResponseBody:
    """Read a success to the end."""
    request = httpx.Request("POST", "https://h/rerank")
    reply = receive(httpx.Response(200, content=content.encode(), request=request))
    return decode(read_reply(reply), reply, REQUEST)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"id": 7}, {"id": "7"}),
        ({"id": 7.5}, {}),
        ({"id": True}, {}),
        ({"id": 10**30}, {}),
        ({"id": {"a": 1}}, {}),
        ({"provider": {"name": "Cohere"}}, {}),
        ({"provider": ["Cohere"]}, {}),
        ({"provider": 5}, {"provider": "5"}),
        ({"usage": 5}, {}),
        ({"usage": [1]}, {}),
        ({"usage": "free"}, {}),
        ({"usage": {}}, {"usage": {}}),
        ({"usage": {"cost": "0.002"}}, {"usage": {"cost": 0.002}}),
        ({"usage": {"cost": "2e-3"}}, {"usage": {"cost": 0.002}}),
        ({"usage": {"cost": "free"}}, {"usage": {}}),
        ({"usage": {"cost": "1e999"}}, {"usage": {}}),
        ({"usage": {"cost": "nan"}}, {"usage": {}}),
        ({"usage": {"cost": "-1"}}, {"usage": {}}),
        ({"usage": {"cost": {"usd": 1}}}, {"usage": {}}),
        ({"usage": {"cost": True}}, {"usage": {}}),
        ({"usage": {"search_units": 1.0}}, {"usage": {"search_units": 1}}),
        ({"usage": {"search_units": "12"}}, {"usage": {"search_units": 12}}),
        ({"usage": {"search_units": 1.5}}, {"usage": {}}),
        ({"usage": {"search_units": "1.5"}}, {"usage": {}}),
        ({"usage": {"search_units": 1e300}}, {"usage": {}}),
        ({"usage": {"total_tokens": True}}, {"usage": {}}),
        ({"usage": {"total_tokens": [1], "cost": 1}}, {"usage": {"cost": 1.0}}),
        ({"usage": {"cost": 1, "new": {"a": 1}}}, {"usage": {"cost": 1.0, "new": {"a": 1}}}),
    ],
)
def test_side_field_of_another_type_costs_no_ranking(
    change: dict[str, object], expected: dict[str, object]
) -> None:
    """A value is converted where nothing is lost, and otherwise absent; the ranking is whole."""
    model = read(json.dumps({**GOOD, **change}))

    assert model.to_dict() == {**GOOD, **expected}


@pytest.mark.parametrize("model", [None, "", 5, {"slug": "m"}, ["m"], True, ...])
def test_model_that_is_no_text_is_the_requested_one(model: object) -> None:
    """Without a model in the reply, it is the one that was asked for."""
    reply: dict[str, object] = {**GOOD, "model": model}
    if model is ...:
        del reply["model"]

    assert read(json.dumps(reply)).to_dict() == {**GOOD, "model": "asked/for"}


@pytest.mark.parametrize(
    "echo",
    [
        *(None, {}, {"text": None}, {"text": ""}, {"text": None, "image": None}),
        *("", 5, [], True, {"text": 5}, {"text": ["a"], "image": {}}),
    ],
)
def test_echo_without_text_or_image_is_the_callers_own(echo: object) -> None:
    """Whatever is echoed, a result has the document that was sent unless the echo has one."""
    reply = {**GOOD, "results": [{**FIRST, "document": echo}, {**SECOND, "document": echo}]}

    documents = [result.document.to_dict() for result in read(json.dumps(reply)).results]

    assert documents == [{"text": "first"}, OWN[1]]


@pytest.mark.parametrize(
    ("echo", "expected"),
    [
        ("other", {"text": "other"}),
        ({"text": "other", "image": 5}, {"text": "other"}),
        ({"text": [], "image": "u"}, {"image": "u"}),
        ({"id": 3}, {"text": "first", "id": 3}),
    ],
)
def test_echo_keeps_what_it_has(echo: object, expected: dict[str, object]) -> None:
    """An echo as plain text is one, and one part of another type does not cost the other."""
    model = read(json.dumps({**GOOD, "results": [{**FIRST, "document": echo}]}))

    assert model.results[0].document.to_dict() == expected


@pytest.mark.parametrize(
    "value", [DEEP, DEEPER, "1e999", "[-1e999]", "NaN", "-Infinity", "9" * 5000, "-" + "9" * 5000]
)
@pytest.mark.parametrize(
    "place",
    [
        '{"model":"m","results":[%s,%s],"new":@}',
        '{"new":{"a":[@]},"model":"m","results":[%s,%s]}',
        '{"model":"m","results":[%s,%s],"id":@}',
        '{"model":"m","results":[%s,%s],"usage":@}',
        '{"model":"m","results":[{"new":@,%s,%s]}',
        '{"model":"m","results":[{"document":{"new":@,"text":"first"},%s,%s]}',
        '{"model":"m","results":[{"document":{"text":@},%s,%s]}',
        '{"model":"m","results":[{"document":@,%s,%s]}',
    ],
)
def test_value_that_cannot_be_written_again_costs_no_ranking(place: str, value: str) -> None:
    """Depth and numbers without end cost the field they stand in, whatever field it is."""
    first = json.dumps(FIRST)
    if "{%s" in place or ",%s,%s" in place:
        first = '"index":0,"relevance_score":0.5}'
    content = place.replace("@", value) % (first, json.dumps(SECOND))

    model = read(content)

    assert model.to_dict() == GOOD
    assert not model.additional_keys


def test_cost_and_counts_without_end_are_unknown() -> None:
    """A usage whose numbers are endless is there, without them."""
    usage = {"cost": float("nan"), "search_units": float("inf"), "total_tokens": -float("inf")}

    model = read(json.dumps({**GOOD, "usage": usage}))

    assert model.to_dict()["usage"] == {}


@pytest.mark.parametrize("depth", [50, sys.getrecursionlimit() * 2])
def test_brackets_in_texts_are_no_depth(depth: int) -> None:
    """Text that looks like deep JSON is kept as it is, quotes and escapes too."""
    text = '"\\[{' * depth
    reply = {**GOOD, "results": [{**FIRST, "document": {"text": text}}]}

    model = read(json.dumps(reply)[:-1] + f',"new":{DEEPER}}}')

    assert model.results[0].document.text == text


@pytest.mark.parametrize(
    ("change", "level", "line"),
    [
        ({"provider": {"secret": 1}}, logging.WARNING, "ignored in a reply: provider"),
        ({"new": float("nan")}, logging.WARNING, "ignored in a reply: an unknown field"),
        (
            {"model": 5, "usage": {"cost": "secret"}},
            logging.WARNING,
            "ignored in a reply: model, usage.cost",
        ),
        (
            {"results": [{**FIRST, "document": ["secret"]}, {**SECOND, "document": ["secret"]}]},
            logging.WARNING,
            "ignored in a reply: results[].document",
        ),
        ({"id": 7, "usage": {"search_units": 1.0}}, logging.DEBUG, "converted in a reply: id, "),
    ],
)
def test_what_was_odd_is_one_line_of_the_log(
    change: dict[str, object], level: int, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names each field once, without content: a loss at WARNING, the rest at DEBUG."""
    caplog.set_level(logging.DEBUG, "openrouter_rerank")

    read(json.dumps({**GOOD, **change}))

    assert [record.levelno for record in caplog.records] == [level]
    assert caplog.messages[0].startswith(line)
    assert "secret" not in caplog.text


def test_usual_reply_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A reply of the contract, or one that lacks what is optional, is nothing to tell."""
    caplog.set_level(logging.DEBUG, "openrouter_rerank")

    read(json.dumps({**GOOD, "id": None, "usage": {"cost": 1, "search_units": 1}}))
    read(json.dumps({"results": [{**FIRST, "document": None}]}))

    assert caplog.messages == []
