"""What the page has the server read, over a real socket."""

import json
from typing import Any

import httpx
import pytest
from openrouter_rerank.local._page.documents import FORMATS

ASKED: dict[str, Any] = {"text": "one", "name": "documents", "format": "auto"}
LONG = "A sentence about nothing in particular. " * 40


def read(base_url: str, **asked: Any) -> httpx.Response:
    """Have the server read documents."""
    address = httpx.URL(base_url).join("/page/documents")
    content = json.dumps({**ASKED, **asked})
    return httpx.post(address, content=content, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize(
    ("asked", "documents", "fields", "chosen"),
    [
        ({"text": "one\n\ntwo"}, ["one", "two"], [], []),
        ({"text": '{"text": "a"}\n"b"'}, [{"text": "a"}, "b"], [], []),
        ({"text": '[{"image": "https://a.example/"}]'}, [{"image": "https://a.example/"}], [], []),
        ({"text": '["one"]', "format": "lines"}, ['["one"]'], [], []),
        (
            {"text": '{"_id": 1, "text": "b", "title": "a"}\n{"title": "c", "x": 2}'},
            ['title: "a"\ntext: "b"', 'title: "c"'],
            ["_id", "text", "title", "x"],
            ["title", "text"],
        ),
        ({"text": "a,b\n1,2\n", "format": "csv"}, ['a: "1"\nb: "2"'], ["a", "b"], ["a", "b"]),
        (
            {"text": "a,b\n1,2\n", "format": "csv", "fields": ["b", "gone"]},
            ['b: "2"'],
            ["a", "b"],
            ["b"],
        ),
    ],
)  # fmt: skip
def test_documents_are_read(
    base_url: str, asked: dict[str, Any], documents: list[Any], fields: list[str], chosen: list[str]
) -> None:
    """Texts stay as they are, and of fields those are ranked that are chosen, or usual, or all."""
    found = read(base_url, **asked).json()

    assert found == {"documents": documents, "fields": fields, "chosen": chosen, "passages": {}}


def test_long_documents_are_split(base_url: str) -> None:
    """Only what is too long has passages, which are parts of it; an image is left alone."""
    long, image = {"text": LONG}, {"text": LONG, "image": "https://a.example/b.png"}
    text = httpx.Response(200, json=["short", LONG, long, image]).text

    found = read(base_url, text=text, passages=True).json()

    assert set(found["passages"]) == {"1", "2"}
    assert found["passages"]["1"] == found["passages"]["2"]
    assert all(part in LONG and len(part) <= 512 for part in found["passages"]["1"])


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"text": '{"text": 1}', "name": "a.jsonl"}, 'a.jsonl, line 1: "text" is not a string'),
        ({"text": '{"query": "q", "documents": ["a"]}'}, "a job, not a document"),
        ({"text": "a,b\n", "format": "csv"}, "holds no documents"),
        ({"text": "a,b\n,2\n", "format": "csv", "fields": ["a"]}, "document 1 has nothing in a."),
        ({"text": "a\n1\n", "format": "csv", "fields": ["b"]}, "the fields that are ranked"),
        ({"text": "a", "fields": []}, "fields: must not be empty"),
        ({"text": "a", "fields": "title"}, "fields: expected a list"),
        ({"text": "\ud800"}, "half of a surrogate pair"),
        ({"text": "PK\u0003\u0004"}, "a zip archive"),
        ({"text": 1}, "text, name, format: expected"),
        ({"name": None}, "text, name, format: expected"),
        ({"format": "tsv"}, "text, name, format: expected"),
    ],
)
def test_what_is_no_document_is_refused(base_url: str, asked: dict[str, Any], message: str) -> None:
    """The message says what is wrong and where."""
    reply = read(base_url, **asked)

    assert reply.status_code == 400
    assert message in reply.json()["error"]["message"]


@pytest.mark.parametrize("content", [b"[]", b"[" * 100_000, b"{", b"\xff"])
def test_what_is_no_object_is_refused(base_url: str, content: bytes) -> None:
    """A body that the page does not send is a 400."""
    address = httpx.URL(base_url).join("/page/documents")

    reply = httpx.post(address, content=content, headers={"Content-Type": "application/json"})

    assert reply.status_code == 400


def test_no_ticked_field_is_said(base_url: str) -> None:
    """A person who unticks every field is told so."""
    reply = read(base_url, text='{"a": 1}', fields=[])

    assert reply.status_code == 400


def test_the_formats_are_those_of_the_page() -> None:
    """What the page offers is what the server reads."""
    assert FORMATS == ("auto", "csv", "lines")
