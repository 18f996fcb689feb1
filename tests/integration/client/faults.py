"""What can go wrong with a reply, each fault by a name."""

import json
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from integration.client.fault_server import Exchange, Fault

JSON = "application/json"
HTML = "text/html; charset=UTF-8"
PAGE = b"<!DOCTYPE html><title>error</title><h1>error</h1>"
CHUNK_BYTES = 1024 * 1024
BREATH_SECONDS = 0.05
Headers = Mapping[str, str]
NO_HEADERS: Headers = {}


def make_head(status: int, headers: Headers) -> bytes:
    """Write a reply's head."""
    lines = [f"HTTP/1.1 {status} Reason", *(f"{name}: {text}" for name, text in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def reply(
    status: int,
    body: bytes = b"",
    content_type: str = JSON,
    headers: Headers = NO_HEADERS,
    *,
    closes: bool = False,
) -> Fault:
    """Send a whole reply."""

    def act(exchange: Exchange) -> bool:
        fields = {"Content-Type": content_type, "Content-Length": str(len(body)), **headers}
        exchange.send(make_head(status, fields) + body)
        return not closes

    return act


def json_reply(status: int, value: object, headers: Headers = NO_HEADERS) -> Fault:
    """Send a whole reply that is JSON."""
    return reply(status, json.dumps(value).encode(), headers=headers)


def error(status: int, headers: Headers = NO_HEADERS, **details: object) -> Fault:
    """Send an error as the contract has it."""
    body = {"error": {"code": status, "message": f"said {status}", **details}}
    return json_reply(status, body, headers)


def page(status: int) -> Fault:
    """Send an error as an edge network does."""
    return reply(status, PAGE, HTML)


def empty(status: int, headers: Headers = NO_HEADERS) -> Fault:
    """Send a reply without a body."""
    return reply(status, headers=headers)


def make_answer(query: str, documents: list[Any]) -> dict[str, Any]:
    """Make the reply's body that belongs to a request: its id is the query."""
    results = [
        {
            "index": index,
            "relevance_score": 1 - index / len(documents),
            "document": {"text": document} if isinstance(document, str) else document,
        }
        for index, document in enumerate(documents)
    ]
    usage = {"cost": 0.5, "search_units": 1, "total_tokens": 3}
    return {"id": query, "model": "m", "provider": "p", "results": results, "usage": usage}


def answer(
    change: Callable[[dict[str, Any]], object] = lambda body: body,
    *,
    prefix: bytes = b"",
    headers: Headers = NO_HEADERS,
) -> Fault:
    """Send the right answer to the request, or the right answer but for one change in place."""

    def act(exchange: Exchange) -> bool:
        request = exchange.request.json
        body = make_answer(request["query"], request["documents"])
        change(body)
        return reply(200, prefix + json.dumps(body).encode(), headers=headers)(exchange)

    return act


ok = answer()


def answer_with(**fields: object) -> Fault:
    """Send the right answer with other values for some fields."""
    return answer(lambda body: body.update(fields))


def answer_with_result(**fields: object) -> Fault:
    """Send the right answer with other values for some fields of its last result."""
    return answer(lambda body: body["results"][-1].update(fields))


def answer_without_document() -> Fault:
    """Send the right answer without the last document."""
    return answer(lambda body: body["results"][-1].pop("document"))


def raw(data: bytes) -> Fault:
    """Send bytes and close."""

    def act(exchange: Exchange) -> bool:
        exchange.send(data)
        return False

    return act


def hang_up(exchange: Exchange) -> bool:
    """Close without a byte."""
    return False


def stall(exchange: Exchange) -> bool:
    """Send nothing and hold the connection."""
    exchange.pause()
    return False


def reset_after(data: bytes) -> Fault:
    """Send bytes, then a reset."""

    def act(exchange: Exchange) -> bool:
        exchange.send(data)
        if data:
            # A reset overtakes what the client has not read.
            with_breath(exchange)
        exchange.reset()
        return False

    return act


def with_breath(exchange: Exchange) -> None:
    """Give the client time to read."""
    exchange.pause(BREATH_SECONDS)


def trickle(head: bytes, rest: bytes, seconds: float) -> Fault:
    """Send bytes at once, then others one by one, over and over."""

    def act(exchange: Exchange) -> bool:
        exchange.send(head)
        while True:
            for byte in rest:
                exchange.pause(seconds)
                exchange.send(bytes([byte]))

    return act


def repeat(head: bytes, rest: bytes, count: int | None = None) -> Fault:
    """Send bytes at once, then others again and again without a pause, forever with None."""

    def act(exchange: Exchange) -> bool:
        exchange.send(head)
        sent = 0
        while count is None or sent < count:
            exchange.send(rest)
            sent += 1
        return False

    return act


def redirect(status: int, location: str) -> Fault:
    """Send the client elsewhere."""
    return empty(status, {"Location": location})


def squeeze(data: bytes) -> bytes:
    """Return the bytes as gzip."""
    packer = zlib.compressobj(wbits=31)
    return packer.compress(data) + packer.flush()


def make_bomb(megabytes: int) -> bytes:
    """
    Return gzip of so many megabytes of white space.

    Only one is deflated, since what follows a full flush can be repeated (RFC 1951, RFC 1952).
    """
    part = b" " * CHUNK_BYTES
    packer = zlib.compressobj(9, wbits=-15)
    packed = packer.compress(part) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(megabytes):
        checksum = zlib.crc32(part, checksum)
    trailer = struct.pack("<II", checksum, megabytes * CHUNK_BYTES)
    return b"\x1f\x8b\x08" + bytes(7) + packed * megabytes + packer.flush() + trailer


def encoded(body: bytes, encoding: str) -> Fault:
    """Send a success in a content encoding."""
    return reply(200, body, headers={"Content-Encoding": encoding})


OK_HEAD = make_head(200, {"Content-Type": JSON})
CHUNKED_HEAD = make_head(200, {"Content-Type": JSON, "Transfer-Encoding": "chunked"})
LONG_HEAD = make_head(200, {"Content-Type": JSON, "Content-Length": "1000"})
BIG_CHUNK = b"%x\r\n" % CHUNK_BYTES + b" " * CHUNK_BYTES + b"\r\n"


def accept_socks(exchange: Exchange) -> None:
    """Accept any SOCKS 5 client without a password, as if it were connected (RFC 1928)."""
    exchange.sip(3, 0)
    exchange.send(b"\x05\x00")
    exchange.sip(1000, 0)
    exchange.send(b"\x05\x00\x00\x01" + bytes(6))
