"""Certificates, proxies, and uploads that get stuck."""

import contextlib
import gc
import socket
import ssl
import sys
import time
from collections.abc import Generator
from typing import Any

import httpx
import pytest
from integration.client import faults
from integration.client.calling import ALL_MODES, KEY, MODES, ONCE, call_once
from integration.client.conftest import CERTIFICATE, Serve
from integration.client.fault_server import Exchange, FaultServer, closed_port
from integration.client.fault_tables.row import SUCCESS
from openrouter_rerank.errors import ConnectionFailedError, DeadlineExceededError

PASSWORD = "pr0xy-pa55word"


@pytest.mark.parametrize("mode", MODES)
def test_bad_certificate_is_not_retried(
    mode: str, serve: Serve, server_tls: ssl.SSLContext
) -> None:
    """A certificate that nobody trusts ends the call at the first attempt, with nothing sent."""
    server = serve(faults.ok, tls=server_tls)

    outcome = call_once(mode, server.url)

    assert outcome.kind is ConnectionFailedError
    assert outcome.error is not None
    assert outcome.error.attempts == 1
    assert (server.opened, server.requests) == (1, [])


@pytest.mark.parametrize("mode", MODES)
def test_certificate_for_another_name_is_not_retried(
    mode: str, serve: Serve, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """A trusted certificate of another host ends the call at the first attempt."""
    server = serve(faults.ok, tls=server_tls)

    outcome = call_once(mode, server.url.replace("127.0.0.1", "localhost"), verify=client_tls)

    assert outcome.kind is ConnectionFailedError
    assert outcome.error is not None
    assert outcome.error.attempts == 1
    assert server.requests == []


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_client_certificate_that_is_missing_is_not_retried(
    mode: str, version: ssl.TLSVersion, serve: Serve, client_tls: ssl.SSLContext
) -> None:
    """A server that wants a certificate and gets none says so by an alert, which is passed on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    context.load_verify_locations(CERTIFICATE)
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = version
    server = serve(faults.ok, tls=context)

    outcome = call_once(mode, server.url, verify=client_tls)

    assert outcome.kind is ConnectionFailedError
    assert outcome.error is not None
    assert "alert" in str(outcome.error)
    assert (outcome.error.attempts, server.opened, server.requests) == (1, 1, [])


@pytest.mark.parametrize("mode", ["sync", "trio"])
def test_alert_in_the_middle_of_an_upload_is_not_retried(
    mode: str, serve: Serve, client_tls: ssl.SSLContext
) -> None:
    """The alert is heard while a large request is written, too."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    context.load_verify_locations(CERTIFICATE)
    context.verify_mode = ssl.CERT_REQUIRED
    server = serve(faults.ok, tls=context)

    outcome = call_once(mode, server.url, verify=client_tls, query="x" * 16_000_000)

    assert outcome.kind is ConnectionFailedError
    assert (outcome.error and outcome.error.attempts, server.opened) == (1, 1)


@pytest.mark.parametrize("mode", MODES)
def test_certificate_file_is_honoured(
    mode: str, serve: Serve, server_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `SSL_CERT_FILE` names is trusted."""
    server = serve(faults.ok, tls=server_tls)
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))

    outcome = call_once(mode, server.url)

    assert outcome.kind is SUCCESS


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("way", ["server", "https proxy", "server behind an https proxy"])
def test_context_of_the_caller_is_left_as_it_is(
    mode: str, way: str, serve: Serve, server_tls: ssl.SSLContext
) -> None:
    """After a call, a caller's TLS context still offers the protocols that it did."""
    contexts = [ssl.create_default_context(cafile=CERTIFICATE) for _ in range(2)]
    for context in contexts:
        context.set_alpn_protocols(["own"])
    server = serve(faults.ok, tls=server_tls)
    settings: dict[str, Any] = {"verify": contexts[0], "retry_config": ONCE}
    if way != "server":
        settings["proxy"] = httpx.Proxy(server.origin, ssl_context=contexts[1])
    url = "http://api.invalid/api/v1" if way == "https proxy" else server.url

    outcome = call_once(mode, url, **settings)

    # The server is no proxy that opens tunnels; by then the context has served its connection.
    expected = ConnectionFailedError if way == "server behind an https proxy" else SUCCESS
    assert outcome.kind is expected
    assert [shake_hands(context) for context in contexts] == ["own", "own"]


def shake_hands(context: ssl.SSLContext) -> str | None:
    """Return the protocol that a server chooses which knows the protocol "own"."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(CERTIFICATE)
    server_context.set_alpn_protocols(["own"])
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        with contextlib.suppress(ssl.SSLWantReadError):
            side.do_handshake()
    return client.selected_alpn_protocol()


@pytest.mark.parametrize("mode", MODES)
def test_deadline_holds_through_a_socks_proxy(mode: str) -> None:
    """A body that trickles through a SOCKS proxy is stopped by the deadline."""
    trickle = faults.trickle(faults.LONG_HEAD, b" ", 0.05)
    with FaultServer(trickle, read=faults.accept_socks) as proxy:
        address = proxy.origin.replace("http", "socks5")
        outcome = call_once(mode, "http://api.invalid/api/v1", deadline_ms=300, proxy=address)

        assert outcome.kind is DeadlineExceededError
        assert proxy.wait_for_open(0)


@pytest.mark.parametrize("mode", MODES)
def test_deadline_holds_inside_tls(
    mode: str, serve: Serve, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """A body that trickles through https is stopped by the deadline."""
    server = serve(faults.trickle(faults.LONG_HEAD, b" ", 0.05), tls=server_tls)

    outcome = call_once(mode, server.url, verify=client_tls, deadline_ms=300)

    assert outcome.kind is DeadlineExceededError
    assert server.wait_for_open(0)


@pytest.mark.parametrize("mode", MODES)
def test_deadline_holds_inside_the_handshake(mode: str, serve: Serve) -> None:
    """A server that never answers the handshake is given up at the deadline."""
    with FaultServer(faults.stall, read=lambda exchange: exchange.sip(0, 600)) as server:
        url = server.url.replace("http:", "https:")
        outcome = call_once(mode, url, deadline_ms=300)
        # A connection that is left open is a warning when it is collected, and warnings are errors.
        gc.collect()

    assert outcome.kind is DeadlineExceededError


@pytest.mark.parametrize("mode", MODES)
def test_refusing_proxy_is_a_failed_connection(
    mode: str, serve: Serve, server_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When no proxy listens, nothing is sent, and the error does not hold its password."""
    server = serve(faults.ok, tls=server_tls)
    with closed_port() as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:{PASSWORD}@127.0.0.1:{port}")
        outcome = call_once(mode, server.url)

    assert outcome.kind is ConnectionFailedError
    assert outcome.error is not None
    assert outcome.error.attempts == 3
    assert PASSWORD not in repr(outcome.error)
    assert server.opened == 0


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("status", [403, 407, 502])
def test_proxy_that_opens_no_tunnel_is_a_failed_connection(
    mode: str, status: int, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy's own error is not one of the API, and the key never reaches the proxy."""
    proxy = serve(faults.page(status))
    monkeypatch.setenv("HTTPS_PROXY", proxy.origin)

    outcome = call_once(mode, "https://127.0.0.1:9/api/v1")

    assert outcome.kind is ConnectionFailedError
    assert {request.method for request in proxy.requests} == {"CONNECT"}
    assert KEY not in repr(proxy.requests)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scope", ["127.0.0.1", "*", "127.0.0.1:{port}"])
def test_no_proxy_is_respected(
    mode: str, scope: str, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that `NO_PROXY` names is asked directly."""
    server = serve(faults.ok)
    proxy = serve(faults.page(502))
    monkeypatch.setenv("HTTP_PROXY", proxy.origin)
    monkeypatch.setenv("NO_PROXY", scope.format(port=server.url.split(":")[2].split("/")[0]))

    outcome = call_once(mode, server.url)

    assert outcome.kind is SUCCESS
    assert proxy.opened == 0


@pytest.mark.parametrize("mode", MODES)
def test_proxy_carries_plain_http(mode: str, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that `HTTP_PROXY` names gets the request with its whole address."""
    proxy = serve(faults.ok)
    monkeypatch.setenv("HTTP_PROXY", proxy.origin)

    outcome = call_once(mode, "http://rerank.invalid/api/v1")

    assert outcome.kind is SUCCESS
    assert proxy.requests[0].target == "http://rerank.invalid/api/v1/rerank"


def read_slowly(exchange: Exchange) -> None:
    """Take an upload in at a rate that would keep a client busy for a minute."""
    while True:
        exchange.sip(200_000, 0.05)


@pytest.mark.parametrize("mode", MODES)
def test_deadline_holds_inside_an_upload(mode: str) -> None:
    """A server that reads the request slowly is given up at the deadline."""
    with FaultServer(read=read_slowly) as server:
        outcome = call_once(
            mode, server.url, deadline_ms=300, query="x" * 30_000_000, retry_config=ONCE
        )

    assert outcome.kind is DeadlineExceededError
    assert server.requests == []


@contextlib.contextmanager
def swallow(address: str, port: int = 0) -> Generator[int]:
    """
    Have an address of this machine swallow what wants to connect, by a full backlog.

    It gives the port, which the system chooses for 0.
    """
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((address, port))
        port = listener.getsockname()[1]
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex((address, port))
        yield port


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse, or have no 127.0.0.2")
@pytest.mark.parametrize("mode", ALL_MODES)
def test_address_that_swallows_packets_is_passed_over(
    mode: str, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next address is tried in time, not when the deadline has passed."""
    server = serve(faults.ok)
    port = int(server.origin.rpartition(":")[2])
    resolve = socket.getaddrinfo

    def find(host: Any, *arguments: Any, **options: Any) -> Any:
        if host not in {"api.test", b"api.test"}:
            return resolve(host, *arguments, **options)
        return [
            found
            for address in ("127.0.0.2", "127.0.0.1")
            for found in resolve(address, *arguments, **options)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", find)
    with swallow("127.0.0.2", port):
        outcome = call_once(
            mode, f"http://api.test:{port}/api/v1", timeout=60, deadline_ms=3000, retry_config=ONCE
        )

    assert outcome.kind is SUCCESS
    assert server.opened == 1


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse, or have no 127.0.0.2")
@pytest.mark.parametrize("via", ["direct", "proxy"])
@pytest.mark.parametrize("mode", ALL_MODES)
def test_dead_addresses_share_the_deadline(
    mode: str, via: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three addresses that swallow packets, of a server or a proxy, take no longer than one."""
    addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    resolve = socket.getaddrinfo

    def find(host: Any, *arguments: Any, **options: Any) -> Any:
        if host not in {"dead.test", b"dead.test"}:
            return resolve(host, *arguments, **options)
        return [found for each in addresses for found in resolve(each, *arguments, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", find)
    with contextlib.ExitStack() as stack:
        port = 0
        for address in addresses:
            port = stack.enter_context(swallow(address, port))
        dead = f"http://dead.test:{port}"
        url, settings = (dead, {}) if via == "direct" else ("http://api.test", {"proxy": dead})
        began = time.monotonic()
        outcome = call_once(
            mode, f"{url}/api/v1", deadline_ms=300, timeout=60, retry_config=ONCE, **settings
        )

    assert outcome.kind is DeadlineExceededError
    # One after the other they would take 0.9 s.
    assert time.monotonic() - began < 0.8
