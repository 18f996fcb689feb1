"""Keeping answers in this process."""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from functools import partial
from typing import Self

from openrouter_rerank._codec.values import require_count, require_positive, require_str

from .fork_lock import ForkLock
from .store import CacheBy, require_by

DEFAULT_MAX_BYTES = 64 * 2**20


class MemoryCache:
    """
    Keeps answers in this process; those that were used longest ago go first.

    It may be shared by clients, threads and tasks. A forked process goes on with a copy. It needs
    the extra `cache`: `pip install "openrouter-rerank[cache]"`.

    Attributes:
        namespace: Keeps apart what must not be shared.
        by: Whether whole answers are kept, or the score of each document.
        max_age: Seconds after which nothing is found any more; None for no limit.
        is_blocking: False.
    """

    is_blocking = False

    def __init__(
        self,
        max_bytes: int = DEFAULT_MAX_BYTES,
        max_age: float | None = None,
        *,
        namespace: str = "",
        by: CacheBy = "request",
    ) -> None:
        """
        Start empty.

        Args:
            max_bytes: The most bytes of keys and values to keep, at least 1.
            max_age: Seconds after which nothing is found any more; None for no limit.
            namespace: Keeps apart what must not be shared; see `DiskCache`.
            by: What is kept; see `DiskCache`.

        Raises:
            ImportError: The extra `cache` is not installed.
            TypeError: An argument has the wrong type.
            ValueError: An argument has a value that cannot work.
        """
        try:
            from cachetools import LRUCache, TTLCache
        except ImportError as error:
            raise ImportError(
                'MemoryCache needs the extra cache: pip install "openrouter-rerank[cache]"'
            ) from error
        self.namespace = require_str(namespace, "namespace")
        self.by: CacheBy = require_by(by)
        self.max_age = None if max_age is None else require_positive(max_age, "max_age")
        self._max_bytes = require_count(max_bytes, "max_bytes")
        self._lock = ForkLock()
        self._entries: MutableMapping[bytes, bytes] = (
            LRUCache[bytes, bytes](self._max_bytes, count_bytes)
            if self.max_age is None
            else TTLCache[bytes, bytes, float](self._max_bytes, self.max_age, getsizeof=count_bytes)
        )

    def get_many(
        self, keys: Sequence[bytes], timeout: float | None = None
    ) -> Sequence[bytes | None]:
        """Return the value of each key, None for one that is not there."""
        with self._lock.hold(timeout):
            return [self._entries.get(key) for key in keys]

    def set_many(self, entries: Mapping[bytes, bytes], timeout: float | None = None) -> None:
        """Keep values; one that is larger than the whole cache is not kept."""
        with self._lock.hold(timeout):
            for key, value in entries.items():
                if count_bytes(value) <= self._max_bytes:
                    self._entries[key] = value

    def __copy__(self) -> Self:
        """Return the cache itself."""
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        """Return the cache itself, so that an object that holds one can be copied."""
        return self

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[object, ...]]:
        """Pickle it as an empty one with the same limits: another process has its own answers."""
        reopen = partial(type(self), namespace=self.namespace, by=self.by)
        return reopen, (self._max_bytes, self.max_age)

    def __repr__(self) -> str:
        """Name what is kept and the limits."""
        return f"MemoryCache(max_bytes={self._max_bytes}, max_age={self.max_age}, by={self.by!r})"


# A key of 32 bytes, and what Python needs around it and its value.
ENTRY_BYTES = 200


def count_bytes(value: bytes) -> int:
    """Count what a value takes with its key."""
    return len(value) + ENTRY_BYTES
