"""
The loop around one `send`: attempts, waits and redirects, once for sync and once for async.

What follows an attempt is decided in one place for both, by `Course` and the policy; the two halves
differ only in how they send, read and sleep.
"""

import anyio
import httpx

from openrouter_rerank._codec.response import Reply
from openrouter_rerank._network.auth import read_origin
from openrouter_rerank.errors import OpenRouterError

from .attempt import Send, SendAsync, make_attempt, make_attempt_async
from .clock import SYSTEM_CLOCK, Clock
from .config import Call
from .state import Course


def run(send: Send, request: httpx.Request, call: Call, clock: Clock = SYSTEM_CLOCK) -> Reply:
    """
    Send a request until it succeeds or the policy gives up.

    Raises:
        OpenRouterError: What the last attempt ended in.
    """
    course = Course(call, clock)
    while True:
        course.begin_attempt(request)
        call.hooks.requests.emit(request)
        if read_origin(request.url) == call.origin:
            call.auth.apply(request)
        outcome = make_attempt(send, request, course)
        if isinstance(outcome, httpx.Response):
            call.hooks.responses.emit(outcome)
        result = course.judge(outcome)
        if isinstance(result, Reply):
            return result
        event = course.plan(result)
        if event is None:
            call.hooks.errors.emit(result)
            raise result
        call.hooks.retries.emit(event)
        clock.sleep(event.delay)


async def run_async(
    send: SendAsync, request: httpx.Request, call: Call, clock: Clock = SYSTEM_CLOCK
) -> Reply:
    """
    Do what `run` does, on asyncio or trio.

    Raises:
        OpenRouterError: What the last attempt ended in.
    """
    course = Course(call, clock)
    while True:
        course.begin_attempt(request)
        await call.hooks.requests.emit_async(request)
        outcome: httpx.Response | OpenRouterError | None = None
        with anyio.move_on_after(course.time_left()):
            if read_origin(request.url) == call.origin:
                await call.auth.apply_async(request)
            outcome = await make_attempt_async(send, request, course)
        outcome = outcome or course.deadline_error()
        if isinstance(outcome, httpx.Response):
            await call.hooks.responses.emit_async(outcome)
        result = course.judge(outcome)
        if isinstance(result, Reply):
            return result
        event = course.plan(result)
        if event is None:
            await call.hooks.errors.emit_async(result)
            raise result
        await call.hooks.retries.emit_async(event)
        await clock.sleep_async(event.delay)
