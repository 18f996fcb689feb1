"""How the documents are read: in parts, only as far as needed, and what they raise."""

import weakref
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, cast

import anyio
import pytest
from openrouter_rerank import errors
from openrouter_rerank.testing import FakeOpenRouter
from unit.bulk.batched.parts import (
    Half,
    break_off,
    every_half,
    list_sent,
    number_texts,
    rank_by_text,
    run_sync,
)


@every_half
@pytest.mark.parametrize(
    ("wrong", "kind", "message"),
    [
        (5, TypeError, "documents[5]: expected str, mapping or DocumentRequest, got int"),
        (" ", ValueError, "documents[5]: is blank"),
    ],
)
def test_wrong_document_of_a_later_part(
    half: Half, wrong: Any, kind: type[Exception], message: str
) -> None:
    """A wrong document of an iterator is named by its position, and earlier batches are kept."""
    documents = iter([*number_texts(5), wrong])
    script = [rank_by_text] * 2
    with FakeOpenRouter(*script) as client, pytest.raises(errors.BatchError) as caught:
        half(client, documents=documents, batch_size=2)

    assert (type(caught.value.cause), str(caught.value.cause)) == (kind, message)
    assert (caught.value.part, caught.value.positions) == (2, range(4, 6))
    assert caught.value.status_code is None
    assert list(caught.value.responses) == [0, 1]


@every_half
def test_documents_that_break_off(half: Half) -> None:
    """What the iterable raises is the cause of the error, or passes if nothing was sent."""
    with FakeOpenRouter() as client:
        with pytest.raises(errors.BatchError, match="the rest is lost") as caught:
            half(client, documents=break_off(5), batch_size=2)
        with pytest.raises(LookupError):
            half(client, documents=break_off(1), batch_size=2)

    assert isinstance(caught.value.cause, LookupError)
    assert (caught.value.part, caught.value.positions) == (2, range(4, 5))
    assert list(caught.value.responses) == [0, 1]
    assert len(client.requests) == 2


@every_half
def test_part_without_documents_has_no_positions(half: Half) -> None:
    """An iterable that breaks between two parts leaves no document to be named."""
    with FakeOpenRouter() as client, pytest.raises(errors.BatchError) as caught:
        half(client, documents=break_off(2), batch_size=2)

    assert str(caught.value) == "part 1 (no document was read): LookupError('the rest is lost')"
    assert caught.value.positions == range(2, 2)


class Text(str):
    """A text that can be watched."""

    __slots__ = ("__weakref__",)


def test_documents_are_read_one_part_ahead() -> None:
    """No more documents are read than are under way and in one part more, and none is kept."""
    alive: weakref.WeakSet[Text] = weakref.WeakSet()
    most = 0

    def read() -> Iterator[Text]:
        nonlocal most
        for number in range(400):
            text = Text(f"text {number}")
            alive.add(text)
            most = max(most, len(alive))
            yield text
            del text

    with FakeOpenRouter() as client:
        res = run_sync(client, documents=read(), batch_size=10, max_concurrency=2, top_n=5)

    assert [each.index for each in res.results] == [0, 10, 20, 30, 40]
    assert most <= 10 * (2 + 1 + 1)


@pytest.mark.anyio
async def test_async_documents() -> None:
    """An async iterable is read in parts as a plain one is."""

    async def read() -> AsyncIterator[str]:
        for text in number_texts(5):
            await anyio.lowlevel.checkpoint()
            yield text

    async with FakeOpenRouter(*[rank_by_text] * 3) as client:
        res = await client.rerank.rerank_batched_async(
            documents=read(), model="m", query="q", batch_size=2
        )

    assert [each.index for each in res.results] == [4, 3, 2, 1, 0]
    assert list_sent(client) == [["x", "xx"], ["xxx", "xxxx"], ["xxxxx"]]


@pytest.mark.anyio
async def test_async_documents_that_break_off() -> None:
    """What an async iterable raises is the cause of the error."""

    async def read() -> AsyncIterator[str]:
        for text in break_off(3):
            yield text

    async with FakeOpenRouter() as client:
        with pytest.raises(errors.BatchError) as caught:
            await client.rerank.rerank_batched_async(
                documents=read(), model="m", query="q", batch_size=2
            )

    assert isinstance(caught.value.cause, LookupError)
    assert (caught.value.part, caught.value.positions) == (1, range(2, 3))


def test_sync_call_refuses_async_documents() -> None:
    """The sync twin says that it cannot read an async iterable."""

    async def read() -> AsyncIterator[str]:
        yield "a"

    documents = read()
    with FakeOpenRouter() as client, pytest.raises(TypeError, match="expected an iterable"):
        run_sync(client, documents=cast("Iterable[str]", documents))
