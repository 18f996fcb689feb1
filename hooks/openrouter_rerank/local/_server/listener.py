"""The address that the embedded server listens on, and the one to reach it by."""

import os
import socket
from ipaddress import ip_address

from openrouter_rerank.local._errors import ServerStartError

MAX_PORT = 65_535
BACKLOG = 1024
"""Connections that wait to be accepted; the system may have a lower limit."""


def open_socket(host: str, port: int) -> socket.socket:
    """
    Listen on `host` and `port`.

    Args:
        host: A host name or an IPv4 or IPv6 address of this machine, without brackets.
        port: 0 has the system choose a free port.

    Raises:
        ValueError: `host` is empty, which would mean every interface, or `port` is out of range.
        ServerStartError: The address is in use, unknown or not allowed.
    """
    if not host:
        raise ValueError("host must not be empty; 0.0.0.0 means every interface")
    if not 0 <= port <= MAX_PORT:
        raise ValueError(f"port must be from 0 to {MAX_PORT}, not {port}")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, address = found[0]
        # One family only: otherwise an IPv6 socket takes IPv4 connections too on some systems.
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)  # type: ignore[arg-type,unused-ignore]
    except (OSError, UnicodeError) as error:
        raise ServerStartError(
            f"cannot listen on {join_address(host, port)}: {_find_reason(error)}; "
            "choose another host or port"
        ) from error
    # asyncio sets it only on sockets that name their protocol, which this listener's don't. Without
    # it a reply waits for the client to acknowledge its head, about 40 ms (RFC 1122, 4.2.3.2).
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def find_base_url(host: str, listener: socket.socket, path: str) -> str:
    """Write the URL under which a client on this machine reaches `listener`."""
    port: int = listener.getsockname()[1]
    return f"http://{join_address(_find_reachable(host), port)}{path}"


def join_address(host: str, port: int) -> str:
    """Join host and port, an IPv6 address in brackets (RFC 3986, section 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _find_reason(error: OSError | UnicodeError) -> str:
    if isinstance(error, UnicodeError):
        return "not a valid host name"
    if isinstance(error, socket.gaierror) or error.errno is None:
        return error.strerror or str(error)
    # error.strerror repeats the address, as a tuple, since it comes from create_server().
    return os.strerror(error.errno)


def _find_reachable(host: str) -> str:
    """Replace the address that stands for every interface, which no client can connect to."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "::1"
    return host
