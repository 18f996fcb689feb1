"""A client's cache: it never fails a call, and sends equal calls at the same time once."""

from collections.abc import Mapping, Sequence
from weakref import WeakKeyDictionary

import anyio
import anyio.to_thread

from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._events.logging import logger

from .flights import Flights
from .lookups import Destination, DocumentLookup, Lookup, RequestLookup
from .store import Cache


class AnswerCache:
    """
    A cache as calls use it.

    Attributes:
        flights: The calls that are being sent.
    """

    def __init__(self, cache: Cache) -> None:
        """Take where they are kept."""
        self.flights = share_flights(cache)
        self._cache = cache

    def make_lookup(self, destination: Destination, encoded: EncodedRequest) -> Lookup:
        """Return what a call looks up."""
        if self._cache.by == "document":
            return DocumentLookup(self._cache, destination, encoded)
        return RequestLookup(self._cache, destination, encoded)

    def get(self, lookup: Lookup, timeout: float | None) -> Sequence[bytes | None]:
        """Return what was kept, None for each key without; nothing if the cache fails."""
        if not lookup.keys:
            return []
        try:
            found = self._cache.get_many(lookup.keys, timeout)
            require_all(found, lookup)
        except Exception as error:  # noqa: BLE001 - no call fails for its cache
            warn_of_failure(error)
            return [None] * len(lookup.keys)
        else:
            return found

    async def get_async(self, lookup: Lookup, timeout: float | None) -> Sequence[bytes | None]:
        """Async `get`, which gives up at the timeout whatever the cache does."""
        if not self._cache.is_blocking:
            return self.get(lookup, timeout)
        with anyio.move_on_after(timeout):
            return await anyio.to_thread.run_sync(self.get, lookup, timeout, abandon_on_cancel=True)
        return [None] * len(lookup.keys)

    def set(self, entries: Mapping[bytes, bytes], timeout: float | None) -> None:
        """Keep what is to be kept."""
        if not entries:
            return
        try:
            self._cache.set_many(entries, timeout)
        except Exception as error:  # noqa: BLE001 - no call fails for its cache
            warn_of_failure(error)

    async def set_async(self, entries: Mapping[bytes, bytes], timeout: float | None) -> None:
        """Async `set`, which gives up at the timeout whatever the cache does."""
        if not self._cache.is_blocking:
            self.set(entries, timeout)
            return
        with anyio.move_on_after(timeout):
            await anyio.to_thread.run_sync(self.set, entries, timeout, abandon_on_cancel=True)


# Calls of all clients that share a cache wait for each other. No value may hold its key.
_shared: "WeakKeyDictionary[Cache, Flights]" = WeakKeyDictionary()


def share_flights(cache: Cache) -> Flights:
    """Return the flights of a cache, which all clients of this process share."""
    try:
        return _shared.setdefault(cache, Flights())
    except TypeError:
        # It has no hash, or takes no weak reference.
        return Flights()


def require_all(found: Sequence[bytes | None], lookup: Lookup) -> None:
    """
    Refuse what a cache has returned, if it is not one value for each key.

    Raises:
        OSError: It is not.
    """
    if len(found) != len(lookup.keys):
        raise OSError(f"it returned {len(found)} values for {len(lookup.keys)} keys")


def warn_of_failure(error: Exception) -> None:
    """Log that a cache has failed; only the messages of the system's errors hold no secrets."""
    message = f": {error}" if isinstance(error, OSError) else ""
    logger.warning(
        "the cache failed, and the call goes on without it: %s%s", type(error).__name__, message
    )
