"""Addresses to listen on, and their URLs."""

import socket

import pytest
from openrouter_rerank.local import ServerStartError
from openrouter_rerank.local._server.listener import find_base_url, join_address, open_socket


def test_port_in_use_is_named() -> None:
    """An address in use is an error that names it and says what to do."""
    with open_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerStartError) as caught:
            open_socket("127.0.0.1", port)

    assert str(caught.value) == (
        f"cannot listen on 127.0.0.1:{port}: Address already in use; choose another host or port"
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "a" * 300, "::ffff:192.0.2.1"])
def test_address_of_another_machine_is_refused(host: str) -> None:
    """Another machine's address is the same kind of error."""
    with pytest.raises(ServerStartError, match="cannot listen on"):
        open_socket(host, 0)


@pytest.mark.parametrize(
    ("host", "port", "message"),
    [("", 0, "host must not be empty"), ("127.0.0.1", 65_536, "port"), ("127.0.0.1", -1, "port")],
)
def test_wrong_argument_is_refused(host: str, port: int, message: str) -> None:
    """The error names an argument out of range; an empty host never means every interface."""
    with pytest.raises(ValueError, match=message):
        open_socket(host, port)


@pytest.mark.parametrize(
    ("host", "reachable"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "localhost"),
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104  that is the case here
    ],
)
def test_url_can_be_connected_to(host: str, reachable: str) -> None:
    """The URL has the real port, and an address that a client can connect to."""
    with open_socket(host, 0) as listener:
        port = listener.getsockname()[1]
        url = find_base_url(host, listener, "/api/v1")

    assert url == f"http://{reachable}:{port}/api/v1"


def test_ipv6_address_stands_in_brackets() -> None:
    """Brackets separate an IPv6 address from its port."""
    assert join_address("::1", 80) == "[::1]:80"


def test_connections_send_at_once() -> None:
    """A reply in two parts does not wait for the client to acknowledge the first."""
    with (
        open_socket("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as connection,
    ):
        is_set = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    assert is_set
