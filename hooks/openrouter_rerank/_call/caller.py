"""The calls of the public client, from the encoded body to the reply."""

from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._codec.response import Reply
from openrouter_rerank._events.logging import warn_of_unranked
from openrouter_rerank.operations import CreateRerankResponseBody

from .arguments import RerankOptions, resolve
from .call import Call
from .clock import SYSTEM_CLOCK
from .config import Settings
from .sender import Sender


class Caller:
    """
    Makes the calls of a client.

    Attributes:
        clock: Time and random numbers; fakes replace it.
    """

    def __init__(self, settings: Settings, sender: Sender) -> None:
        """Take the settings and what sends the requests."""
        self.clock = SYSTEM_CLOCK
        self._settings = settings
        self._sender = sender

    def resolve(self, options: RerankOptions) -> Settings:
        """
        Return the settings of one call.

        Raises:
            TypeError: An option is unknown or has the wrong type.
            ValueError: An option has a value that cannot work.
        """
        return resolve(self._settings, options)

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

    def begin(self, settings: Settings, encoded: EncodedRequest) -> Call:
        """
        Prepare a sync call; nothing is sent yet.

        Raises:
            ClientClosedError: The client is closed.
        """
        request = self._sender.build_request(settings, encoded.content)
        return Call(self._sender, request, settings, self.clock, encoded)

    def begin_async(self, settings: Settings, encoded: EncodedRequest) -> Call:
        """Prepare an async call; see `begin`."""
        request = self._sender.build_async_request(settings, encoded.content)
        return Call(self._sender, request, settings, self.clock, encoded)

    def send(self, settings: Settings, encoded: EncodedRequest) -> Reply:
        """
        Send a request, with retries, and return its success.

        Raises:
            OpenRouterError: The call ended in an error.
        """
        return self.begin(settings, encoded).run()

    async def send_async(self, settings: Settings, encoded: EncodedRequest) -> Reply:
        """Async `send`, on asyncio or trio."""
        return await self.begin_async(settings, encoded).run_async()

    def rank(self, settings: Settings, encoded: EncodedRequest) -> CreateRerankResponseBody:
        """
        Send a request, with retries, and return its reply, with the caller's own positions.

        Raises:
            OpenRouterError: The call ended in an error.
        """
        warn_of_unranked(encoded.set_aside)
        if not encoded.documents:
            return encoded.make_empty_response()
        return self.send(settings, encoded).decode(encoded)

    async def rank_async(
        self, settings: Settings, encoded: EncodedRequest
    ) -> CreateRerankResponseBody:
        """Async `rank`, on asyncio or trio."""
        warn_of_unranked(encoded.set_aside)
        if not encoded.documents:
            return encoded.make_empty_response()
        reply = await self.send_async(settings, encoded)
        return reply.decode(encoded)

    def close(self) -> None:
        """Close the sync connections; the caller's own client stays open."""
        self._sender.is_closed = True
        self._sender.close()

    async def aclose(self) -> None:
        """Close all connections; the caller's own clients stay open."""
        self._sender.is_closed = True
        await self._sender.aclose()
