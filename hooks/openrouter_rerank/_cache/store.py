"""What a place for answers has to be: the protocol `Cache`."""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, TypeAlias, get_args, runtime_checkable

CacheBy: TypeAlias = Literal["request", "document"]


@runtime_checkable
class Cache(Protocol):
    """
    Keeps answers, such as `MemoryCache` and `DiskCache` do; write your own for another place.

    Keys are digests of 32 bytes, values are JSON of ours. It may be called from several threads at
    once. What it raises is logged, and the call goes on as if nothing had been kept.
    """

    @property
    def namespace(self) -> str:
        """Keeps apart what must not be shared, such as the answers of two tenants."""
        ...

    @property
    def by(self) -> CacheBy:
        """Whether whole answers are kept, or the score of each document; see `DiskCache`."""
        ...

    @property
    def max_age(self) -> float | None:
        """Seconds after which nothing is found any more; None for no limit."""
        ...

    @property
    def is_blocking(self) -> bool:
        """Whether it may wait, as for a disk or a server; an async call then uses a thread."""
        ...

    def get_many(self, keys: Sequence[bytes], timeout: float | None, /) -> Sequence[bytes | None]:
        """
        Return the value of each key, None for one that is not there.

        Args:
            keys: At least one.
            timeout: Seconds that it may take; None for no limit.
        """
        ...

    def set_many(self, entries: Mapping[bytes, bytes], timeout: float | None, /) -> None:
        """Keep values, in place of what had the same keys; `timeout` as for `get_many`."""
        ...


def require_by(by: CacheBy) -> CacheBy:
    """
    Return what is kept.

    Raises:
        ValueError: It is unknown.
    """
    if by not in get_args(CacheBy):
        raise ValueError(f"by: expected 'request' or 'document', got {by!r}")
    return by
