"""
The retry loop around one `send`, once for sync and once for async.

For both, `CallState` and the policy decide what follows an attempt; the two differ only in how they
send, read and sleep.
"""

import anyio
import httpx

from openrouter_rerank._codec.response import Reply
from openrouter_rerank._network.auth import read_origin
from openrouter_rerank.errors import OpenRouterError

from .attempt import Send, SendAsync, make_attempt, make_attempt_async
from .clock import SYSTEM_CLOCK, Clock
from .config import CallSettings
from .state import CallState


def send_with_retries(
    send: Send, request: httpx.Request, settings: CallSettings, clock: Clock = SYSTEM_CLOCK
) -> Reply:
    """
    Send a request until it succeeds or the policy gives up.

    Raises:
        OpenRouterError: The error of the last attempt.
    """
    state = CallState(settings, clock)
    while True:
        state.begin_attempt(request)
        settings.hooks.requests.emit(request)
        if read_origin(request.url) == settings.origin:
            settings.auth.apply(request)
        outcome = make_attempt(send, request, state)
        if isinstance(outcome, httpx.Response):
            settings.hooks.responses.emit(outcome)
        result = state.read_outcome(outcome)
        if isinstance(result, Reply):
            return result
        event = state.plan_retry(result)
        if event is None:
            settings.hooks.errors.emit(result)
            raise result
        settings.hooks.retries.emit(event)
        clock.sleep(event.delay)


async def send_with_retries_async(
    send: SendAsync, request: httpx.Request, settings: CallSettings, clock: Clock = SYSTEM_CLOCK
) -> Reply:
    """Async `send_with_retries`, on asyncio or trio."""
    state = CallState(settings, clock)
    while True:
        state.begin_attempt(request)
        await settings.hooks.requests.emit_async(request)
        outcome: httpx.Response | OpenRouterError | None = None
        with anyio.move_on_after(state.time_left()):
            if read_origin(request.url) == settings.origin:
                await settings.auth.apply_async(request)
            outcome = await make_attempt_async(send, request, state)
        outcome = outcome or state.build_deadline_error()
        if isinstance(outcome, httpx.Response):
            await settings.hooks.responses.emit_async(outcome)
        result = state.read_outcome(outcome)
        if isinstance(result, Reply):
            return result
        event = state.plan_retry(result)
        if event is None:
            await settings.hooks.errors.emit_async(result)
            raise result
        await settings.hooks.retries.emit_async(event)
        await clock.sleep_async(event.delay)
