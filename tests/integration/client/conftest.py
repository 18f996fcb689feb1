"""What the tests of the whole client share."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from integration.client.fault_server import Fault, FaultServer

Serve = Callable[..., FaultServer]
CERTIFICATE = Path(__file__).parent / "data" / "server.pem"
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the machine's settings would change."""
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("OPENROUTER_API_KEY", "OPENROUTER_BASE_URL", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers, each with its script; all stop with the test."""
    with ExitStack() as stack:

        def start(*script: Fault, tls: ssl.SSLContext | None = None) -> FaultServer:
            return stack.enter_context(FaultServer(*script, tls=tls))

        yield start


@pytest.fixture(scope="session")
def server_tls() -> ssl.SSLContext:
    """Give the context to serve https with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@pytest.fixture(scope="session")
def client_tls() -> ssl.SSLContext:
    """Give a context that trusts those servers."""
    return ssl.create_default_context(cafile=CERTIFICATE)
