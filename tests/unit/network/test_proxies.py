"""Which proxy is used for a server, and which entries of NO_PROXY lead past it."""

import httpx
import pytest
from openrouter_rerank._network.proxies import find_proxy, name_proxy, read_proxy
from openrouter_rerank._network.setup import SetupError

PROXY = "http://proxy.example:3128"
PASSWORD = "pa55word"


@pytest.fixture(autouse=True)
def proxied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name a proxy for all servers."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("ALL_PROXY", PROXY)


@pytest.mark.parametrize(
    ("url", "no_proxy"),
    [
        ("http://[::1]:8000", "::1"),
        ("http://[::1]", "[::1]"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("http://[::1]", "localhost, 0:0:0:0:0:0:0:1 ,10.0.0.1"),
        ("http://[fe80::1]", "fe80::/10"),
        ("http://127.0.0.1:8000", "127.0.0.1"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://10.1.2.3", "10.0.0.0/8"),
        ("http://127.0.0.1:80", "127.0.0.1:80"),
        ("https://a.example", "https://a.example"),
        ("https://a.example", "https://a.example:443/"),
        ("https://a.example", "all://a.example"),
        ("https://b.a.example", "https://*.a.example"),
        ("https://b.a.example", "https://*a.example"),
        ("https://a.example", "https://*a.example"),
        ("https://a.example", "HTTPS://A.example"),
        ("https://a.example", "https://*"),
        ("https://a.example", "https://"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://10.1.2.3", "https://10.1.2.3"),
        ("https://a.example", "a.example"),
        ("https://b.a.example", "a.example"),
        ("https://b.a.example", ".a.example"),
        ("https://a.example", "*"),
    ],
)
def test_no_proxy_leads_past_the_proxy(
    url: str, no_proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address in any form, a network, an origin and a domain are reached directly."""
    monkeypatch.setenv("NO_PROXY", no_proxy)

    assert find_proxy(httpx.URL(url)) is None


@pytest.mark.parametrize(
    ("url", "no_proxy"),
    [
        ("http://[::1]:8000", ""),
        ("http://[::1]:8000", "::2"),
        ("http://[::1]:8000", "[::1]:8001"),
        ("http://10.1.2.3", "10.1.2.4"),
        ("http://10.1.2.3", "11.0.0.0/8"),
        ("http://127.0.0.1:8000", "127.0.0.1:80"),
        ("https://a.example", "http://a.example"),
        ("https://a.example", "http://"),
        ("https://a.example", "https://a.example:444"),
        ("https://b.a.example", "https://a.example"),
        ("https://a.example", "https://*.a.example"),
        ("https://ba.example", "https://*a.example"),
        ("https://a.example", "https://b.example"),
        ("https://a.example", "b.example"),
        ("https://a.example", "[::1"),
    ],
)
def test_other_servers_are_reached_through_the_proxy(
    url: str, no_proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What NO_PROXY does not name goes through the proxy."""
    monkeypatch.setenv("NO_PROXY", no_proxy)

    proxy = find_proxy(httpx.URL(url))

    assert proxy is not None
    assert name_proxy(proxy) == PROXY


@pytest.mark.parametrize(
    "given",
    [
        f"user:{PASSWORD}@h:3128",
        f"ftp://user:{PASSWORD}@h:3128",
        f"http://user:{PASSWORD}/more@h:3128",
        f"http://user:{PASSWORD}@",
        f"http://user:{PASSWORD}@h:port",
        "",
    ],
)
def test_proxy_that_is_refused_stays_secret(given: str) -> None:
    """A URL that cannot be used may hold a password, so nothing of it is in the message."""
    with pytest.raises(ValueError, match=r"proxy: expected a URL such as") as caught:
        read_proxy(given, "proxy")

    assert PASSWORD not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("given", [f"user:{PASSWORD}/more@h:3128", f"ftp://user:{PASSWORD}@h"])
def test_proxy_of_the_environment_is_named(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment says wrong is told by the variable, without its value."""
    monkeypatch.setenv("HTTPS_PROXY", given)

    with pytest.raises(SetupError, match="HTTPS_PROXY: expected a URL") as caught:
        find_proxy(httpx.URL("https://h"))
    assert PASSWORD not in str(caught.value)


def test_proxy_without_a_scheme_may_stand_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As with curl and httpx, it speaks HTTP then."""
    monkeypatch.setenv("HTTPS_PROXY", f"user:{PASSWORD}@[::1]:3128")

    proxy = find_proxy(httpx.URL("https://h"))

    assert proxy is not None
    assert (name_proxy(proxy), proxy.auth) == ("http://[::1]:3128", ("user", PASSWORD))


def test_proxy_of_httpx_is_taken_as_it_is() -> None:
    """A proxy with headers or a TLS context of its own keeps them."""
    proxy = httpx.Proxy("socks5://h")

    assert read_proxy(proxy, "proxy") is proxy
    assert name_proxy(proxy) == "socks5://h:1080"
