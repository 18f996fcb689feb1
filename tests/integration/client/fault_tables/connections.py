"""The table of faults, its first half: connections, time and size."""

from collections.abc import Iterator

from integration.client import faults
from integration.client.calling import QUICK
from integration.client.fault_tables.row import BODY, SUCCESS, Row, once
from openrouter_rerank import RetryConfig
from openrouter_rerank.errors import (
    DeadlineExceededError,
    DisconnectedError,
    ReadTimeoutError,
    ResponseValidationError,
    ServiceUnavailableResponseError,
    TooManyRequestsResponseError,
)

MEBIBYTE = 1024 * 1024
WHOLE = faults.make_head(200, {"Content-Length": str(len(BODY))}) + BODY


def connection_rows() -> Iterator[Row]:
    """List what happens to connections."""
    kind = DisconnectedError
    half = faults.LONG_HEAD + b'{"id": '
    yield Row("reset before the headers", (faults.reset_after(b""),), kind, 3)
    yield Row("reset inside the headers", (faults.reset_after(faults.OK_HEAD[:30]),), kind, 3)
    yield Row("reset after the headers", (faults.reset_after(half),), kind, 3)
    yield Row("closed without a reply", (faults.hang_up,), kind, 3)
    yield Row("closed without a reply, then none", (faults.hang_up, faults.ok), SUCCESS, 2)
    reused = (faults.ok, faults.hang_up, faults.ok)
    yield Row("closed when reused", reused, SUCCESS, 2, warm=1)
    yield Row("closed when reused, no retries", reused, SUCCESS, 2, warm=1, settings=once())
    reset = (faults.ok, faults.reset_after(b""), faults.ok)
    yield Row("reset when reused", reset, SUCCESS, 2, warm=1)
    always = (faults.ok, faults.hang_up)
    yield Row("closed when reused and after", always, kind, 4, warm=1, attempts=3)
    yield Row(
        "closed when reused, none again", always, kind, 2, warm=1, attempts=1, settings=once()
    )
    yield Row("truncated body", (faults.raw(half),), kind, 3)
    cut = faults.CHUNKED_HEAD + b'7\r\n{"id": \r\n'
    yield Row("chunked body cut short", (faults.raw(cut),), kind, 3)
    yield Row("chunk cut short", (faults.raw(cut + b"ff\r\n{"),), kind, 3)
    yield Row("disconnect not to be retried", (faults.hang_up,), kind, settings=once())
    early = faults.raw(b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE)
    yield Row("100 first", (early,), SUCCESS)
    yield Row("many 1XX first", (faults.raw(b"HTTP/1.1 103 Early\r\n\r\n" * 50 + WHOLE),), SUCCESS)
    yield Row("closed after the reply", (faults.reply(200, BODY, closes=True), faults.ok), SUCCESS)
    yield Row("bytes after the reply", (faults.raw(WHOLE + b"more"),), SUCCESS)


def malformed_rows() -> Iterator[Row]:
    """List replies that arrive but are not HTTP: who asks again gets and pays for the same."""
    start = b"HTTP/1.1 200 OK\r\n"
    malformed = {
        "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "HTTP/2": b"\x00\x00\x06\x04" + bytes(5) + b"\x00\x05\x00\x00@\x00\r\n\r\n",
        "status of two digits": b"HTTP/1.1 99 No\r\n\r\n",
        "no status line": b"\r\n\r\n",
        "header without a colon": start + b"bad header\r\n\r\n{}",
        "NUL in a header": start + b"X-A: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
        "two lengths": start + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        "negative length": start + b"Content-Length: -1\r\n\r\n{}",
        "unknown transfer encoding": start + b"Transfer-Encoding: foo\r\n\r\n{}",
        "chunk size not a number": faults.CHUNKED_HEAD + b"zz\r\n",
        "chunk that goes on": faults.CHUNKED_HEAD + b"1\r\n{XX",
        "101 unasked": faults.make_head(101, {"Upgrade": "h2c", "Connection": "Upgrade"}),
    }
    kind = ResponseValidationError
    for name, data in malformed.items():
        yield Row(name, (faults.raw(data),), kind)
    endless = faults.repeat(start, b"X-A: b\r\n" * 99)
    yield Row("endless headers", (endless,), kind)
    yield Row("endless status line", (faults.repeat(b"HTTP/1.1 200 ", b"a" * 9_999),), kind)


def deadline_rows() -> Iterator[Row]:
    """List what only the deadline ends, and what a timeout ends before it."""
    kind = DeadlineExceededError
    short = {"deadline_ms": 250}
    slow = {
        "silence": faults.stall,
        "silence inside the body": faults.trickle(faults.LONG_HEAD, b" ", 600),
        "slow headers": faults.trickle(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a", 0.05),
        "slow body": faults.trickle(faults.LONG_HEAD, b" ", 0.05),
        "slow body of a byte a second": faults.trickle(faults.LONG_HEAD, b" ", 1),
        "slow chunks": faults.trickle(faults.CHUNKED_HEAD, b"1\r\n \r\n", 0.05),
        "slow body of an error": faults.trickle(
            faults.make_head(503, {"Content-Length": "1000"}), b" ", 0.05
        ),
        "endless 1XX": faults.repeat(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    }
    for name, fault in slow.items():
        yield Row(name, (fault,), kind, settings=short)
    single = {**short, **once()}
    yield Row("silence, no retries", (faults.stall,), kind, settings=single)
    quiet = {"timeout": 0.1}
    yield Row("read timeout", (faults.stall,), ReadTimeoutError, settings=quiet)
    again = {**quiet, "retry_config": RetryConfig(backoff=QUICK.backoff, retry_read_timeouts=True)}
    yield Row("read timeout to be retried", (faults.stall, faults.ok), SUCCESS, 2, settings=again)
    held = (faults.error(429, {"Retry-After": "30"}),)
    patient = {"deadline_ms": 10_000}
    yield Row(
        "wait past the deadline", held, TooManyRequestsResponseError, status=429, settings=patient
    )


def size_rows() -> Iterator[Row]:
    """List bodies that are too much, and encodings that nobody asked for."""
    kind = ResponseValidationError
    small = {"max_response_bytes": MEBIBYTE}
    zipped = faults.squeeze(BODY)
    long = {"Content-Length": str(1024**3)}
    huge = faults.repeat(faults.make_head(200, long), faults.BIG_CHUNK, 1024)
    chunked = faults.repeat(faults.CHUNKED_HEAD, faults.BIG_CHUNK, 1024)
    yield Row("1 GB with its length", (huge,), kind, status=200)
    yield Row("1 GB in chunks", (chunked,), kind, status=200)
    yield Row("over a limit of the caller's", (chunked,), kind, status=200, settings=small)
    yield Row("gzip bomb", (faults.encoded(faults.make_bomb(100), "gzip"),), kind, status=200)
    yield Row("gzip", (faults.encoded(zipped, "gzip"),), SUCCESS)
    members = faults.squeeze(BODY[:9]) + faults.squeeze(BODY[9:])
    yield Row("gzip of two members", (faults.encoded(members, "gzip"),), SUCCESS)
    yield Row("padding after gzip", (faults.encoded(zipped + bytes(512), "gzip"),), SUCCESS)
    yield Row("x-gzip", (faults.encoded(zipped, "X-GZIP"),), SUCCESS)
    yield Row("identity", (faults.encoded(BODY, "identity"),), SUCCESS)
    wrong = {
        "gzip in gzip": (faults.squeeze(zipped), "gzip, gzip"),
        "gzip in gzip, named once": (faults.squeeze(zipped), "gzip"),
        "gzip cut short": (zipped[:-9], "gzip"),
        "gzip that is none": (BODY, "gzip"),
        "br": (b"\x0b\x02\x80{}\x03", "br"),
        "zstd": (b"\x28\xb5\x2f\xfd\x20\x02\x11\x00\x00{}", "zstd"),
        "deflate": (b"x", "deflate"),
    }
    for name, (body, encoding) in wrong.items():
        yield Row(name, (faults.encoded(body, encoding),), kind, status=200)
    bomb = faults.reply(503, faults.make_bomb(100), headers={"Content-Encoding": "gzip"})
    yield Row(
        "503 with a gzip bomb", (bomb,), ServiceUnavailableResponseError, 3, 503, settings=small
    )
