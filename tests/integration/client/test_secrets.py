"""What tools show that look into the frames of an error: never the key, nor a proxy's password."""

import copy
import json
import pickle
import traceback
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import anyio
import httpx
import pytest
import sentry_sdk
from integration.client import faults
from integration.client.calling import ALL_MODES, DOCUMENTS, KEY, ONCE
from integration.client.conftest import Serve
from integration.client.fault_server import Fault
from openrouter_rerank import BackoffStrategy, OpenRouter, RawReply, RetryConfig, RetryEvent
from openrouter_rerank.errors import OpenRouterError
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

PASSWORD = "pa55word-of-the-proxy"
FAULTS: dict[str, tuple[Fault, dict[str, Any]]] = {
    "read timeout": (faults.stall, {"timeout_ms": 100}),
    "deadline": (faults.stall, {"deadline_ms": 100}),
    "reset": (faults.reset_after(b""), {}),
    "no reply": (faults.hang_up, {}),
}


class Recorder(Transport):
    """Keeps what Sentry's SDK would send."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        """Keep an event as the text that would be sent."""
        self.sent += [json.dumps(item.payload.json) for item in envelope.items]


def fail(mode: str, url: str, settings: dict[str, Any]) -> OpenRouterError:
    """Make a call that fails, and return its error with all its frames."""
    arguments: dict[str, Any] = {
        "api_key": KEY, "server_url": url, "retry_config": ONCE, **settings
    }  # fmt: skip
    if mode == "sync":
        with OpenRouter(**arguments) as client, pytest.raises(OpenRouterError) as caught:
            client.rerank.rerank(documents=DOCUMENTS, model="m", query="q")
        return caught.value

    async def call() -> OpenRouterError:
        async with OpenRouter(**arguments) as client:
            try:
                await client.rerank.rerank_async(documents=DOCUMENTS, model="m", query="q")
            except OpenRouterError as error:
                # The frame of this function, whose variables are the test's own, is left out.
                return error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)
            raise AssertionError("it did not fail")

    return anyio.run(call, backend=mode)


def show(error: OpenRouterError) -> str:
    """Return what the standard library and Sentry's SDK show of an error."""
    frames = error.__traceback__
    # The test's own frame, which holds the key, is left out.
    while frames is not None and "openrouter_rerank" not in frames.tb_frame.f_code.co_filename:
        frames = frames.tb_next
    error = error.with_traceback(frames)
    recorder = Recorder()
    with sentry_sdk.new_scope() as scope:
        client = sentry_sdk.Client(
            "http://key@localhost/1", transport=recorder, default_integrations=False,
        )  # fmt: skip
        scope.set_client(client)
        scope.capture_exception(error)
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert any("_call/call.py" in sent for sent in recorder.sent)
    return "".join(shown.format()) + "".join(recorder.sent)


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize(("fault", "settings"), FAULTS.values(), ids=FAULTS)
def test_frames_hold_no_key(
    mode: str, fault: Fault, settings: dict[str, Any], serve: Serve
) -> None:
    """No frame that an error or its causes keep holds the key."""
    server = serve(fault)

    error = fail(mode, server.url, settings)

    assert KEY not in show(error)


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize(("fault", "settings"), FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_frames_hold_no_password_of_a_proxy(
    mode: str, fault: Fault, settings: dict[str, Any], scheme: str, serve: Serve
) -> None:
    """Through a proxy, to plain HTTP and by a tunnel, no frame holds its password or the key."""
    server = serve(fault)
    address = server.origin.removeprefix("http://")
    proxy = f"http://user:{PASSWORD}@{address}"

    error = fail(mode, f"{scheme}://api.invalid/api/v1", {**settings, "proxy": proxy})

    shown = show(error)
    assert KEY not in shown
    assert PASSWORD not in shown


def keep_all(mode: str, arguments: dict[str, Any]) -> list[object]:
    """Make a call, and keep all that a user gets from it: hooks' arguments, reply and errors."""
    kept: list[object] = []
    client = OpenRouter(**arguments)
    client.hooks.before_request(kept.append)
    client.hooks.after_response(kept.append)
    client.hooks.on_retry(kept.append)
    client.hooks.on_error(kept.append)
    ask: dict[str, Any] = {"documents": DOCUMENTS, "model": "m", "query": "q"}

    async def call() -> None:
        async with client:
            try:
                kept.append(await client.rerank.with_raw_response.rerank_async(**ask))
            except OpenRouterError as error:
                kept.append(error)
            if "async_client" in arguments:
                await arguments["async_client"].aclose()

    if mode != "sync":
        anyio.run(call, backend=mode)
        return kept
    with client:
        try:
            kept.append(client.rerank.with_raw_response.rerank(**ask))
        except OpenRouterError as error:
            kept.append(error)
        if "client" in arguments:
            arguments["client"].close()
    return kept


def list_requests(value: object) -> Iterator[httpx.Request]:
    """Yield each request that an object leads to."""
    if isinstance(value, httpx.Request):
        yield value
    elif isinstance(value, httpx.Response):
        yield value.request
    elif isinstance(value, RawReply):
        yield value.http_response.request
    elif isinstance(value, RetryEvent):
        yield from list_requests(value.error)
    elif isinstance(value, OpenRouterError) and value.raw_response is not None:
        yield value.raw_response.request
    if isinstance(value, BaseException):
        cause = value.__cause__ or value.__context__
        if isinstance(cause, httpx.RequestError):
            with suppress(RuntimeError):
                yield cause.request
        yield from list_requests(cause)


ENDS: dict[str, tuple[Fault, ...]] = {
    "success": (faults.ok,),
    "retry": (faults.error(503), faults.ok),
    "refusal": (faults.error(401),),
    "wrong shape": (faults.reply(200, b"[]"),),
    "body that cannot be read": (faults.encoded(b"x", "br"),),
    "redirect": (faults.redirect(307, "/other"), faults.ok),
    "redirects without end": (faults.redirect(307, "/other"),),
    "disconnect": (faults.hang_up,),
}


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("sender", ["own connections", "client", "transport"])
@pytest.mark.parametrize("end", ENDS)
def test_nothing_that_a_user_can_keep_holds_the_key(
    end: str, sender: str, mode: str, serve: Serve
) -> None:
    """Replies, errors, their causes and what hooks get have requests without the key."""
    server = serve(*ENDS[end])
    policy = RetryConfig(backoff=BackoffStrategy(1, 1))
    arguments: dict[str, Any] = {"api_key": KEY, "server_url": server.url, "retry_config": policy}
    if sender == "client":
        arguments |= {"client": httpx.Client(), "async_client": httpx.AsyncClient()}
    elif sender == "transport":
        arguments |= {
            "transport": httpx.HTTPTransport(),
            "async_transport": httpx.AsyncHTTPTransport(),
        }

    kept = keep_all(mode, arguments)

    assert all(request.header("authorization") == f"Bearer {KEY}" for request in server.requests)
    requests = [request for value in kept for request in list_requests(value)]
    assert requests
    assert not [request for request in requests if "Authorization" in request.headers]
    assert not [value for value in kept if KEY.encode() in pickle.dumps(value)]
    assert not [value for value in kept if KEY.encode() in pickle.dumps(copy.copy(value))]


ECHOES: dict[str, Fault] = {
    "message": faults.error(400, message=f"bad key {KEY}"),
    "text": faults.reply(500, f"Authorization: Bearer {KEY}".encode()),
    "provider": faults.error(502, message="no", metadata={"raw": json.dumps({"error": KEY})}),
    "error inside a 200": faults.json_reply(200, {"error": {"code": 403, "message": KEY}}),
    "no JSON": faults.reply(200, KEY.encode()),
}


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("echo", ECHOES)
def test_key_that_the_server_echoes_is_redacted(echo: str, mode: str, serve: Serve) -> None:
    """Neither the message, the repr, the body nor any attribute of an error holds it."""
    server = serve(ECHOES[echo])

    error = fail(mode, server.url, {})

    shown = [str(error), repr(error), error.body, repr(vars(error)), repr(error.__cause__)]
    assert not [text for text in shown if KEY in text]
    assert KEY.encode() not in pickle.dumps(error)
    assert error.raw_response is None or KEY not in error.raw_response.text
    assert KEY not in show(error)
