"""Routes over real sockets, and options."""

import anyio
import anyio.lowlevel
import httpx
import pytest
from integration.local.messages import BODY, read_error
from integration.local.rankers import ConstantRanker
from openrouter_rerank.local import create_app
from starlette.types import Message


@pytest.mark.parametrize("path", ["/api", "/api/v1", "/api/v1/rerank/", "/api/v1/models"])
def test_other_path_gets_404(base_url: str, path: str) -> None:
    """There is one path beside the page's, and no redirect to it."""
    reply = httpx.post(httpx.URL(base_url).copy_with(path=path), json=BODY)

    assert reply.status_code == 404
    assert "POST /api/v1/rerank" in str(read_error(reply)["message"])


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_other_method_gets_405(http: httpx.Client, method: str) -> None:
    """There is one method, and `Allow` names it."""
    reply = http.request(method, "rerank")

    assert reply.status_code == 405
    assert reply.headers["Allow"] == "POST"
    assert read_error(reply)["code"] == 405


@pytest.mark.parametrize(
    ("options", "name"), [({"api_key": ""}, "api_key"), ({"max_body_bytes": 0}, "max_body_bytes")]
)
def test_wrong_option_is_refused(options: dict[str, object], name: str) -> None:
    """An option out of range is refused by name."""
    with pytest.raises(ValueError, match=name):
        create_app(ConstantRanker(), **options)  # type: ignore[arg-type]


def test_lifespan_events_are_answered() -> None:
    """The application runs under a server that sends lifespan events."""
    events: list[Message] = [{"type": "lifespan.shutdown"}, {"type": "lifespan.startup"}]
    sent: list[str] = []

    async def receive() -> Message:
        await anyio.lowlevel.checkpoint()
        return events.pop()

    async def send(message: Message) -> None:
        await anyio.lowlevel.checkpoint()
        sent.append(message["type"])

    anyio.run(create_app(ConstantRanker()), {"type": "lifespan"}, receive, send)

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
