"""Reading bodies within limits, over real sockets."""

import json
import logging
import socket
from http.client import HTTPResponse

import httpx
import pytest
from integration.local.messages import BODY, JSON, read_error
from integration.local.rankers import ConstantRanker
from openrouter_rerank.local import create_app, running


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_wrong_content_type_gets_400(http: httpx.Client, content_type: str) -> None:
    """A body that does not claim to be JSON is refused."""
    reply = http.post("rerank", content=json.dumps(BODY), headers={"Content-Type": content_type})

    assert reply.status_code == 400
    assert read_error(reply)["message"] == "Content-Type: must be application/json"


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_content_type_may_have_parameters(http: httpx.Client, content_type: str) -> None:
    """Parameters and letter case of the content type do not matter."""
    reply = http.post("rerank", content=json.dumps(BODY), headers={"Content-Type": content_type})

    assert reply.status_code == 200


def test_large_body_gets_413_by_its_declared_length() -> None:
    """A body that declares too many bytes is refused before it is sent."""
    head = b"POST /api/v1/rerank HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

    with running(app=create_app(ConstantRanker(), max_body_bytes=1000)) as url:
        address = (httpx.URL(url).host, httpx.URL(url).port or 0)
        with socket.create_connection(address, timeout=10) as connection:
            connection.sendall(head + b"Content-Length: 1001\r\n\r\n")
            reply = HTTPResponse(connection)
            reply.begin()
            content = reply.read()

    assert reply.status == 413
    assert b"body: larger than 1000 bytes" in content


def test_large_body_gets_413_while_it_is_read() -> None:
    """A body without a declared length is read no further than the limit."""
    with running(app=create_app(ConstantRanker(), max_body_bytes=1000)) as url:
        reply = httpx.post(f"{url}/rerank", content=iter([b"x" * 600] * 2), headers=JSON)

    assert reply.status_code == 413
    assert read_error(reply)["metadata"] == {"error_type": "payload_too_large"}


def test_body_of_exactly_the_limit_is_read() -> None:
    """The limit itself is allowed."""
    content = json.dumps(BODY).encode()

    with running(app=create_app(ConstantRanker(), max_body_bytes=len(content))) as url:
        reply = httpx.post(f"{url}/rerank", content=content, headers=JSON)

    assert reply.status_code == 200


def test_client_that_leaves_within_its_body_does_no_harm(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The server drops half a request without a log line, and continues."""
    head = b"POST /api/v1/rerank HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

    with caplog.at_level(logging.WARNING), running(ConstantRanker()) as url:
        address = (httpx.URL(url).host, httpx.URL(url).port or 0)
        with socket.create_connection(address, timeout=10) as connection:
            connection.sendall(head + b'Content-Length: 100\r\n\r\n{"model"')
        reply = httpx.post(f"{url}/rerank", json=BODY)

    assert reply.status_code == 200
    assert not caplog.records
