"""Keeping answers in a folder, in a database of SQLite."""

import os
import sqlite3
import time
import weakref
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Self

from openrouter_rerank._codec.values import require_integer, require_positive, require_str

from .fork_lock import ForkLock
from .store import CacheBy, require_by

DEFAULT_MAX_BYTES = 2**30
# An empty database has some pages, too.
LOWEST_MAX_BYTES = 100_000
FILE_NAME = "answers.sqlite3"
# How long opening, and a call without a limit, wait for other processes that write.
PATIENCE_SECONDS = 5.0
MILLISECONDS = 1000
# What goes when the database is full: a tenth, so that not each answer has to make room.
SHARE_TO_DROP = 0.1
SCHEMA = """
    CREATE TABLE IF NOT EXISTS answers (
        key BLOB PRIMARY KEY, value BLOB NOT NULL, stored_at REAL NOT NULL
    )
"""

_caches: "weakref.WeakSet[DiskCache]" = weakref.WeakSet()
# SQLite forbids a forked process even to close a connection that it has inherited.
_inherited: list[sqlite3.Connection] = []


class DiskCache:
    """
    Keeps answers in a folder, for any number of processes on one machine.

    They are in a SQLite database, which stays whole whenever a process is killed. Folder and file
    are for their owner alone. What is kept are scores and what a reply says beside them, such as
    its model; neither the API key, nor the query or the documents, but digests of them. Whoever
    makes the same request gets the answer, **with whichever key, a revoked one included**: give
    each tenant a `namespace` of its own if answers must not be shared.

    The folder must be on a disk of this machine, since SQLite's locks do not work over a network.
    A disk that hangs holds up a sync call beyond its deadline, but not an async one.

    Attributes:
        folder: Where the database is.
        namespace: Keeps apart what must not be shared.
        by: Whether whole answers are kept, or the score of each document.
        max_age: Seconds after which nothing is found any more; None for no limit.
        is_blocking: True, so async calls use it in a thread.
    """

    is_blocking = True
    _connection: sqlite3.Connection | None = None

    def __init__(
        self,
        folder: str | os.PathLike[str],
        max_bytes: int = DEFAULT_MAX_BYTES,
        max_age: float | None = None,
        *,
        namespace: str = "",
        by: CacheBy = "request",
    ) -> None:
        """
        Open the cache of a folder, which is made if it is missing.

        Args:
            folder: Where the database is.
            max_bytes: How large it may grow, at least 100,000; the oldest answers go first.
            max_age: Seconds after which nothing is found any more; None for no limit.
            namespace: Part of what answers are found by.
            by: "request" keeps each answer as a whole: only the same request finds it. "document"
                keeps the score of each document, and sends only those that have none, without
                `top_n`, which is applied here. **That is sound only for models that score each
                document by itself**, as cross-encoders do. Scores of two models or providers never
                meet in one ranking: if another one than before answers, all documents are sent once
                more, and both requests are paid. A model that is billed by the search costs one
                whenever a document is new.

        Raises:
            OSError: The folder or its file cannot be made, or read, or is no such database.
            TypeError: An argument has the wrong type.
            ValueError: An argument has a value that cannot work.
        """
        self.namespace = require_str(namespace, "namespace")
        self.by: CacheBy = require_by(by)
        self.max_age = None if max_age is None else require_positive(max_age, "max_age")
        self._max_bytes = require_integer(max_bytes, "max_bytes", LOWEST_MAX_BYTES)
        self.folder = Path(folder).absolute()
        self._path = self.folder / FILE_NAME
        self._lock = ForkLock()
        _caches.add(self)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives the files that it adds the mode of this one. A link would have been planted.
        no_link: int = getattr(os, "O_NOFOLLOW", 0)
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | no_link, 0o600))
        with self._connect(None) as connection:
            connection.execute(SCHEMA)

    def get_many(
        self, keys: Sequence[bytes], timeout: float | None = None
    ) -> Sequence[bytes | None]:
        """Return the value of each key, None for one that is not there or too old."""
        oldest = 0.0 if self.max_age is None else time.time() - self.max_age
        found: list[bytes | None] = []
        with self._connect(timeout) as connection:
            for key in keys:
                row = connection.execute(
                    "SELECT value FROM answers WHERE key = ? AND stored_at >= ?", (key, oldest)
                ).fetchone()
                found.append(None if row is None else row[0])
        return found

    def set_many(self, entries: Mapping[bytes, bytes], timeout: float | None = None) -> None:
        """Keep values, all or none of them; what is too large for the whole cache is not kept."""
        now = time.time()
        rows = [(key, value, now) for key, value in entries.items() if len(value) < self._max_bytes]
        with self._connect(timeout) as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", rows)
            self._make_room(connection)

    def close(self) -> None:
        """Close the database; the next use opens it again."""
        with self._lock.hold():
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def __del__(self) -> None:
        """Close the database of a cache that nobody holds any more, of which 3.13 would warn."""
        if self._connection is not None:
            self._connection.close()

    def leave_connection(self) -> None:
        """Open another connection with the next use; this one is another process's."""
        if self._connection is not None:
            _inherited.append(self._connection)
            self._connection = None

    def __enter__(self) -> Self:
        """Return the cache."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the database."""
        self.close()

    def __repr__(self) -> str:
        """Name the folder, what is kept and the limits."""
        return (
            f"DiskCache({str(self.folder)!r}, max_bytes={self._max_bytes}, "
            f"max_age={self.max_age}, by={self.by!r})"
        )

    def __copy__(self) -> Self:
        """Return the cache itself."""
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        """Return the cache itself, so that an object that holds one can be copied."""
        return self

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[object, ...]]:
        """Pickle it as what opens the same folder."""
        reopen = partial(type(self), namespace=self.namespace, by=self.by)
        return reopen, (self.folder, self._max_bytes, self.max_age)

    @contextmanager
    def _connect(self, timeout: float | None) -> Generator[sqlite3.Connection]:
        """
        Lend the process's one connection.

        Raises:
            OSError: The database cannot be used, or another thread or process uses it for too long.
        """
        ends_at = time.monotonic() + (PATIENCE_SECONDS if timeout is None else timeout)
        with self._lock.hold(ends_at - time.monotonic()):
            try:
                if self._connection is None:
                    self._connection = self._open()
                left = max(0.0, ends_at - time.monotonic())
                self._connection.execute(f"PRAGMA busy_timeout = {int(left * MILLISECONDS)}")
                yield self._connection
            except sqlite3.Error as error:
                raise OSError(f"cannot use the cache {self._path}: {error}") from error

    def _open(self) -> sqlite3.Connection:
        """Open the database, in which readers never wait for a writer."""
        connection = sqlite3.connect(
            self._path, timeout=PATIENCE_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
            if mode != "wal":
                connection.execute("PRAGMA journal_mode = wal")
            # Whole whatever happens; what was kept last may be lost if the machine loses power.
            connection.execute("PRAGMA synchronous = normal")
        except BaseException:
            connection.close()
            raise
        return connection

    def _make_room(self, connection: sqlite3.Connection) -> None:
        """Drop the oldest answers while the database is too large."""
        while count_used_bytes(connection) > self._max_bytes:
            (count,) = connection.execute("SELECT count(*) FROM answers").fetchone()
            connection.execute(
                # What is kept again has a new row.
                "DELETE FROM answers WHERE rowid IN "
                "(SELECT rowid FROM answers ORDER BY rowid LIMIT ?)",
                (max(1, int(count * SHARE_TO_DROP)),),
            )


def leave_connections() -> None:
    """Leave all connections to the process from which this one was forked."""
    for cache in _caches:
        cache.leave_connection()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no forks
    os.register_at_fork(after_in_child=leave_connections)


def count_used_bytes(connection: sqlite3.Connection) -> int:
    """Count the bytes of the pages that hold something."""
    size, pages, free = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_size", "page_count", "freelist_count")
    )
    return int(size * (pages - free))
