"""Reading host names."""

import pytest
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
def test_equal_hosts_are_written_alike(host: str, normal: str) -> None:
    """Case, brackets, a final dot and long forms of an address make no difference."""
    assert normalize_host(host) == normal
