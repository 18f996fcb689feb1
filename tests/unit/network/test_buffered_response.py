"""A reply with its body is what httpx's own would be."""

import pickle
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import httpx
import pytest
from openrouter_rerank._network.buffered_response import BufferedResponse

BODY = '{"text": "café"}'.encode()
REQUEST = httpx.Request("POST", "https://a.example/rerank")
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]


def make(body: bytes = BODY) -> tuple[BufferedResponse, httpx.Response]:
    """Return a reply, and httpx's own with the same content."""
    headers = httpx.Headers(HEADERS)
    own = BufferedResponse(200, headers=headers, body=body, request=REQUEST, extensions={"a": 1})
    other = httpx.Response(
        200,
        headers=headers,
        stream=httpx.ByteStream(body),
        request=REQUEST,
        extensions={"a": 1},
    )
    other.read()
    return own, other


READ: dict[str, Callable[[httpx.Response], Any]] = {
    "content": lambda response: response.content,
    "text": lambda response: response.text,
    "json": lambda response: response.json(),
    "read": lambda response: response.read(),
    "iter_bytes": lambda response: b"".join(response.iter_bytes()),
    "iter_bytes of 3": lambda response: list(response.iter_bytes(3)),
    "iter_text": lambda response: "".join(response.iter_text()),
    "iter_lines": lambda response: list(response.iter_lines()),
    "encoding": lambda response: response.encoding,
    "num_bytes_downloaded": lambda response: response.num_bytes_downloaded,
    "is_closed": lambda response: (response.is_closed, response.is_stream_consumed),
    "extensions": lambda response: response.extensions,
    "headers": lambda response: response.headers,
    "request": lambda response: response.request,
    "raise_for_status": lambda response: response.raise_for_status() is response,
    "repr": repr,
}


@pytest.mark.parametrize("read", READ.values(), ids=READ)
def test_it_reads_as_httpx_does(read: Callable[[httpx.Response], Any]) -> None:
    """Each way to read gives the same, as often as it is used."""
    own, other = make()
    assert read(own) == read(own) == read(other)


def test_raw_bytes_come_as_often_as_they_are_read() -> None:
    """`iter_raw` gives the body whole or in pieces; an empty body has none."""
    own, _ = make(b"abcde")
    assert list(own.iter_raw()) == [b"abcde"]
    assert list(own.iter_raw(2)) == [b"ab", b"cd", b"e"]
    empty, _ = make(b"")
    assert (list(empty.iter_raw()), empty.content) == ([], b"")


def test_it_reads_in_tasks() -> None:
    """The async ways give the same."""
    own, _ = make()

    async def join(pieces: AsyncIterator[bytes]) -> bytes:
        return b"".join([piece async for piece in pieces])

    async def read() -> list[bytes]:
        return [await own.aread(), await join(own.aiter_bytes()), await join(own.aiter_raw(4))]

    assert anyio.run(read) == [BODY] * 3


def test_it_can_be_pickled_and_closed() -> None:
    """A pickle keeps the body, and closing changes nothing."""
    own, _ = make()
    own.close()
    again = pickle.loads(pickle.dumps(own))  # noqa: S301  our own bytes
    assert (again.content, again.status_code, again.headers) == (BODY, 200, own.headers)
