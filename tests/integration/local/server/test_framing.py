"""Requests that RFC 9112 has a server refuse or take, byte by byte."""

import json
import socket
from http.client import HTTPResponse

import httpx
import pytest
from integration.local.messages import BODY, is_valid
from integration.local.rankers import ConstantRanker
from openrouter_rerank.local import running

CONTENT = json.dumps(BODY).encode()
HEAD = b"POST /api/v1/rerank HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(CONTENT)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(CONTENT), CONTENT)
NEXT = b"GET /next HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def exchange(url: str, message: bytes) -> bytes:
    """Send bytes on a connection of their own, and read until the server closes it."""
    address = (httpx.URL(url).host, httpx.URL(url).port or 0)
    received = b""
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(message)
        while chunk := connection.recv(65_536):
            received += chunk
    return received


REFUSED = {
    "both lengths": HEAD + LENGTH + CHUNKED + b"\r\n" + CHUNKS,
    "both lengths, HEAD": b"HEAD / HTTP/1.1\r\nHost: localhost\r\n" + LENGTH + CHUNKED + b"\r\n",
    "chunked in HTTP/1.0": HEAD.replace(b"1.1", b"1.0") + CHUNKED + b"\r\n" + CHUNKS,
    "two lengths": HEAD + LENGTH + b"Content-Length: 5\r\n\r\n" + CONTENT,
    "a list of lengths": HEAD + b"Content-Length: 5, 6\r\n\r\n" + CONTENT,
    "a signed length": HEAD + b"Content-Length: +5\r\n\r\n" + CONTENT,
    "a negative length": HEAD + b"Content-Length: -5\r\n\r\n" + CONTENT,
    "a length of 5000 digits": HEAD + b"Content-Length: %s\r\n\r\n" % (b"9" * 5000),
    "chunked twice": HEAD + CHUNKED + CHUNKED + b"\r\n" + CHUNKS,
    "chunked twice in one": HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + CHUNKS,
    "chunked and more": HEAD + b"Transfer-Encoding: chunked, gzip\r\n\r\n" + CHUNKS,
    "an unknown coding": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS,
    "a chunk size in words": HEAD + CHUNKED + b"\r\nfive\r\n",
    "a chunk size with a prefix": HEAD + CHUNKED + b"\r\n0x5\r\nabcde\r\n0\r\n\r\n",
    "a negative chunk size": HEAD + CHUNKED + b"\r\n-5\r\nabcde\r\n0\r\n\r\n",
    "a huge chunk size": HEAD + CHUNKED + b"\r\n" + b"f" * 30 + b"\r\n",
    "a chunk without its end": HEAD + CHUNKED + b"\r\n5\r\nabcdefgh\r\n0\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
    "a space before the colon": HEAD.replace(b"Host:", b"Host :") + LENGTH + b"\r\n" + CONTENT,
    "a first line that is folded": b"GET / HTTP/1.1\r\n Host: localhost\r\n\r\n",
    "a carriage return in a value": HEAD + b"A: b\rc\r\n\r\n",
    "a null in a value": HEAD + b"A: b\0c\r\n\r\n",
    "a header without a name": HEAD + b": a\r\n\r\n",
    "a header without a colon": HEAD + b"header\r\n\r\n",
    "a space in the target": b"GET / / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\nHost: localhost\r\n\r\nSM\r\n\r\n",
    "a head without end": HEAD + b"A: " + b"a" * 100_000,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}


@pytest.mark.parametrize("message", REFUSED.values(), ids=REFUSED)
def test_request_of_doubtful_form_is_refused(
    message: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """It gets one 400, and what follows on the connection is no request."""
    with running(ConstantRanker()) as url:
        reply = exchange(url, message + NEXT)

    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert reply.count(b"HTTP/1.1 ") == 1
    assert b"\r\nconnection: close" in head.lower()
    assert is_valid("ErrorResponse", json.loads(body))
    assert {record.levelname for record in caplog.records if record.name != "asyncio"} <= {
        "DEBUG",
        "WARNING",
    }
    assert not any(record.exc_info for record in caplog.records)


def test_chunks_that_break_after_the_reply_close_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A body that goes wrong when it has been answered already is no error of the server."""
    head = HEAD.replace(b"rerank", b"other") + CHUNKED
    with running(ConstantRanker()) as url:
        address = (httpx.URL(url).host, httpx.URL(url).port or 0)
        with socket.create_connection(address, timeout=60) as connection:
            connection.sendall(head + b"\r\n")
            first = HTTPResponse(connection)
            first.begin()
            first.read()
            connection.sendall(b"five\r\n")
            rest = connection.recv(65_536)

    assert first.status == 404
    assert rest == b""
    assert not any(record.exc_info for record in caplog.records)


TAKEN = {
    "a length": HEAD + LENGTH + b"\r\n" + CONTENT,
    "chunks": HEAD + CHUNKED + b"\r\n" + CHUNKS,
    "an extension of a chunk": HEAD + CHUNKED + b"\r\n" + CHUNKS.replace(b"\r\n", b";a=b\r\n", 1),
    "trailers": HEAD + CHUNKED + b"\r\n" + CHUNKS[:-2] + b"A: b\r\n\r\n",
    "a length twice": HEAD + LENGTH + LENGTH + b"\r\n" + CONTENT,
    "a fold, which is a space": HEAD + b"A: b\r\n c\r\n" + LENGTH + b"\r\n" + CONTENT,
    "empty lines before": b"\r\n\r\n" + HEAD + LENGTH + b"\r\n" + CONTENT,
    "a later HTTP/1": HEAD.replace(b"1.1", b"1.2") + LENGTH + b"\r\n" + CONTENT,
    "a URL": HEAD.replace(b"/api", b"http://localhost:1/api") + LENGTH + b"\r\n" + CONTENT,
    "a URL in capitals": HEAD.replace(b"/api", b"HTTP://LocalHost/api")
    + LENGTH
    + b"\r\n"
    + CONTENT,
    "a URL with a query": HEAD.replace(b"/api/v1/rerank", b"http://127.0.0.1/api/v1/rerank?a=b")
    + LENGTH
    + b"\r\n"
    + CONTENT,
    "a URL and another Host": HEAD.replace(b"/api", b"http://localhost/api").replace(
        b"Host: localhost", b"Host: elsewhere.example"
    )
    + LENGTH
    + b"\r\n"
    + CONTENT,
}


@pytest.mark.parametrize("message", TAKEN.values(), ids=TAKEN)
def test_request_of_any_allowed_form_is_answered(message: bytes) -> None:
    """It gets its reply, and the next request on the connection too."""
    with running(ConstantRanker()) as url:
        reply = exchange(url, message + NEXT)

    assert reply.startswith(b"HTTP/1.1 200 ")
    assert reply.count(b"HTTP/1.1 404 ") == 1


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"http://elsewhere.example/api/v1/rerank", b"421"),
        (b"https://localhost/api/v1/rerank", b"421"),
        (b"http://localhost@elsewhere.example/api/v1/rerank", b"421"),
        (b"http:///api/v1/rerank", b"421"),
        (b"http://localhost", b"405"),
        (b"http://localhost?a=b", b"405"),
        (b"http://localhost/", b"405"),
        (b"ftp://localhost/api/v1/rerank", b"404"),
        (b"//localhost/api/v1/rerank", b"404"),
        (b"*", b"404"),
        (b"localhost:80", b"404"),
    ],
)
def test_target_elsewhere_is_refused(target: bytes, status: bytes) -> None:
    """The host of a URL counts and not `Host`, and no other form leads to the operation."""
    message = HEAD.replace(b"/api/v1/rerank", target) + LENGTH + b"\r\n" + CONTENT
    with running(ConstantRanker()) as url:
        reply = exchange(url, message + NEXT)

    assert reply.startswith(b"HTTP/1.1 %s " % status)
