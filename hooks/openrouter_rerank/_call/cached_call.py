"""One call with a cache in front of it."""

from collections.abc import Awaitable, Callable
from concurrent import futures
from contextlib import suppress
from typing import cast

import anyio

from openrouter_rerank._cache.answers import AnswerCache
from openrouter_rerank._cache.flights import Flight
from openrouter_rerank._cache.lookups import Destination, Kept
from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._codec.response import Reply
from openrouter_rerank._events.hooks import RetryEvent
from openrouter_rerank._network.event_loop import find_event_loop
from openrouter_rerank.errors import OpenRouterError

from .call import Call
from .clock import Clock
from .config import Settings
from .state import CallState

Begin = Callable[[Settings, EncodedRequest], Call]


class CachedCall:
    """
    A call that is answered from the cache, or sent and kept; it has the methods of a `Call`.

    While it is sent, equal calls wait for it, each until its own deadline. If it fails, which may
    be by being cancelled, the next one of them is sent: errors are not shared.
    """

    def __init__(
        self,
        cache: AnswerCache,
        begin: Begin,
        settings: Settings,
        encoded: EncodedRequest,
        clock: Clock,
    ) -> None:
        """Take the call, and what sends it."""
        self.settings = settings
        self._cache = cache
        self._begin = begin
        self._encoded = encoded
        self._clock = clock
        target = settings.target
        self._lookup = cache.make_lookup(
            Destination(target.url, target.description, settings.min_score), encoded
        )
        self._call: Call | None = None
        self._has_chosen = False
        self._began_at: float | None = None
        # What `Flights.ended` was when the cache was last looked at.
        self._looked_at: int | None = None

    @property
    def state(self) -> CallState:
        """How far the call is."""
        return self._prepare(self._encoded).state

    def find(self) -> Reply | None:
        """Return the answer if the cache may have got it, without waiting for other calls."""
        if not self._must_look():
            return None
        return self._lookup.find(self._cache.get(self._lookup, self._time_left()))

    async def find_async(self) -> Reply | None:
        """Async `find`, on asyncio or trio."""
        if not self._must_look():
            return None
        return self._lookup.find(await self._cache.get_async(self._lookup, self._time_left()))

    def run(self) -> Reply:
        """
        Return the answer from the cache or from an equal call, or make attempts; see `Call.run`.

        Raises:
            OpenRouterError: The error of the last attempt, or of a wait that was too long.
        """
        return cast("Reply", self._answer(Call.run))

    async def run_async(self) -> Reply:
        """Async `run`, on asyncio or trio."""
        return cast("Reply", await self._answer_async(Call.run_async))

    def attempt(self) -> Reply | RetryEvent:
        """
        Return the answer from the cache or from an equal call, or make the next attempt.

        Raises:
            OpenRouterError: The call has failed.
        """
        return self._answer(Call.attempt)

    async def attempt_async(self) -> Reply | RetryEvent:
        """Async `attempt`, on asyncio or trio."""
        return await self._answer_async(Call.attempt_async)

    def abandon(self) -> None:
        """End a call whose next attempt will not be made; its last error is its end."""
        self._prepare(self._encoded).abandon()

    def _answer(self, advance: Callable[[Call], Reply | RetryEvent]) -> Reply | RetryEvent:
        self._start()
        reply = self.find()
        while reply is None:
            flight, leads = self._cache.flights.join(self._lookup.key)
            if leads:
                return self._lead(advance)
            futures.wait([flight], self._time_left())
            reply = self._read(flight)
        return reply

    async def _answer_async(
        self, advance: Callable[[Call], Awaitable[Reply | RetryEvent]]
    ) -> Reply | RetryEvent:
        self._start()
        reply = await self.find_async()
        while reply is None:
            flight, leads = self._cache.flights.join(self._lookup.key)
            if leads:
                return await self._lead_async(advance)
            with anyio.move_on_after(self._time_left()):
                await wait_async(flight)
            reply = self._read(flight)
        return reply

    def _lead(self, advance: Callable[[Call], Reply | RetryEvent]) -> Reply | RetryEvent:
        """Make the request, for all equal calls that wait."""
        kept: Kept | None = None
        try:
            # An equal call may have ended just now.
            reply = self.find()
            if reply is not None:
                return reply
            while kept is None:
                result = advance(self._choose())
                if isinstance(result, RetryEvent):
                    return result
                kept = self._keep(result)
            self._cache.set(kept.entries, self._time_left())
        except OpenRouterError as error:
            self._lookup.add_spent(error)
            raise
        else:
            return kept.reply
        finally:
            self._cache.flights.end(self._lookup.key, kept and kept.entry)

    async def _lead_async(
        self, advance: Callable[[Call], Awaitable[Reply | RetryEvent]]
    ) -> Reply | RetryEvent:
        kept: Kept | None = None
        try:
            reply = await self.find_async()
            if reply is not None:
                return reply
            while kept is None:
                result = await advance(self._choose())
                if isinstance(result, RetryEvent):
                    return result
                kept = self._keep(result)
            await self._cache.set_async(kept.entries, self._time_left())
        except OpenRouterError as error:
            self._lookup.add_spent(error)
            raise
        else:
            return kept.reply
        finally:
            self._cache.flights.end(self._lookup.key, kept and kept.entry)

    def _must_look(self) -> bool:
        """Return whether the cache may have got the answer since it was last looked at."""
        seen, self._looked_at = self._looked_at, self._cache.flights.ended
        return seen != self._looked_at

    def _keep(self, reply: Reply) -> Kept | None:
        """Return what becomes of a reply; None if the next attempt sends another request."""
        kept = self._lookup.keep(reply)
        if kept is None:
            self._call, self._has_chosen = None, False
        return kept

    def _choose(self) -> Call:
        """Return what sends what the cache does not have."""
        if not self._has_chosen:
            self._has_chosen = True
            chosen = self._lookup.choose_request()
            if chosen is not self._encoded:
                self._call = None
            return self._prepare(chosen)
        return self._prepare(self._encoded)

    def _prepare(self, encoded: EncodedRequest) -> Call:
        """Return what sends the request, which is built once."""
        if self._call is None:
            settings = self.settings._replace(min_score=self._lookup.min_score)
            self._call = self._begin(settings, encoded)
            if self._began_at is not None:
                self._call.state.start(self._began_at)
        return self._call

    def _read(self, flight: Flight) -> Reply | None:
        """
        Return the answer of an equal call; None if it has none.

        Raises:
            DeadlineExceededError: It has not ended.
        """
        if not flight.done():
            error = self.state.build_deadline_error()
            error.ended_call = True
            raise error
        entry = flight.result()
        return None if entry is None else self._lookup.open(entry)

    def _start(self) -> None:
        """Start the call's time, once."""
        if self._began_at is None:
            self._began_at = self._clock.now()
            if self._call is not None:
                self._call.state.start(self._began_at)

    def _time_left(self) -> float | None:
        """Return the seconds until the deadline; None if there is none."""
        deadline = self.settings.deadline
        if deadline is None or self._began_at is None:
            return deadline
        return max(0.0, deadline - (self._clock.now() - self._began_at))


async def wait_async(flight: Flight) -> None:
    """Wait for the end of an equal call, which may be in another thread or event loop."""
    ended = anyio.Event()
    loop = find_event_loop()

    def wake(_: Flight) -> None:
        # The event loop may be gone, and what waited in it.
        with suppress(RuntimeError):
            loop.call_soon(ended.set)

    flight.add_done_callback(wake)
    await ended.wait()
