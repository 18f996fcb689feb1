"""The table of faults, its second half: what replies say."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from integration.client import faults
from integration.client.fault_tables.row import BODY, SUCCESS, Row
from openrouter_rerank import errors
from openrouter_rerank.errors import (
    BadRequestResponseError,
    OpenRouterDefaultError,
    ResponseValidationError,
    ServiceUnavailableResponseError,
    TooManyRequestsResponseError,
)

HOURS = timedelta(hours=2)
BEHIND = timedelta(days=365)
DEEP = 20_000
ODD_STATUSES = (412, 418, 451, 499, 520, 521, 522, 523, 525, 526, 530, 599)
RETRIED_CLIENT_ERRORS = (408, 409, 429)


def odd_success_rows() -> Iterator[Row]:
    """List successes that are none."""
    kind = ResponseValidationError
    nested = b'{"a": ' + b"[" * DEEP + b"]" * DEEP + b"}"
    bodies = {
        "empty": b"",
        "HTML": faults.PAGE,
        "invalid JSON": b'{"id": ',
        "two values": b"{} {}",
        "invalid UTF-8": b'{"id": "\xff"}',
        "UTF-16": '{"id": "a"}'.encode("utf-16"),
        "NaN for a score": BODY.replace(b"1.0", b"NaN"),
        "Infinity for a score": BODY.replace(b"1.0", b"-Infinity"),
        "1e400": BODY.replace(b"1.0", b"1e400"),
        "array": b"[]",
        "null": b"null",
        "number": b"1",
        "long number": b"1" * 5000,
        "nested deep": nested,
        "empty object": b"{}",
        "object of nulls": b'{"id": null, "model": null, "results": null}',
        "results of another type": b'{"model": "m", "results": {}}',
    }
    for name, body in bodies.items():
        yield Row(f"200 with {name}", (faults.reply(200, body),), kind, status=200)
    yield Row("200 with a page", (faults.page(200),), kind, status=200)
    yield Row("200 without length", (faults.raw(faults.OK_HEAD + b'{"id'),), kind, status=200)
    yield Row("204", (faults.raw(faults.make_head(204, {})),), kind, status=204)
    yield Row("201", (faults.reply(201, BODY),), kind, status=201)
    yield Row("206", (faults.reply(206, BODY),), kind, status=206)
    unknown = OpenRouterDefaultError
    yield Row("304", (faults.raw(faults.make_head(304, {})),), unknown, status=304)
    yield Row("999", (faults.reply(999, BODY),), unknown, status=999)


def status_rows() -> Iterator[Row]:
    """List every status, each as JSON, as a page, and empty."""
    for status in sorted({*errors.STATUS_ERRORS, *ODD_STATUSES, 409}):
        kind = errors.STATUS_ERRORS.get(status, OpenRouterDefaultError)
        times = 3 if status in RETRIED_CLIENT_ERRORS or status >= 500 else 1
        forms = {
            "JSON": faults.error(status),
            "HTML": faults.page(status),
            "empty": faults.empty(status),
        }
        for form, fault in forms.items():
            yield Row(f"{status} {form}", (fault,), kind, times, status)
        if times > 1:
            yield Row(f"{status}, then none", (faults.page(status), faults.ok), SUCCESS, 2)
    odd = {
        "string": b'{"error": "no"}',
        "null": b'{"error": null}',
        "missing": b"{}",
        "array": b'{"error": []}',
        "without code": b'{"error": {"message": "no"}}',
        "of odd types": b'{"error": {"code": [], "message": 1, "metadata": 2}}',
        "nested deep": b"[" * DEEP,
        "invalid UTF-8": b'{"error": "\xff"}',
    }
    for name, body in odd.items():
        yield Row(f"error {name}", (faults.reply(400, body),), BadRequestResponseError, 1, 400)
    truncated = faults.raw(faults.make_head(400, {"Content-Length": "99"}) + b"{")
    yield Row("error cut short", (truncated,), BadRequestResponseError, 1, 400)
    details = {"error_type": "provider_unavailable", "message": "no", "http_status": 503}
    for retryable, times in ((True, 3), (False, 1)):
        said = {"error": {**details, "availability": {"code": "x", "retryable": retryable}}}
        fault = faults.json_reply(503, said)
        name = f"availability, retryable {retryable}"
        yield Row(name, (fault,), ServiceUnavailableResponseError, times, 503)


def error_in_success_rows() -> Iterator[Row]:
    """List errors that come with the status 200."""
    found: dict[str, tuple[object, type[object], int | None, int]] = {
        "code": ({"code": 429, "message": "no"}, TooManyRequestsResponseError, 429, 3),
        "string code": ({"code": "429", "message": "no"}, TooManyRequestsResponseError, 429, 3),
        "code 400": ({"code": 400, "message": "no"}, BadRequestResponseError, 400, 1),
        "code 599": ({"code": 599, "message": "no"}, OpenRouterDefaultError, 599, 3),
        "http_status": (
            {"http_status": 503, "message": "no"},
            ServiceUnavailableResponseError,
            503,
            3,
        ),
        "error_type": (
            {"error_type": "provider_overloaded"},
            errors.ProviderOverloadedResponseError,
            529,
            3,
        ),
    }
    for name, (said, kind, status, times) in found.items():
        yield Row(
            f"200 with error, {name}",
            (faults.json_reply(200, {"error": said}),),
            kind,
            times,
            status,
        )
    for said in ({"message": "no"}, "no", {}, {"code": "none"}):
        fault = faults.json_reply(200, {"error": said})
        yield Row(f"200 with error {said}", (fault,), OpenRouterDefaultError, 1, 200)
    said_429 = faults.json_reply(200, {"error": {"code": 429}})
    yield Row("200 with error 429, then none", (said_429, faults.ok), SUCCESS, 2)
    yield Row("error null beside results", (faults.answer_with(error=None),), SUCCESS)


def answer_rows() -> Iterator[Row]:
    """List answers that are odd but good, and some that are not."""
    with_result = faults.answer_with_result
    good = {
        "byte order mark": faults.answer(prefix=b"\xef\xbb\xbf"),
        "document null": with_result(document=None),
        "document absent": faults.answer_without_document(),
        "usage null": faults.answer_with(usage=None),
        "usage absent": faults.answer(lambda body: body.pop("usage")),
        "unknown fields": faults.answer_with(news={"a": [1]}),
        "unknown fields of a result": with_result(news={"a": [1]}),
        "fewer results": faults.answer(lambda body: body["results"].pop(0)),
        "no results": faults.answer_with(results=[]),
        "integer score": with_result(relevance_score=1),
        "score beyond the usual": with_result(relevance_score=-7.5),
        "NaN for a cost": faults.reply(200, BODY.replace(b"0.5", b"NaN")),
        "Infinity for a cost": faults.reply(200, BODY.replace(b"0.5", b"-Infinity")),
        "model null": faults.answer_with(model=None),
        "provider of another type": faults.answer_with(provider={"name": "p"}),
        "usage of another type": faults.answer_with(usage={"cost": "1", "search_units": 1.0}),
        "document of another type": with_result(document=5),
        "document empty": with_result(document={"text": None}),
    }
    for name, fault in good.items():
        yield Row(name, (fault,), SUCCESS)
    bad: dict[str, object] = {
        "out of range": 3,
        "negative": -1,
        "repeated": 0,
        "text": "2",
        "true": True,
        "null": None,
        "huge": 10**400,
    }
    for name, index in bad.items():
        yield Row(f"index {name}", (with_result(index=index),), ResponseValidationError, status=200)
    for score in ("0.5", None, True, 10**400):
        fault = with_result(relevance_score=score)
        yield Row(f"score {str(score)[:9]}", (fault,), ResponseValidationError, status=200)


def wait_rows() -> Iterator[Row]:
    """List what a server may say about waiting."""
    kind = TooManyRequestsResponseError
    soon = {"0": 0.0, "1": 1.0, "0.2": 0.2, "-5": 0.0, "1e309": 0.0, "soon": 0.0, "": 0.0}
    past = datetime.now(UTC) - BEHIND
    for text in (*soon, *write_dates(past)):
        fault = faults.error(429, {"Retry-After": text})
        least = soon.get(text, 0.0)
        window = (least, least + 0.9)
        yield Row(f"Retry-After {shape(text)} past", (fault, faults.ok), SUCCESS, 2, waited=window)
    for text in ("7200", "9" * 400, *write_dates(datetime.now(UTC) + HOURS)):
        fault = faults.error(429, {"Retry-After": text})
        yield Row(f"Retry-After {shape(text)} far", (fault,), kind, status=429)
    brief = faults.error(503, {"retry-after-ms": "200", "Retry-After": "7200"})
    yield Row("retry-after-ms", (brief, faults.ok), SUCCESS, 2, waited=(0.2, 1.1))
    long = faults.error(503, {"retry-after-ms": "7200000"})
    yield Row("retry-after-ms far", (long,), ServiceUnavailableResponseError, status=503)
    said = {"code": "x", "retryable": True, "retry_after": 0.2}
    told = faults.error(404, availability=said)
    yield Row("availability.retry_after", (told, faults.ok), SUCCESS, 2, waited=(0.2, 1.1))


def write_dates(when: datetime) -> tuple[str, str, str]:
    """Write a time in the three forms of RFC 9110, section 5.6.7."""
    fixed = format_datetime(when, usegmt=True)
    return fixed, when.strftime("%A, %d-%b-%y %H:%M:%S GMT"), time.asctime(when.timetuple())


def shape(text: str) -> str:
    """Return a text as a test may be named, without what changes from run to run."""
    form = next((name for sign, name in ((",", "date"), (":", "asctime")) if sign in text), "")
    return ("RFC 850 date" if "day" in text else form) or text[:9] or "empty"
