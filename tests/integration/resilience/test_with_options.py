"""`client.with_options`: a view with other defaults over the same connections."""

import logging
from typing import Any

import anyio
import pytest
from integration.client import faults
from integration.client.conftest import Serve
from integration.resilience.ways import ASK
from openrouter_rerank import OpenRouter, RetryConfig, errors
from openrouter_rerank.testing import FakeOpenRouter

ONCE = RetryConfig("none")
CALL: dict[str, Any] = {**ASK, "documents": ["one"]}


def test_view_has_other_defaults() -> None:
    """Calls of the view use them; those of the client do not."""
    with FakeOpenRouter(200, 200, http_referer="https://a.example") as client:
        view = client.with_options(
            x_open_router_title="view", http_headers={"X-A": "b"}, deadline_ms=5000
        )
        view.rerank.rerank(**CALL)
        client.rerank.rerank(**CALL)

    seen, own = (request.headers for request in client.requests)
    assert (seen["HTTP-Referer"], seen["X-A"]) == ("https://a.example", "b")
    assert seen["X-OpenRouter-Title"] == "view"
    assert "X-A" not in own
    assert "X-OpenRouter-Title" not in own
    assert client.requests[0].extensions == {} == client.requests[1].extensions


def test_views_of_views_add_up() -> None:
    """A view keeps what the one before it has set."""
    with FakeOpenRouter(503, 200, retry_config=ONCE) as client:
        view = client.with_options(fallback_models=["b"]).with_options(min_score=2.0)
        ranking = view.rerank.rank(["one"], **ASK)

    assert (ranking.model, list(ranking)) == ("b", [])


def test_call_overrides_the_view() -> None:
    """What a call says comes first."""
    with FakeOpenRouter(503, 503, retry_config=ONCE) as client:
        view = client.with_options(on_failure="keep_order")
        assert not view.rerank.rank(["one"], **ASK).reranked
        with pytest.raises(errors.ServiceUnavailableResponseError):
            view.rerank.rank(["one"], **ASK, on_failure="raise")


def test_closing_a_view_closes_nothing(serve: Serve) -> None:
    """The client's connection serves both; when the client is closed, so is the view."""
    server = serve(faults.ok, faults.ok)
    client = OpenRouter("key", server_url=server.url)
    with client.with_options(deadline_ms=9000) as view:
        view.rerank.rerank(**CALL)
    client.rerank.rerank(**CALL)
    view.rerank.rerank(**CALL)
    assert server.opened == 1

    async def close_async() -> None:
        async with client.with_options() as other:
            await other.rerank.rerank_async(**CALL)
        await client.rerank.rerank_async(**CALL)

    anyio.run(close_async)
    client.close()
    with pytest.raises(errors.ClientClosedError):
        view.rerank.rerank(**CALL)


def test_hooks_and_key_are_the_clients() -> None:
    """A function that is registered on either is called for both; the key is shared."""
    seen: list[str] = []
    with FakeOpenRouter(200, 200) as client:
        view = client.with_options(timeout_ms=50)
        view.hooks.before_request(lambda request: seen.append(request.method))
        client.rerank.rerank(**CALL)
        view.rerank.rerank(**CALL)

    assert seen == ["POST", "POST"]
    keys = {request.headers["Authorization"] for request in client.requests}
    assert len(keys) == 1
    assert repr(view) == repr(client)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"api_key": "other"}, TypeError, "api_key"),
        ({"deadline_ms": -1}, ValueError, "deadline_ms"),
        ({"retries": "often"}, TypeError, "retries"),
        ({"on_failure": "hide"}, ValueError, "on_failure"),
    ],
)
def test_wrong_option_is_refused(
    options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    """An option that is unknown or wrong is refused when the view is made."""
    with FakeOpenRouter() as client, pytest.raises(kind, match=message):
        client.with_options(**options)


def test_view_keeps_quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Making a view writes nothing to the log."""
    caplog.set_level(logging.DEBUG)
    with FakeOpenRouter() as client:
        client.with_options(deadline_ms=5)
    assert caplog.records == []
