"""The calls of the public client, from the encoded body to the reply."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._codec.response import Reply
from openrouter_rerank._events.logging import warn_of_kept_order, warn_of_unranked
from openrouter_rerank._policy.failures import OnFailure
from openrouter_rerank.errors import OpenRouterError

from .answer import Answer, make_answer, make_empty_answer
from .arguments import CallOptions, require_options, resolve
from .call import Call
from .clock import SYSTEM_CLOCK
from .config import Settings, read_on_failure
from .error_mapping import clear_locals
from .sender import Sender

if TYPE_CHECKING:
    from openrouter_rerank._cache.answers import AnswerCache

    from .cached_call import CachedCall
    from .fallbacks import Candidate

AnyCall: TypeAlias = Union[Call, "CachedCall"]


class Caller:
    """
    Makes the calls of a client.

    Attributes:
        settings: The settings of the client.
        clock: Time and random numbers; fakes replace it.
    """

    def __init__(self, settings: Settings, sender: Sender) -> None:
        """Take the settings and what sends the requests."""
        self.clock = SYSTEM_CLOCK
        self.settings = settings
        self._sender = sender

    def resolve(self, options: CallOptions, on_failure: OnFailure = "raise") -> Settings:
        """
        Return the settings of one call.

        Args:
            options: The call's options.
            on_failure: What becomes of the call when it has failed; the client's own choice is for
                the methods that pass it on.

        Raises:
            TypeError: An option is unknown or has the wrong type.
            ValueError: An option has a value that cannot work.
        """
        return resolve(self.settings, options, on_failure)

    def with_options(self, options: CallOptions, on_failure: OnFailure | None) -> Caller:
        """
        Return a caller with other defaults, which sends by the same connections.

        Raises:
            TypeError: An option is unknown or has the wrong type.
            ValueError: An option has a value that cannot work.
        """
        require_options("OpenRouter.with_options", options)
        caller = Caller(self.resolve(options, self.choose(on_failure)), self._sender)
        caller.clock = self.clock
        return caller

    def choose(self, on_failure: OnFailure | None) -> OnFailure:
        """
        Return what becomes of a call that fails: what the call says, or else the client.

        Raises:
            ValueError: It is unknown.
        """
        return read_on_failure(on_failure) or self.settings.on_failure

    def record_kept_order(self, model: str, error: OpenRouterError) -> None:
        """Log that a ranking keeps its order, and tell the observer."""
        warn_of_kept_order(error)
        # The error stays, and its frames hold it: garbage that only a full collection finds, which
        # holds up every call for tens of milliseconds.
        clear_locals(error)
        observer = self.settings.hooks.observer
        if observer is not None:
            from .instrumentation import log_exceptions

            log_exceptions(observer.on_kept_order)(model, error)

    def count_connections(self, *, is_async: bool) -> int | None:
        """Return how many connections there may be; None if there is no limit of ours."""
        return self._sender.count_connections(is_async=is_async)

    def require_connections(self, count: int, *, is_async: bool) -> None:
        """
        Refuse to have more requests under way at once than there are connections.

        Raises:
            ValueError: There are fewer, and no transport or client of the caller's is used.
        """
        self._sender.require_connections(count, is_async=is_async)

    def begin(self, settings: Settings, encoded: EncodedRequest) -> AnyCall:
        """
        Prepare a sync call; nothing is sent yet.

        Raises:
            ClientClosedError: The client is closed.
        """
        if settings.cache is None or not settings.uses_cache:
            return self._begin(settings, encoded)
        return self._begin_cached(settings.cache, settings, encoded, self._begin, is_async=False)

    def begin_async(self, settings: Settings, encoded: EncodedRequest) -> AnyCall:
        """Prepare an async call; see `begin`."""
        if settings.cache is None or not settings.uses_cache:
            return self._begin_async(settings, encoded)
        return self._begin_cached(
            settings.cache, settings, encoded, self._begin_async, is_async=True
        )

    def send(self, settings: Settings, encoded: EncodedRequest) -> Reply:
        """
        Send a request, with retries, and return its success.

        Raises:
            OpenRouterError: The call ended in an error.
        """
        return self.begin(settings, encoded).run()

    def send_async(self, settings: Settings, encoded: EncodedRequest) -> Coroutine[Any, Any, Reply]:
        """Async `send`, on asyncio or trio."""
        return self.begin_async(settings, encoded).run_async()

    def rank(self, settings: Settings, encoded: EncodedRequest) -> Answer:
        """
        Send a request, with retries and to other models if it must be, and return the answer.

        Raises:
            OpenRouterError: The call ended in an error.
        """
        warn_of_unranked(encoded.set_aside)
        if not encoded.documents:
            return make_empty_answer(encoded)
        encoded = encoded.split(settings.passages)
        if not settings.has_fallbacks:
            return make_answer(self.send(settings, encoded), encoded)
        # Most calls have none.
        from .fallbacks import FallbackChain, follow_fallbacks

        return follow_fallbacks(
            FallbackChain(settings, encoded.model, self.clock.now),
            lambda candidate: self.ask(candidate, encoded),
        )

    async def rank_async(self, settings: Settings, encoded: EncodedRequest) -> Answer:
        """Async `rank`, on asyncio or trio."""
        warn_of_unranked(encoded.set_aside)
        if not encoded.documents:
            return make_empty_answer(encoded)
        encoded = encoded.split(settings.passages)
        if not settings.has_fallbacks:
            return make_answer(await self.send_async(settings, encoded), encoded)
        from .fallbacks import FallbackChain, follow_fallbacks_async

        return await follow_fallbacks_async(
            FallbackChain(settings, encoded.model, self.clock.now),
            lambda candidate: self.ask_async(candidate, encoded),
        )

    def ask(self, candidate: Candidate, encoded: EncodedRequest) -> Answer:
        """
        Return the answer of one model.

        Raises:
            OpenRouterError: The model has failed.
        """
        if isinstance(candidate.model, str):
            encoded = encoded.with_model(candidate.model)
            return make_answer(self.send(candidate.settings, encoded), encoded)
        # Most processes only send.
        from . import in_process

        return in_process.rank(candidate.model, encoded, candidate.settings, self.clock.now)

    async def ask_async(self, candidate: Candidate, encoded: EncodedRequest) -> Answer:
        """Async `ask`, on asyncio or trio."""
        if isinstance(candidate.model, str):
            encoded = encoded.with_model(candidate.model)
            return make_answer(await self.send_async(candidate.settings, encoded), encoded)
        from . import in_process

        return await in_process.rank_async(
            candidate.model, encoded, candidate.settings, self.clock.now
        )

    def _begin(self, settings: Settings, encoded: EncodedRequest) -> Call:
        request = self._sender.build_request(settings, encoded.content)
        return Call(self._sender, request, settings, self.clock, encoded)

    def _begin_async(self, settings: Settings, encoded: EncodedRequest) -> Call:
        request = self._sender.build_async_request(settings, encoded.content)
        return Call(self._sender, request, settings, self.clock, encoded)

    def _begin_cached(
        self,
        cache: AnswerCache,
        settings: Settings,
        encoded: EncodedRequest,
        begin: Callable[[Settings, EncodedRequest], Call],
        *,
        is_async: bool,
    ) -> CachedCall:
        # Most clients have no cache.
        from .cached_call import CachedCall

        self._sender.require_open(is_async=is_async)
        return CachedCall(cache, begin, settings, encoded, self.clock)

    def close(self) -> None:
        """Close the sync connections; the caller's own client stays open."""
        self._sender.is_closed = True
        self._sender.close()

    async def aclose(self) -> None:
        """Close all connections; the caller's own clients stay open."""
        self._sender.is_closed = True
        await self._sender.aclose()
