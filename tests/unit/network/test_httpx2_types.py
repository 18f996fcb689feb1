"""httpx2's classes, as type checkers and the client tell them from others."""

import ssl
import sys

import httpcore
import httpx
import pytest
from openrouter_rerank import HooksTransport, OpenRouter
from openrouter_rerank._network.httpx2_types import is_httpx2
from openrouter_rerank._network.setup import check_libraries
from openrouter_rerank.testing import FakeOpenRouter

REASON = "httpx2 is not installed"
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def test_checkers_take_its_objects() -> None:
    """Each of its objects is what the argument of its name is declared to take."""
    pytest.importorskip("httpx2", reason=REASON)
    import httpx2

    own = httpx2.Client(verify=TLS)
    own_async = httpx2.AsyncClient(verify=TLS)
    transport = httpx2.HTTPTransport(verify=TLS)
    async_transport = httpx2.AsyncHTTPTransport(verify=TLS)
    proxy = httpx2.Proxy("http://proxy.example:3128")
    limits = httpx2.Limits(max_connections=2)
    timeout = httpx2.Timeout(5)

    OpenRouter(client=own, async_client=own_async, timeout=timeout, limits=limits, proxy=proxy)
    OpenRouter(transport=transport, async_transport=async_transport)
    HooksTransport(
        transport=transport,
        async_transport=async_transport,
        timeout=timeout,
        limits=limits,
        proxy=proxy,
    )
    with FakeOpenRouter() as client, client.with_options(timeout=timeout) as view:
        ranking = view.rerank.rank(["a"], model="m", query="q", timeout=timeout)

    assert ranking.reranked


def test_checkers_refuse_the_wrong_object() -> None:
    """An async client is no sync one for the checkers, as for the client."""
    pytest.importorskip("httpx2", reason=REASON)
    import httpx2

    own_async = httpx2.AsyncClient(verify=TLS)

    with pytest.raises(TypeError, match=r"client: expected httpx\.Client, got AsyncClient"):
        OpenRouter(client=own_async)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_what_is_httpx_is_not_httpx2(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a class of one is that of the other, or httpx2 is not there, nothing is converted."""
    pytest.importorskip("httpx2", reason=REASON)
    import httpx2

    given = httpx2.Timeout(5)
    found = [is_httpx2(given, "Timeout"), is_httpx2(httpx.Timeout(5), "Timeout")]
    monkeypatch.setattr(httpx, "Timeout", httpx2.Timeout)
    found.append(is_httpx2(given, "Timeout"))
    monkeypatch.delitem(sys.modules, "httpx2")
    found.append(is_httpx2(given, "Timeout"))

    assert found == [True, False, False, False]


def test_half_an_alias_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Httpx and httpcore come from one library; each of them alone is refused."""
    check_libraries()
    monkeypatch.setattr(httpx, "__name__", "httpx2")
    with pytest.raises(RuntimeError, match="before anything imports httpcore"):
        check_libraries()
    monkeypatch.setattr(httpcore, "__name__", "httpcore2")
    check_libraries()
