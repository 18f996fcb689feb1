"""Documents made of fields, as YAML text that YAML's own library reads back."""

from collections.abc import AsyncIterator
from datetime import date
from functools import partial
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from integration.resilience.ways import Rank, every_way
from openrouter_rerank import OpenRouter
from openrouter_rerank._codec.fields import make_document, write_value
from openrouter_rerank.testing import FakeOpenRouter

ITEM = {"id": 7, "title": "Paris: a city", "text": "It's the capital\nof France.", "tags": ["a", 1]}
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    scalars | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def test_fields_come_in_their_order() -> None:
    """Each field is a line, in the order that was asked for and not that of the object."""
    assert make_document(ITEM, ["title", "text", "id", "tags"]) == (
        'title: "Paris: a city"\ntext: "It\'s the capital\\nof France."\nid: 7\ntags: ["a", 1]'
    )


@given(st.dictionaries(texts.filter(str.strip), values, min_size=1, max_size=4))
def test_yaml_reads_it_back(document: dict[str, Any]) -> None:
    """What YAML's library reads is what there was, but what is None or blank."""
    made = make_document(document, list(document))
    kept = {
        name: value
        for name, value in document.items()
        if value is not None and not (isinstance(value, str) and not value.strip())
    }
    assert isinstance(made, str)
    assert (yaml.safe_load(made) or {}) == kept
    assert len(made.splitlines()) == len(kept)


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "0x10",
        "~",
        "- a",
        "a: b",
        "# x",
        "&a",
        "2001-01-01",
        "\x85\u2028\ufeff\x7f",
        "\\n",
        "'",
    ],
)
def test_text_stays_text(text: str) -> None:
    """Nothing in a text is taken for another type or for structure."""
    assert yaml.safe_load(f"{make_document({'no': text}, ['no'])}") == {"no": text}


def test_objects_have_attributes() -> None:
    """What is no mapping is asked for its attributes; what YAML has no type for is text."""
    item = SimpleNamespace(title="A", written=date(2026, 1, 2), missing=None)

    assert make_document(item, ["title", "written", "missing", "other"]) == (
        'title: "A"\nwritten: "2026-01-02"'
    )
    assert write_value(float("inf")) == '"inf"'
    assert write_value({"a": None}) == '{"a": null}'


def test_nesting_without_end_is_refused() -> None:
    """A field that holds itself is the caller's mistake, told in words."""
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ValueError, match="holds itself"):
        make_document({"a": endless}, ["a"])


@every_way
def test_every_way_in_sends_the_fields(way: Rank) -> None:
    """Mappings with anything in them are ranked by the fields that were named."""
    items = [ITEM, {"title": "B", "text": None}, {"title": " "}, "plain", None]
    with FakeOpenRouter() as client:
        ranking = way(client, items, fields=["title", "text"], unrankable="set_aside")

    assert client.bodies[0]["documents"] == [
        'title: "Paris: a city"\ntext: "It\'s the capital\\nof France."',
        'title: "B"',
        "plain",
    ]
    assert [each.index for each in ranking] == [0, 1, 3]
    assert ranking.set_aside == [2, 4]


def test_methods_of_the_contract_send_them_too() -> None:
    """Batches, raw replies and async documents have fields as well."""

    async def give() -> AsyncIterator[Any]:
        yield ITEM

    call: dict[str, Any] = {"model": "m", "query": "q", "fields": ["title"]}
    with FakeOpenRouter() as client:
        client.rerank.rerank(documents=[ITEM], **call)
        client.rerank.rerank_batched(documents=iter([ITEM]), **call)
        client.rerank.with_raw_response.rerank(documents=[ITEM], **call)
        anyio.run(lambda: client.rerank.rerank_batched_async(documents=give(), **call))
        anyio.run(lambda: client.rerank.rerank_batched_async(documents=[ITEM], **call))
    assert [body["documents"] for body in client.bodies] == [['title: "Paris: a city"']] * 5


def test_lone_surrogate_is_still_found() -> None:
    """Half a character is no text, in a field either."""
    with FakeOpenRouter() as client, pytest.raises(ValueError, match="lone surrogate"):
        client.rerank.rank([{"a": "\ud800"}], model="m", query="q", fields=["a"])


@pytest.mark.parametrize(
    ("fields", "kind"),
    [("title", TypeError), (5, TypeError), ([5], TypeError), ([], ValueError), ([""], ValueError),
     (["a", "a"], ValueError)],
)  # fmt: skip
def test_wrong_fields_are_refused(fields: Any, kind: type[Exception]) -> None:
    """What is no list of names is refused before anything is sent."""
    with FakeOpenRouter() as client:
        for call in (client.rerank.rerank, client.rerank.rerank_batched):
            with pytest.raises(kind, match="fields"):
                call(documents=[ITEM], model="m", query="q", fields=fields)
        with pytest.raises(kind, match="fields"):
            client.rerank.rank([ITEM], model="m", query="q", fields=fields)
    assert client.requests == []


def test_table_is_refused_with_fields_too() -> None:
    """A mapping is no list of documents, whatever fields are named."""
    table: Any = ITEM
    with OpenRouter("key") as client:
        call = partial(client.rerank.rerank_batched_async, model="m", query="q", fields=["title"])
        for refused in (
            partial(client.rerank.rerank, documents=table, model="m", query="q", fields=["title"]),
            partial(
                client.rerank.rerank_batched,
                documents=table,
                model="m",
                query="q",
                fields=["title"],
            ),
            partial(anyio.run, partial(call, documents=table)),
        ):
            with pytest.raises(TypeError, match="documents"):
                refused()


@every_way
@pytest.mark.parametrize("on_failure", ["raise", "keep_order"])
def test_fields_that_no_document_has_are_named(way: Rank, on_failure: Any) -> None:
    """A misspelt field is a mistake in the call, whose message has the names that there are."""
    with (
        FakeOpenRouter() as client,
        pytest.raises(
            ValueError, match=r'fields: no document has the field "tipp"; they have id, '
        ),
    ):
        way(client, [ITEM, {"id": 8}, ""], fields=["tipp"], on_failure=on_failure)

    assert client.requests == []


def test_fields_of_objects_and_of_nothing() -> None:
    """Attributes count as fields; blank fields and texts are told as blank documents, as ever."""
    place = SimpleNamespace(title=" ")
    with FakeOpenRouter() as client:
        with pytest.raises(ValueError, match='no document has the field "tipp"; they have none'):
            client.rerank.rank([place], model="m", query="q", fields=["tipp"])
        for documents in ([place], [{"title": None}], [""]):
            with pytest.raises(ValueError, match="documents: blank at positions 0"):
                client.rerank.rank(documents, model="m", query="q", fields=["title"])
