"""The two places where answers are kept."""

import copy
import gc
import os
import pickle
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from openrouter_rerank import Cache, DiskCache, MemoryCache

Make = Callable[..., "MemoryCache | DiskCache"]
KEY, OTHER = b"k" * 32, b"o" * 32
PATIENCE = 10.0


@pytest.fixture(params=["memory", "disk"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Give each kind of cache in turn."""

    def make_cache(*arguments: Any, **options: Any) -> MemoryCache | DiskCache:
        if request.param == "memory":
            return MemoryCache(*arguments, **options)
        return DiskCache(tmp_path, *arguments, **options)

    return make_cache


def test_what_is_kept_is_found(make: Make) -> None:
    """Values come back in the order of their keys, None for what is not there; the last counts."""
    cache = make()
    assert isinstance(cache, Cache)
    assert cache.get_many([KEY]) == [None]
    cache.set_many({KEY: b"one", OTHER: b"\x00\xff"})
    cache.set_many({KEY: b"two"})
    assert cache.get_many([OTHER, b"x" * 32, KEY]) == [b"\x00\xff", None, b"two"]


def test_old_values_are_not_found(make: Make) -> None:
    """After `max_age` a value is gone."""
    cache = make(max_age=0.05)
    cache.set_many({KEY: b"one"})
    ends_at = time.monotonic() + PATIENCE
    while cache.get_many([KEY]) != [None]:
        assert time.monotonic() < ends_at
        time.sleep(0.001)
    cache = make(max_age=1000)
    cache.set_many({KEY: b"one"})
    assert cache.get_many([KEY]) == [b"one"]


@pytest.mark.parametrize("max_bytes", [100_000])
def test_size_is_limited(make: Make, max_bytes: int) -> None:
    """The oldest go first, and what is larger than the whole cache is not kept."""
    cache = make(max_bytes)
    keys = [number.to_bytes(32) for number in range(400)]
    for key in keys:
        cache.set_many({key: bytes(1000)})
    found = [value is not None for value in cache.get_many(keys)]
    assert 20 < sum(found) <= 100
    assert found == sorted(found)
    cache.set_many({KEY: bytes(max_bytes)})
    assert cache.get_many([KEY]) == [None]
    assert cache.get_many([keys[-1]]) == [bytes(1000)]


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"max_bytes": 0}, ValueError, "max_bytes: must be at least 1"),
        ({"max_age": 0}, ValueError, "max_age: must be above 0"),
        ({"max_age": "1"}, TypeError, "max_age: expected a number"),
        ({"namespace": 1}, TypeError, "namespace: expected str"),
        ({"by": "query"}, ValueError, "by: expected 'request' or 'document', got 'query'"),
    ],
)
def test_wrong_limits_are_refused(
    make: Make, options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    """Each argument is checked, and named."""
    with pytest.raises(kind, match=message):
        make(**options)


def test_copies_are_the_cache_itself(make: Make) -> None:
    """An object that holds a cache can be copied; the copy shares it."""
    cache = make()
    assert copy.copy(cache) is cache
    assert copy.deepcopy([cache])[0] is cache


def test_pickles_have_the_same_settings(make: Make) -> None:
    """Another process opens the same folder, or starts with an empty memory."""
    cache = make(500_000, 60, namespace="n", by="document")
    cache.set_many({KEY: b"one"})
    again = pickle.loads(pickle.dumps(cache))  # noqa: S301  our own bytes
    assert (again.namespace, again.by, again.max_age) == ("n", "document", 60)
    assert repr(again) == repr(cache)
    assert again.get_many([KEY]) == [b"one" if isinstance(cache, DiskCache) else None]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no forks")
def test_forked_process_goes_on(make: Make) -> None:
    """A fork while other threads use the cache leaves it usable in both processes."""
    import posix  # Windows has none.

    cache = make()
    cache.set_many({KEY: b"one"})
    is_over = threading.Event()

    def use() -> None:
        while not is_over.is_set():
            cache.set_many({OTHER: b"two"})
            cache.get_many([KEY, OTHER])

    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    statuses: list[int] = []
    try:
        for _ in range(5):
            child = os.fork()
            if child == 0:
                # Whatever happens, the tests must not go on here.
                status = 1
                try:
                    cache.set_many({OTHER: b"three"}, 5)
                    kept, other = cache.get_many([KEY, OTHER], 5)
                    status = 0 if kept == b"one" and other in {b"two", b"three"} else 2
                finally:
                    # Not `os._exit`: coverage makes it wait for a lock of its own, which a thread
                    # that this process does not have may have held at the fork.
                    posix._exit(status)  # pyright: ignore[reportPrivateUsage]
            statuses.append(os.waitpid(child, 0)[1])
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
    assert statuses == [0] * 5
    assert cache.get_many([KEY]) == [b"one"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no forks")
def test_forked_process_closes_its_own_connection_only(tmp_path: Path) -> None:
    """Whatever a forked process does with the cache, the one it was forked from goes on."""
    cache, closed = DiskCache(tmp_path), DiskCache(tmp_path)
    closed.close()
    cache.set_many({KEY: b"one"})
    child = os.fork()
    if child == 0:
        # Whatever happens, the tests must not go on here.
        status = 1
        try:
            cache.close()
            cache.set_many({OTHER: b"two"}, 5)
            cache.close()
            del cache
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert cache.get_many([KEY, OTHER]) == [b"one", b"two"]
    cache.set_many({KEY: b"three"})
    assert DiskCache(tmp_path).get_many([KEY, OTHER]) == [b"three", b"two"]


def test_folder_is_for_its_owner(tmp_path: Path) -> None:
    """Neither the folder nor any file in it can be read by others."""
    cache = DiskCache(tmp_path / "new" / "folder")
    cache.set_many({KEY: b"one"})
    files = list(cache.folder.iterdir())
    assert stat.S_IMODE(cache.folder.stat().st_mode) == 0o700
    assert len(files) > 1
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_planted_link_is_not_followed(tmp_path: Path) -> None:
    """A link in the file's place is refused, and what it points to stays as it is."""
    other = tmp_path / "other"
    (tmp_path / "answers.sqlite3").symlink_to(other)
    with pytest.raises(OSError, match=r"answers\.sqlite3"):
        DiskCache(tmp_path)
    assert not other.exists()


def test_closed_cache_opens_again(tmp_path: Path) -> None:
    """Closing leaves one whole file, and the next use opens it."""
    with DiskCache(tmp_path) as cache:
        cache.set_many({KEY: b"one"})
    assert [file.name for file in tmp_path.iterdir()] == ["answers.sqlite3"]
    assert cache.get_many([KEY]) == [b"one"]
    cache.close()
    cache.close()


def test_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """A file in the folder's place, and a file that is no database, are named."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file"):
        DiskCache(tmp_path / "file")
    (tmp_path / "answers.sqlite3").write_bytes(b"no database" * 1000)
    with pytest.raises(OSError, match=r"cannot use the cache .*answers\.sqlite3: .*not a database"):
        DiskCache(tmp_path)


def test_waits_end_in_time(tmp_path: Path) -> None:
    """Another process that writes holds up no reader, and a writer no longer than it may wait."""
    cache = DiskCache(tmp_path)
    cache.set_many({KEY: b"one"})
    other = sqlite3.connect(tmp_path / "answers.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert cache.get_many([KEY], 0) == [b"one"]
    began_at = time.monotonic()
    with pytest.raises(OSError, match="locked"):
        cache.set_many({KEY: b"two"}, 0.05)
    assert 0.04 < time.monotonic() - began_at < PATIENCE / 2
    other.execute("ROLLBACK")
    other.close()
    cache.set_many({KEY: b"two"}, 0)
    assert cache.get_many([KEY], 0) == [b"two"]


def test_busy_thread_is_not_waited_for_longer(make: Make) -> None:
    """Another thread that holds the cache holds up nobody beyond the time that he has."""
    cache = make()
    with cache._lock.hold():  # pyright: ignore[reportPrivateUsage]
        with pytest.raises(TimeoutError, match="in use by another thread"):
            cache.get_many([KEY], 0.01)
        with pytest.raises(TimeoutError, match="in use by another thread"):
            cache.set_many({KEY: b"one"}, 0)
    assert cache.get_many([KEY], 0) == [None]


def test_full_disk_is_an_error_and_loses_nothing(tmp_path: Path) -> None:
    """When the disk has no room, what was kept stays, and the error says which file."""
    script = f"""
import resource, signal
from openrouter_rerank import DiskCache
cache = DiskCache({str(tmp_path)!r})
cache.set_many({{b"k" * 32: b"one"}})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    cache.set_many({{bytes(32): bytes(1_000_000)}})
except OSError as error:
    print(error)
assert cache.get_many([b"k" * 32]) == [b"one"]
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert "cannot use the cache" in done.stdout
    assert DiskCache(tmp_path).get_many([KEY, bytes(32)]) == [b"one", None]


WRITER = """
import sys
from hashlib import sha256
from openrouter_rerank import DiskCache
cache = DiskCache(sys.argv[1])
print("begun", flush=True)
number = int(sys.argv[2])
while True:
    keys = [sha256(b"%d" % (number + step)).digest() for step in range(50)]
    cache.set_many({key: key * 100 for key in keys}, 60)
    found = cache.get_many(keys, 60)
    assert all(value in (None, key * 100) for key, value in zip(keys, found)), "wrong value"
    number += 7
"""


def test_killed_writers_leave_it_whole(tmp_path: Path) -> None:
    """Whatever moment processes are killed at, only whole values are read afterwards."""
    for round_number in range(3):
        with ExitStack() as killed:
            writers = [
                subprocess.Popen(
                    [sys.executable, "-c", WRITER, str(tmp_path), str(1000 * round_number + start)],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
                for start in range(3)
            ]
            for writer in writers:
                killed.callback(writer.kill)
                assert writer.stdout is not None
                assert writer.stdout.readline() == b"begun\n"
        for writer in writers:
            _, errors = writer.communicate()
            assert errors == b""
        connection = sqlite3.connect(tmp_path / "answers.sqlite3")
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = connection.execute("SELECT key, value FROM answers").fetchall()
        connection.close()
        assert all(value == key * 100 for key, value in rows)


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without cachetools, the message says what to install."""
    monkeypatch.setitem(sys.modules, "cachetools", None)
    with pytest.raises(ImportError, match=r'pip install "openrouter-rerank\[cache\]"'):
        MemoryCache()


def test_dropped_cache_closes_its_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that nobody holds any more leaves no open connection, of which 3.13 would warn."""
    closed: list[str] = []

    class Connection(sqlite3.Connection):
        """Tells when it is closed, which its end alone would not."""

        def close(self) -> None:
            closed.append("closed")
            super().close()

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Connection))
    cache = DiskCache(tmp_path)
    cache.set_many({KEY: b"value"})
    assert closed == []

    del cache
    gc.collect()

    assert closed == ["closed"]
