"""Reading host names, and refusing other hosts over real sockets."""

import httpx
import pytest
from integration.local.messages import BODY, read_error
from integration.local.rankers import ConstantRanker
from openrouter_rerank.local import running
from openrouter_rerank.local._requests.host_check import cut_port, normalize_host


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("localhost:8787", "localhost"),
        ("localhost", "localhost"),
        ("localhost:", "localhost"),
        ("[::1]:80", "[::1]"),
        ("[::1]", "[::1]"),
        ("a:b", "a:b"),
    ],
)
def test_port_is_cut(header: str, host: str) -> None:
    """Only a port is cut off, not a part of an address."""
    assert cut_port(header) == host


@pytest.mark.parametrize(
    ("host", "normal"),
    [
        ("LocalHost.", "localhost"),
        ("[0:0:0:0:0:0:0:1]", "::1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        (" example.com ", "example.com"),
    ],
)
def test_equal_hosts_are_written_the_same(host: str, normal: str) -> None:
    """Case, brackets, a final dot and long forms of an address make no difference."""
    assert normalize_host(host) == normal


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 421),
        ("localhost.evil.example:80", 421),
        ("127.0.0.2", 421),
        ("", 421),
        ("localhost:1", 200),
        ("LOCALHOST.", 200),
        ("127.0.0.1", 200),
        ("[::1]:8787", 200),
        ("rerank.internal", 200),
    ],
)
def test_other_host_gets_421(host: str, status: int) -> None:
    """Only the server's own names, and those it was given, are answered."""
    with running(ConstantRanker(), allowed_hosts=["rerank.internal"]) as url:
        reply = httpx.post(f"{url}/rerank", json=BODY, headers={"Host": host})

    assert reply.status_code == status
    if status == 421:
        read_error(reply)


def test_address_of_the_connection_is_own() -> None:
    """A server on every interface answers for the address that a connection came in on."""
    with running(ConstantRanker(), host="0.0.0.0") as url:  # noqa: S104  that is the case here
        port = httpx.URL(url).port
        reply = httpx.post(f"http://127.0.0.2:{port}/api/v1/rerank", json=BODY)

    assert reply.status_code == 200
