"""Errors on demand, over real sockets."""

import json
from importlib import resources
from typing import Any

import httpx
import pytest
from integration.local.messages import BODY
from openrouter_rerank.local import Faults, MiniLMRanker, running


def read_examples() -> dict[int, Any]:
    """Return the contract's example of each error that it declares."""
    file = resources.files("openrouter_rerank_api").joinpath("openapi.json")
    responses = json.loads(file.read_text(encoding="utf-8"))["paths"]["/rerank"]["post"][
        "responses"
    ]
    return {
        int(status): response["content"]["application/json"]["example"]
        for status, response in responses.items()
        if int(status) >= 400
    }


EXAMPLES = read_examples()


def prefer(http: httpx.Client, *values: str) -> httpx.Response:
    """Send a request with `Prefer`."""
    return http.post("rerank", json=BODY, headers=[("Prefer", value) for value in values])


@pytest.mark.parametrize("status", sorted(EXAMPLES.keys() - {524}))
def test_declared_error_is_the_contracts_example(http: httpx.Client, status: int) -> None:
    """`Prefer: code=...` gets the status, with its example as the body."""
    reply = prefer(http, f"code={status}")

    assert (reply.status_code, reply.json()) == (status, EXAMPLES[status])
    assert reply.headers["Preference-Applied"] == f"code={status}"
    assert reply.headers["X-Generation-Id"].startswith("gen-rerank-")
    assert ("Retry-After" in reply.headers) is (status in {429, 503})


@pytest.mark.parametrize("status", [418, 499, 530, 599])
def test_undeclared_error_has_the_contracts_shape(http: httpx.Client, status: int) -> None:
    """Any other error has its status as code, and a message."""
    reply = prefer(http, f"code={status}")

    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (status, status)
    assert error["message"]


@pytest.mark.parametrize("status", range(520, 527))
def test_cloudflares_errors_are_pages(http: httpx.Client, status: int) -> None:
    """From 520 to 526 the body is an HTML page."""
    reply = prefer(http, f"code={status}")

    assert reply.status_code == status
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert reply.text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    "value", ["code=200", "code=204", "code=302", "code=600", "code=x", "code", "wait=429", ""]
)
def test_preference_that_is_no_error_is_ignored(http: httpx.Client, value: str) -> None:
    """200 and what is no error get the normal answer (RFC 7240, section 2)."""
    reply = prefer(http, value)

    assert (reply.status_code, len(reply.json()["results"])) == (200, 2)
    assert "Preference-Applied" not in reply.headers


@pytest.mark.parametrize(("retry_after", "expected"), [(None, "2"), (0, "0"), (7, "7")])
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_as_asked_for(
    ranker: MiniLMRanker, status: int, retry_after: int | None, expected: str
) -> None:
    """`Retry-After` has the given seconds, or the contract's example."""
    with running(ranker, faults=Faults([status], retry_after=retry_after)) as url:
        reply = httpx.post(f"{url}/rerank", json=BODY)

    assert reply.status_code == status
    assert reply.headers["Retry-After"] == expected
    assert "retry-after-ms" not in reply.headers
