"""What a connection needs and lacks is named, at construction where it can be."""

import ssl
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import httpx
import pytest
from integration.client import faults
from integration.client.calling import ALL_MODES, KEY, ONCE, call_once, call_times
from integration.client.conftest import Serve
from integration.client.fault_server import Exchange, PeerGoneError, closed_port
from integration.client.fault_tables.row import SUCCESS
from openrouter_rerank import HooksTransport, OpenRouter
from openrouter_rerank.errors import ConnectionFailedError

PASSWORD = "pr0xy-pa55word"
HTTPS = "https://127.0.0.1:9/api/v1"
MAKERS: list[Any] = [OpenRouter, HooksTransport]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_missing_certificates_are_named_at_construction(
    make: Any, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable and the file are in the message, and another try cannot help."""
    missing = str(tmp_path / "missing")
    monkeypatch.setenv(variable, missing)

    with pytest.raises(ConnectionFailedError, match=f"{variable}: cannot use {missing}") as caught:
        make(KEY, server_url=HTTPS)
    assert caught.value.is_permanent


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_bad_certificates_are_named_at_the_call(
    mode: str, content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that has gone or holds no certificate ends the call at its first attempt."""
    file = tmp_path / "certificates.pem"
    file.write_bytes(content or b"")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    settings: dict[str, Any] = {}
    if content is None:
        # With a client of the caller's for one half, the other half is not checked before.
        file.unlink()
        other = "client" if mode != "sync" else "async_client"
        kind = httpx.Client if mode != "sync" else httpx.AsyncClient
        settings[other] = kind(verify=ssl.create_default_context())

    outcome = call_once(mode, HTTPS, **settings)

    assert outcome.kind is ConnectionFailedError
    assert outcome.error is not None
    assert f"SSL_CERT_FILE: cannot use {file}" in str(outcome.error)
    assert outcome.error.attempts == 1


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_certificates_that_are_there_are_taken(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are not read before the first connection, and none is needed for plain http."""
    place = tmp_path / "certificates"
    place.mkdir() if variable == "SSL_CERT_DIR" else place.touch()
    monkeypatch.setenv(variable, str(place))
    OpenRouter(KEY, server_url=HTTPS).close()
    monkeypatch.setenv(variable, str(tmp_path / "missing"))

    OpenRouter(KEY, server_url="http://127.0.0.1:9").close()
    OpenRouter(KEY, server_url=HTTPS, verify=False).close()
    OpenRouter(KEY, server_url=HTTPS, transport=httpx.MockTransport(lambda _: httpx.Response(200)))


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("is_given", [True, False], ids=["argument", "variable"])
def test_missing_package_for_socks_is_named(
    make: Any, is_given: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A SOCKS proxy without its package is refused at construction, without its password."""
    monkeypatch.setitem(sys.modules, "socksio", None)
    proxy = f"socks5://user:{PASSWORD}@127.0.0.1:1080"
    if not is_given:
        monkeypatch.setenv("ALL_PROXY", proxy)

    with pytest.raises(ConnectionFailedError, match=r"socks5://127\.0\.0\.1:1080 .*socksio") as got:
        make(KEY, server_url=HTTPS, **({"proxy": proxy} if is_given else {}))
    shown = traceback.TracebackException.from_exception(got.value, capture_locals=True)
    ours = [frame for frame in shown.stack if "/openrouter_rerank/" in frame.filename]
    assert PASSWORD not in str(got.value)
    assert PASSWORD not in repr([frame.locals for frame in ours])


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    ("name", "value"),
    [("verify", 1), ("verify", "ca.pem"), ("verify", None), ("proxy", 1), ("proxy", ["http://h"])],
)
def test_wrong_type_is_refused_at_construction(make: Any, name: str, value: object) -> None:
    """Neither waits for the first call."""
    with pytest.raises(TypeError, match=f"{name}: expected"):
        make(KEY, **{name: value})


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("proxy", [f"user:{PASSWORD}@h:3128", f"http://user:{PASSWORD}/@h"])
def test_password_of_a_refused_proxy_stays_secret(make: Any, proxy: str) -> None:
    """A proxy without a scheme is refused, and its password is neither shown nor kept by us."""
    with pytest.raises(ValueError, match="proxy: expected a URL") as caught:
        make(KEY, proxy=proxy)
    require_secret(caught.value)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("proxy", [f"user:{PASSWORD}/more@h:3128", f"ftp://user:{PASSWORD}@h"])
def test_wrong_proxy_of_the_environment_is_refused_at_construction(
    make: Any, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a wrong argument is, by the variable's name and without its value."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)

    with pytest.raises(ValueError, match="HTTPS_PROXY: expected a URL") as caught:
        make(KEY, server_url=HTTPS.replace("127.0.0.1", "api.invalid"))
    require_secret(caught.value)


def require_secret(error: ValueError) -> None:
    """Require that neither an error nor what our frames keep holds the proxy's password."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [frame for frame in shown.stack if "/openrouter_rerank/" in frame.filename]
    assert PASSWORD not in str(error)
    assert PASSWORD not in repr([frame.locals for frame in ours])


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_dead_host_is_named(mode: str, host: str) -> None:
    """The message says which host and port could not be reached."""
    with closed_port() as port:
        outcome = call_once(mode, f"http://{host}:{port}/api/v1", retry_config=ONCE)

    assert f"could not connect to {host}:{port}: " in str(outcome.error)


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("scheme", ["http", "https", "socks5"])
@pytest.mark.parametrize("target", ["http", "https"])
def test_dead_proxy_is_named(mode: str, scheme: str, target: str) -> None:
    """The message says which proxy could not be reached, without its user and password."""
    with closed_port() as port:
        proxy = f"{scheme}://user:{PASSWORD}@127.0.0.1:{port}"
        outcome = call_once(mode, f"{target}://api.invalid/v1", proxy=proxy, retry_config=ONCE)

    number = {"http": 80, "https": 443}[target]
    through = f"could not connect to api.invalid:{number} through the proxy "
    assert f"{through}{scheme}://127.0.0.1:{port}: " in str(outcome.error)
    assert PASSWORD not in repr(outcome.error)


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("answer", [b"\x05\xff", b"\x04\x00", b"\x05\x00\x05\x01" + bytes(8), b""])
def test_failed_handshake_with_a_socks_proxy_leaves_nothing_open(
    mode: str, answer: bytes, serve: Serve
) -> None:
    """When a SOCKS proxy refuses or leaves, its socket is closed with the attempt."""

    def refuse(exchange: Exchange) -> None:
        exchange.sip(3, 0)
        exchange.send(answer[:2])
        if answer[2:]:
            exchange.sip(1000, 0)
            exchange.send(answer[2:])
        if not answer:
            raise PeerGoneError
        # Open until the client leaves.
        exchange.pause()

    server = serve(faults.ok)
    server.read = refuse
    proxy = server.origin.replace("http", "socks5")
    drained: list[bool] = []

    (outcome,) = call_times(
        mode,
        "http://api.invalid/api/v1",
        1,
        lambda: drained.append(server.wait_for_open(0)),
        proxy=proxy,
        retry_config=ONCE,
        timeout=5,
    )

    assert outcome.kind is not SUCCESS
    assert drained == [True]


# anyio imports a part of itself for each name that is looked up.
FIRST_CALL = """
import sys
from openrouter_rerank import OpenRouter
with OpenRouter("key", server_url={url!r}) as client:
    client.rerank.rerank(documents=["a"], model="m", query="q")
heavy = {{"anyio._core._eventloop", "anyio._core._tasks", "anyio.to_thread", "typing_extensions"}}
heavy.add("asyncio")
print(sorted(heavy & set(sys.modules)))
"""


def test_first_blocking_call_imports_nothing_of_async_ones(serve: Serve) -> None:
    """What only async calls and rankers in this process need takes no time of it."""
    program = FIRST_CALL.format(url=serve(faults.ok).url)

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.stdout, done.stderr) == ("[]\n", "")
