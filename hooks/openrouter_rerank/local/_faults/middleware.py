"""Making requests fail on demand."""

from functools import partial

import anyio
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openrouter_rerank.local._contract.examples import find_body
from openrouter_rerank.local._replies import encode_json, reply_error, reply_json
from openrouter_rerank.local._requests.body import skip_body
from openrouter_rerank.local._requests.disconnect import wait_for_disconnect

from .config import Faults
from .connection_cut import Cut, find_cutter
from .error_replies import build_error
from .outcome import OK, Kind, Outcome, find_outcome
from .prefer_header import find_preference
from .sequence import OutcomeSequence

HIDDEN_STATUS = 502
"""The status of the error inside a 200: by then, only the provider can still fail."""


class FaultMiddleware:
    """
    Makes requests fail as `Faults` says, or as their own `Prefer: code=...` does (RFC 7240).

    Args:
        app: The application that gives the normal answer.
        faults: Which requests are to fail.
    """

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults
        self._sequence = OutcomeSequence(faults)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or have the application answer it."""
        request = Request(scope, receive)
        asked = read_asked_outcome(request)
        outcome = self._sequence.next_outcome() if asked is None else asked
        if self._faults.delay:
            send = partial(self._send_late, receive, send)
        if outcome == OK:
            await self._app(scope, receive, send)
            return
        await skip_body(request)
        if outcome.kind is Kind.ERROR:
            reply = build_error(outcome.status, self._faults.retry_after)
            if asked is not None:
                reply.headers["Preference-Applied"] = f"code={outcome.status}"
            await reply(scope, receive, send)
        elif outcome.kind is Kind.ERROR_IN_200:
            await reply_json(encode_json(find_body(HIDDEN_STATUS)), 200)(scope, receive, send)
        elif outcome.kind is Kind.HANG:
            await wait_for_disconnect(receive)
        else:
            await self._break(outcome, scope, receive, send)

    async def _break(self, outcome: Outcome, scope: Scope, receive: Receive, send: Send) -> None:
        """Cut the connection, in the middle of a reply or instead of one."""
        cut = find_cutter(scope)
        if cut is None:
            refusal = reply_error(500, "this ASGI server cannot cut a connection")
            await refusal(scope, receive, send)
        elif outcome.kind is Kind.TRUNCATED:
            await _send_half(send)
            await cut(Cut.CLOSED)
        else:
            await _pause(self._faults.delay, receive)
            await cut(Cut.RESET)

    async def _send_late(self, receive: Receive, send: Send, message: Message) -> None:
        if message["type"] == "http.response.start":
            await _pause(self._faults.delay, receive)
        await send(message)


def read_asked_outcome(request: Request) -> Outcome | None:
    """Read the outcome that a request asks for; None if its code is neither 200 nor an error's."""
    code = find_preference(request.headers.getlist("prefer"), "code")
    return None if code is None else find_outcome(code)


async def _pause(seconds: float, receive: Receive) -> None:
    """Wait for `seconds`, or until the client has gone: no reply reaches it then."""
    with anyio.move_on_after(seconds):
        await wait_for_disconnect(receive)


async def _send_half(send: Send) -> None:
    """Send the first half of the contract's example of a success."""
    body = encode_json(find_body(200))
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
