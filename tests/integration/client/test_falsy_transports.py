"""What the caller gives is used even if it is false in a condition."""

from typing import Any

import httpx
import pytest
from integration.client import faults
from integration.client.calling import ALL_MODES, KEY, call_once
from integration.client.conftest import Serve
from integration.client.fault_tables.row import BODY, SUCCESS
from openrouter_rerank import HooksTransport


class FalsyTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport that keeps its requests, and has none yet."""

    def __init__(self) -> None:
        """Start without requests."""
        self.count = 0

    def __len__(self) -> int:
        """Return 0, which makes it false in a condition."""
        return 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Count and answer."""
        self.count += 1
        return httpx.Response(200, content=BODY, request=request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Count and answer."""
        return self.handle_request(request)


class FalsyClient(httpx.Client):
    """A client that is false in a condition."""

    def __len__(self) -> int:
        """Return 0."""
        return 0


class FalsyAsyncClient(httpx.AsyncClient):
    """An async client that is false in a condition."""

    def __len__(self) -> int:
        """Return 0."""
        return 0


class FalsyKey:
    """A source of the key that is false in a condition."""

    def __len__(self) -> int:
        """Return 0."""
        return 0

    def __call__(self) -> str:
        """Return the key."""
        return KEY


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("kind", ["transport", "client", "hooks transport"])
def test_what_is_false_in_a_condition_is_used(mode: str, kind: str, serve: Serve) -> None:
    """A caller's transport, client or key of the length 0 is no missing one; none is bypassed."""
    server = serve(faults.ok)
    own = FalsyTransport()
    settings: dict[str, Any] = {"transport": own, "async_transport": own}
    if kind == "client":
        settings = {
            "client": FalsyClient(transport=own),
            "async_client": FalsyAsyncClient(transport=own),
        }
    if kind == "hooks transport":
        inner = HooksTransport(FalsyKey(), server_url=server.url, **settings)
        settings = {"client": httpx.Client(transport=inner)}
        settings["async_client"] = httpx.AsyncClient(transport=inner)

    outcome = call_once(mode, server.url, api_key=FalsyKey(), **settings)

    assert outcome.kind is SUCCESS
    assert (own.count, server.opened) == (1, 0)
