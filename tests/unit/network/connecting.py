"""Connections of which a test holds both ends."""

import contextlib
import socket
import ssl
from collections.abc import Generator
from contextlib import contextmanager

import httpcore
from openrouter_rerank._network.deadline import Attempt, current_attempt
from openrouter_rerank._network.streams import (
    Backend,
)

FAR_SECONDS = 30.0


@contextmanager
def under(attempt: Attempt | None) -> Generator[Attempt]:
    """Make an attempt the current one."""
    token = current_attempt.set(attempt)
    try:
        yield attempt or Attempt(None)
    finally:
        current_attempt.reset(token)


@contextmanager
def connect(listener: socket.socket) -> Generator[tuple[httpcore.NetworkStream, socket.socket]]:
    """Open a connection and give both of its ends."""
    stream = Backend().connect_tcp("127.0.0.1", read_port(listener), timeout=FAR_SECONDS)
    peer, _ = listener.accept()
    with peer:
        yield stream, peer
        stream.close()


def read_port(listener: socket.socket) -> int:
    """Return the port that is listened on."""
    return int(listener.getsockname()[1])


def make_context(side: int) -> ssl.SSLContext:
    """Make a TLS context that needs no certificate (RFC 5246, appendix F.1.1.1)."""
    context = ssl.SSLContext(side)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("aNULL:@SECLEVEL=0")
    return context


def make_tls_pair() -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Make both ends of a TLS connection in memory, the client's first."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = make_context(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(to_client, to_server)
    server = make_context(ssl.PROTOCOL_TLS_SERVER).wrap_bio(to_server, to_client, server_side=True)
    for side in [client, server, client, server]:
        with contextlib.suppress(ssl.SSLWantReadError):
            side.do_handshake()
    return client, server


def echo_over_tls(peer: socket.socket) -> None:
    """Answer one message over TLS with the same."""
    with make_context(ssl.PROTOCOL_TLS_SERVER).wrap_socket(peer, server_side=True) as secure:
        secure.sendall(secure.recv(100))
