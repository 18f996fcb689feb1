"""
The retry loop: one call, from its first attempt to its success or its last error.

`CallState` and the policy decide what follows an attempt; sync and async differ only in how they
send, read and sleep.
"""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import httpx

from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._codec.response import Reply
from openrouter_rerank._events.hooks import Hooks, RetryEvent
from openrouter_rerank._network.deadline import limit_time
from openrouter_rerank._network.received_reply import ReceivedReply

from .attempt import make_attempt, make_attempt_async
from .clock import Clock
from .config import Settings
from .sender import Sender
from .state import CallState

if TYPE_CHECKING:
    from .instrumentation import ObservedCall


class Call:
    """
    One call, which can pause between its attempts.

    `run` sleeps until the next attempt is due. A run over many jobs calls `attempt` instead, and
    does other work meanwhile.

    Attributes:
        settings: The call's settings.
        state: How far the call is.
    """

    def __init__(
        self,
        sender: Sender,
        request: httpx.Request,
        settings: Settings,
        clock: Clock,
        encoded: EncodedRequest | None = None,
    ) -> None:
        """
        Take what to send; the call's time begins with its first attempt.

        Args:
            sender: Sends the request.
            request: The request, without the key.
            settings: The call's settings.
            clock: Time and random numbers.
            encoded: What the request was built from; None if the caller built it.
        """
        self.settings = settings
        self.state = CallState(settings, clock)
        self._sender = sender
        self._request = request
        self._clock = clock
        self._encoded = encoded
        self._observed: ObservedCall | None = None

    def run(self) -> Reply:
        """
        Make attempts until one succeeds or the policy gives up.

        Raises:
            OpenRouterError: The error of the last attempt.
        """
        while isinstance(result := self.attempt(), RetryEvent):
            self._clock.sleep(result.delay)
        return result

    async def run_async(self) -> Reply:
        """Async `run`, on asyncio or trio."""
        while isinstance(result := await self.attempt_async(), RetryEvent):
            await self._clock.sleep_async(result.delay)
        return result

    def attempt(self) -> Reply | RetryEvent:
        """
        Make the next attempt.

        Returns:
            The success; or the retry that is to follow after `delay` seconds.

        Raises:
            OpenRouterError: The call has failed.
        """
        if self.settings.hooks.observer is None and self._observed is None:
            return self._attempt(self.settings.hooks)
        with self._observe() as observed:
            return observed.read(self._attempt(observed.hooks))

    def attempt_async(self) -> Coroutine[Any, Any, Reply | RetryEvent]:
        """Async `attempt`, on asyncio or trio."""
        if self.settings.hooks.observer is None and self._observed is None:
            return self._attempt_async(self.settings.hooks)
        return self._attempt_observed_async()

    async def _attempt_observed_async(self) -> Reply | RetryEvent:
        with self._observe() as observed:
            return observed.read(await self._attempt_async(observed.hooks))

    def abandon(self) -> None:
        """End a call whose next attempt will not be made; its last error is its end."""
        if self._observed is not None and self.state.error is not None:
            self._observed.record_failure(self.state.error)

    def _observe(self) -> "ObservedCall":
        """Return the call as its observer sees it, from its first attempt on."""
        if self._observed is None:
            from .instrumentation import ObservedCall

            self._observed = ObservedCall(self.settings, self._request, self._encoded)
        return self._observed

    def _attempt(self, hooks: Hooks) -> Reply | RetryEvent:
        state, request = self.state, self._request
        while True:
            state.begin_attempt(request, self._encoded)
            hooks.requests.emit(request)
            outcome = make_attempt(self._sender, request, state)
            if hooks.responses and isinstance(outcome, ReceivedReply):
                hooks.responses.emit(outcome.response)
            result = state.read_outcome(outcome)
            if isinstance(result, Reply):
                return result
            event = state.plan_retry(result)
            if event is None:
                hooks.errors.emit(result)
                result.ended_call = True
                raise result
            hooks.retries.emit(event)
            if not state.is_resending:
                return event

    async def _attempt_async(self, hooks: Hooks) -> Reply | RetryEvent:
        state, request = self.state, self._request
        while True:
            state.begin_attempt(request, self._encoded)
            if hooks.requests:
                await hooks.requests.emit_async(request)
            attempt = make_attempt_async(self._sender, request, state)
            outcome = await limit_time(attempt, state.time_left()) or state.build_deadline_error()
            if hooks.responses and isinstance(outcome, ReceivedReply):
                await hooks.responses.emit_async(outcome.response)
            result = state.read_outcome(outcome)
            if isinstance(result, Reply):
                return result
            event = state.plan_retry(result)
            if event is None:
                await hooks.errors.emit_async(result)
                result.ended_call = True
                raise result
            await hooks.retries.emit_async(event)
            if not state.is_resending:
                return event
