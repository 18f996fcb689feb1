"""Which proxy leads to a server, if any, by the caller's argument or the environment."""

import importlib.util
import ipaddress
import urllib.request
from typing import Any

import httpx

from .auth import DEFAULT_PORTS
from .httpx2_types import is_httpx2
from .setup import SetupError, SetupValueError

EXAMPLE = "http://proxy.example:3128"
SCHEMES = ("http", "https", "socks5", "socks5h")


def read_proxy(proxy: object, name: str) -> httpx.Proxy:
    """
    Return a proxy that was given as a URL or as a proxy of httpx or httpx2.

    Args:
        proxy: What was given.
        name: The argument or variable, for the message.

    Raises:
        TypeError: It is something else.
        ValueError: The URL cannot be used. Nothing of it is in the message: it may hold a
            password.
    """
    if isinstance(proxy, httpx.Proxy):
        return proxy
    if is_httpx2(proxy, "Proxy"):
        return convert_proxy(proxy)
    if is_httpx2(proxy, "URL"):
        proxy = str(proxy)
    if not isinstance(proxy, str | httpx.URL):
        raise TypeError(f"{name}: expected str or httpx.Proxy, got {type(proxy).__name__}")
    try:
        url = httpx.URL(proxy)
    except httpx.InvalidURL:
        url = httpx.URL("")
    del proxy
    if url.scheme not in SCHEMES or not url.host:
        raise ValueError(f"{name}: expected a URL such as {EXAMPLE}, or with {', '.join(SCHEMES)}")
    return httpx.Proxy(url)


def convert_proxy(proxy: Any) -> httpx.Proxy:
    """Return a proxy of httpx2 as one of httpx."""
    return httpx.Proxy(
        str(proxy.url),
        auth=proxy.auth,
        headers=proxy.headers.raw,
        ssl_context=proxy.ssl_context,
    )


def find_proxy(url: httpx.URL) -> httpx.Proxy | None:
    """
    Return the proxy that the environment names for a URL, as `NO_PROXY` allows.

    Raises:
        SetupError: The environment names a proxy that cannot be used.
    """
    proxies = urllib.request.getproxies()
    name = url.scheme if proxies.get(url.scheme) else "all"
    found = proxies.get(name)
    if not found or is_excluded(url, proxies.get("no", "")):
        return None
    # The system's own settings, where there are some, and the names of domains.
    if urllib.request.proxy_bypass(url.netloc.decode("ascii")):
        return None
    try:
        return read_proxy(found if "://" in found else f"http://{found}", f"{name.upper()}_PROXY")
    except ValueError as error:
        raise SetupValueError(str(error)) from None


def is_excluded(url: httpx.URL, no_proxy: str) -> bool:
    """
    Return whether `NO_PROXY` names a URL's server by its address, its network or its origin.

    Domains are left to urllib. As in httpx, an entry may be an IPv6 address with or without
    brackets, or begin with a scheme, which then has to be the URL's. Unlike there, a network such
    as 10.0.0.0/8 covers its addresses.
    """
    return any(matches(url, entry.strip()) for entry in no_proxy.split(","))


def matches(url: httpx.URL, entry: str) -> bool:
    """Return whether an entry of `NO_PROXY` names a URL's server."""
    scheme, separator, rest = entry.rpartition("://")
    if separator and scheme.lower() not in {url.scheme, "all"}:
        return False
    if separator and not rest.strip("/"):
        return True
    host, port = split_port(rest if not separator else rest.partition("/")[0])
    if port and port != str(url.port or DEFAULT_PORTS.get(url.scheme)):
        return False
    try:
        return ipaddress.ip_address(url.host) in ipaddress.ip_network(host, strict=False)
    except ValueError:
        pass
    # Without a scheme, urllib has looked at the name.
    return bool(separator) and matches_name(url.host, host.lower())


def split_port(text: str) -> tuple[str, str]:
    """Return a host without its brackets, and its port, which may be empty."""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        return host, port.lstrip(":")
    if text.count(":") > 1:
        return text, ""
    host, _, port = text.partition(":")
    return host, port


def matches_name(host: str, pattern: str) -> bool:
    """Return whether a host has a name, or is below it if the name begins with "*" or "."."""
    domain = pattern.lstrip("*").lstrip(".")
    is_below = pattern != domain and host.endswith(f".{domain}" if domain else "")
    return is_below or (host == domain and not pattern.startswith(("*.", ".")))


def is_socks(proxy: httpx.Proxy) -> bool:
    """Return whether a proxy speaks SOCKS."""
    return proxy.url.scheme not in {"http", "https"}


def check_proxy(proxy: httpx.Proxy) -> None:
    """
    Check that there is what a proxy needs.

    Raises:
        SetupError: It speaks SOCKS, and httpx's package for that is missing.
    """
    if is_socks(proxy) and importlib.util.find_spec("socksio") is None:
        raise SetupError(
            f"the proxy {name_proxy(proxy)} needs the package socksio: pip install 'httpx[socks]'"
        )


def name_proxy(proxy: httpx.Proxy) -> str:
    """Return a proxy's scheme, host and port, without its user and password."""
    url = proxy.url
    port = url.port or DEFAULT_PORTS.get(url.scheme) or 1080
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{url.scheme}://{host}:{port}"
