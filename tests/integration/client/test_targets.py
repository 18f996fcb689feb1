"""Where calls go and with which headers: as given, or refused by name before anything is sent."""

from typing import Any

import anyio
import pytest
from integration.client import faults
from integration.client.calling import ALL_MODES, DOCUMENTS, KEY
from integration.client.conftest import Serve
from openrouter_rerank import HooksTransport, OpenRouter
from openrouter_rerank.testing import FakeOpenRouter

ASK: dict[str, Any] = {"documents": DOCUMENTS, "model": "m", "query": "question"}


def call(mode: str, **arguments: Any) -> None:
    """Make a call that succeeds."""
    if mode == "sync":
        with OpenRouter(api_key=KEY, **arguments) as client:
            client.rerank.rerank(**ASK)
        return

    async def work() -> None:
        async with OpenRouter(api_key=KEY, **arguments) as client:
            await client.rerank.rerank_async(**ASK)

    anyio.run(work, backend=mode)


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize(
    ("path", "params", "target"),
    [
        ("/a%2Fb/v1", {}, "/a%2Fb/v1/rerank"),
        ("/a%3Fb", {}, "/a%3Fb/rerank"),
        ("/{t}/v1", {"t": "a/b?c"}, "/a%2Fb%3Fc/v1/rerank"),
        ("/{t}/v1", {"t": "%2e%2e"}, "/%252e%252e/v1/rerank"),
        ("/{t}/v1", {"t": "..."}, "/.../v1/rerank"),
        ("/api/v1/rerank", {}, "/api/v1/rerank"),
        ("/api/v1/rerank/", {}, "/api/v1/rerank"),
        ("/rerank", {}, "/rerank"),
        ("", {}, "/rerank"),
    ],
)
def test_path_arrives_as_it_was_given(
    path: str, params: dict[str, str], target: str, mode: str, serve: Serve
) -> None:
    """What is escaped in a server's URL stays so, and the operation's path is there once."""
    server = serve(faults.ok)

    call(mode, server_url=f"{server.origin}{path}", url_params=params)

    assert [request.target for request in server.requests] == [target]


def test_host_that_is_called_as_the_operation_is_kept() -> None:
    """Only a path loses the operation's name."""
    with FakeOpenRouter(server_url="https://rerank") as client:
        client.rerank.rerank(**ASK)

    assert str(client.requests[0].url) == "https://rerank/rerank"


@pytest.mark.parametrize("kind", [OpenRouter, HooksTransport])
@pytest.mark.parametrize("url", ["https://h/a/../b", "https://h/./b", "https://h/%2e%2E/b"])
def test_dots_in_a_servers_path_are_refused(kind: Any, url: str) -> None:
    """What would lead to another path than it shows is refused by the argument's name."""
    with pytest.raises(ValueError, match=r"^server_url: \. and \.\. are no parts"):
        kind(server_url=url)


@pytest.mark.parametrize("value", [".", ".."])
def test_dots_for_a_name_in_the_url_are_refused(value: str) -> None:
    """A value that would take a part out of the path is refused by its name."""
    with pytest.raises(ValueError, match=r"^url_params\['t'\]: "):
        OpenRouter(server_url="https://h/v1/{t}/x", url_params={"t": value})


FRAMING = ["Transfer-Encoding", "transfer-encoding", "Connection", "Keep-Alive", "TE", "Trailer"]


@pytest.mark.parametrize("name", [*FRAMING, "Upgrade", "Proxy-Connection", "Content-Length"])
def test_header_of_the_connection_is_refused_by_name(name: str) -> None:
    """What would stand beside our Content-Length, or is for the next hop alone, is never sent."""
    with FakeOpenRouter() as client, pytest.raises(ValueError, match=f"http_headers: {name} is"):
        client.rerank.rerank(**ASK, http_headers={name: "x"})

    assert client.requests == []


@pytest.mark.parametrize("value", [" x", "x ", " "])
def test_outer_space_of_a_header_is_refused_by_name(value: str) -> None:
    """It would fail as a connection that could not be made; the error names the header."""
    with FakeOpenRouter() as client:
        with pytest.raises(ValueError, match=r"^http_headers\['X-A'\]: begins or ends"):
            client.rerank.rerank(**ASK, http_headers={"X-A": value})
        with pytest.raises(ValueError, match=r"^http_referer: begins or ends"):
            client.rerank.rerank(**ASK, http_referer=value)

    assert client.requests == []


@pytest.mark.parametrize("source", ["client", "call", "environment"])
def test_app_beyond_ascii_is_left_out_with_a_warning(
    source: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An app's name costs no call: what no header may hold is left out, and the log says so."""
    given: dict[str, Any] = {"x_open_router_title": "Café"}
    if source == "environment":
        monkeypatch.setenv("OPENROUTER_X_OPEN_ROUTER_TITLE", "Café")
    options: dict[str, Any] = given if source == "client" else {}
    for_call: dict[str, Any] = given if source == "call" else {}
    with FakeOpenRouter(**options) as client:
        client.rerank.rerank(**ASK, **for_call)

    assert "X-OpenRouter-Title" not in client.requests[0].headers
    assert "x_open_router_title: not sent, since a header holds only ASCII" in caplog.messages
