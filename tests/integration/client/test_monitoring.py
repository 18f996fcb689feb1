"""Monitoring that patches httpx's clients, as the SDKs of Sentry and Datadog do."""

from collections.abc import Iterator
from typing import Any, cast

import httpx
import pytest
import sentry_sdk
from integration.client import faults
from integration.client.conftest import Serve
from integration.client.test_own_clients import call_over_own
from openrouter_rerank.errors import InternalServerResponseError
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.httpx import HttpxIntegration
from sentry_sdk.transport import Transport

MODES = ("sync", "asyncio", "trio")
SENDERS = (httpx.Client, httpx.AsyncClient)


class Recorder(Transport):
    """Keeps the transactions that Sentry's SDK would send."""

    def __init__(self) -> None:
        """Start with none."""
        super().__init__()
        self.transactions: list[Any] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        """Keep a transaction."""
        self.transactions += filter(None, [envelope.get_transaction_event()])


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """Set up Sentry's SDK for one test, and take its patches off httpx afterwards."""
    recorder = Recorder()
    real = [cast("Any", sender).send for sender in SENDERS]
    with sentry_sdk.isolation_scope() as scope:
        for sender, send in zip(SENDERS, real, strict=True):
            monkeypatch.setattr(sender, "send", send)
        client = sentry_sdk.Client(
            "http://key@localhost/1",
            transport=recorder,
            default_integrations=False,
            integrations=[HttpxIntegration()],
            traces_sample_rate=1.0,
        )
        # Sentry patches once in a process; here it has to be once in each test.
        for sender, send in zip(SENDERS, real, strict=True):
            monkeypatch.setattr(sender, "send", send)
        HttpxIntegration.setup_once()
        scope.set_client(client)
        yield recorder


@pytest.mark.parametrize("mode", MODES)
def test_sentry_sees_each_attempt_over_an_own_client(
    mode: str, recorder: Recorder, serve: Serve
) -> None:
    """With `client=` or `async_client=` its integration records a span for each attempt."""
    server = serve(faults.error(503), faults.error(529), faults.error(500))

    with sentry_sdk.start_transaction(name="call"):
        outcome, _ = call_over_own(httpx, mode, server.url)

    assert outcome.kind is InternalServerResponseError
    spans = [span["data"] for span in recorder.transactions[0]["spans"]]
    assert [span["http.response.status_code"] for span in spans] == [503, 529, 500]
