"""Fetching: https, one document, within a size and a time."""

import gzip
from collections.abc import AsyncIterator

import anyio
import httpx
import pytest
from contract.model import ContractError
from contract.reading.fetching import fetch_document
from contract.reading.loading import MAX_SOURCE_BYTES
from contract.reading.sources import FetchError

URL = "https://user:hunter2@example.com/openapi.yaml?token=hunter2#part"
PIECE = b" " * 2**20


class Endless(httpx.AsyncByteStream):
    """A body that counts what is taken of it and never ends."""

    def __init__(self) -> None:
        self.pieces = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.pieces += 1
            yield PIECE


def reply(**options: object) -> httpx.MockTransport:
    """Return a transport that gives one reply to everything."""
    return httpx.MockTransport(lambda _: httpx.Response(**options))  # type: ignore[arg-type]


def test_a_document_is_fetched() -> None:
    """The bytes come as they are, and no compression is asked for."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["Accept-Encoding"])
        return httpx.Response(200, stream=httpx.ByteStream(b"openapi: 3.1.0"))

    content = fetch_document(URL, transport=httpx.MockTransport(answer))

    assert content == b"openapi: 3.1.0"
    assert asked == ["identity"]


def test_redirects_are_followed() -> None:
    """A redirect to https leads on."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/end":
            return httpx.Response(200, stream=httpx.ByteStream(b"end"))
        return httpx.Response(308, headers={"Location": "https://example.org/end"})

    assert fetch_document(URL, transport=httpx.MockTransport(answer)) == b"end"


@pytest.mark.parametrize(
    ("transport", "complaint"),
    [
        (reply(status_code=404), "answered with status 404"),
        (reply(status_code=302, headers={"Location": "http://example.com/"}), "not an https URL"),
        (reply(status_code=302, headers={"Location": URL}), "redirects more than 5 times"),
        (
            reply(
                status_code=200,
                content=gzip.compress(b"x"),
                headers={"Content-Encoding": "gzip"},
            ),
            "is compressed",
        ),
    ],
)
def test_other_replies_are_refused(transport: httpx.MockTransport, complaint: str) -> None:
    """What is no plain document over https is refused, and the password is not repeated."""
    with pytest.raises(ContractError, match=complaint) as caught:
        fetch_document(URL, transport=transport)

    assert "hunter2" not in str(caught.value)


def test_an_endless_reply_is_cut() -> None:
    """No more is read than the limit and one piece."""
    body = Endless()

    with pytest.raises(ContractError, match="larger than 16 MiB"):
        fetch_document(URL, transport=reply(status_code=200, stream=body))

    assert body.pieces == MAX_SOURCE_BYTES // len(PIECE) + 1


def test_a_silent_server_is_left() -> None:
    """A server that never answers costs the time given and no more."""

    async def wait(_: httpx.Request) -> httpx.Response:
        await anyio.sleep_forever()
        raise AssertionError

    with pytest.raises(FetchError, match=r"took longer than 0\.05 s"):
        fetch_document(URL, seconds=0.05, transport=httpx.MockTransport(wait))


def test_a_failed_connection_is_one_line() -> None:
    """What httpx raises is an error of ours, without the URL's secrets."""

    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"no way to {request.url}")

    with pytest.raises(FetchError, match="cannot be fetched: ConnectError") as caught:
        fetch_document(URL, transport=httpx.MockTransport(fail))

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://example.com/", "file:///etc/passwd", "ftp://example.com"])
def test_only_https_is_fetched(url: str) -> None:
    """Another scheme is refused before anything is sent."""
    with pytest.raises(ContractError, match="not an https URL"):
        fetch_document(url, transport=reply(status_code=200))
