"""What all tests share: the event loops to run on, and property tests that repeat themselves."""

import gc
import logging
import os
import pickle
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from forking.processes import ForkServer
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parent
# Where a report stands among what xdist adds to it.
PACKED = "packed"

settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None]:
    """
    Collect tests without the garbage collector, and leave them and their imports out of it.

    They live to the end, and are most of the objects that it would look at again and again.
    """
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


# The files that take longest, first the one that mostly waits for processes of Ray's: what is begun
# late keeps one process busy when the others have nothing left.
FIRST = (
    "packaging/test_ray_job.py",
    "documentation/test_framework_pages.py",
    "documentation/test_pages.py",
    "regeneration/test_variants.py",
    "integration/client/fault_tables/test_faults.py",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, and leave the order of all others as it is."""
    places = {TESTS / name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Take one process more than there are processors, for while one of them waits."""
    return (yield) + 1


# xdist would write a report and read it again value by value, which took longer than a short test.
@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, object, dict[str, bytes]]:
    """Send a report to the controlling process as one value."""
    return {PACKED: pickle.dumps((yield))}


@pytest.hookimpl(wrapper=True)
def pytest_report_from_serializable(data: dict[str, Any]) -> Generator[None, object, object]:
    """Unpack a report that a process of ours sent."""
    data.update(pickle.loads(data.pop(PACKED)))  # noqa: S301 - our own process sent it
    return (yield)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Name the event loop that an async test runs on."""
    return str(request.param)


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    """Give what runs the command as processes that are quick to start."""
    server = ForkServer()
    yield server
    server.close()


# What every key in the tests begins with.
KEY_PREFIX = "sk-or-"
WATCHED_LOGGERS = ("openrouter_rerank", "httpx", "httpcore")


class Watch(logging.Handler):
    """Keeps the lines in which a key stands, tracebacks included."""

    def __init__(self) -> None:
        """Begin with none."""
        super().__init__(logging.DEBUG)
        self.leaks: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Look at a line."""
        line = self.format(record)
        if KEY_PREFIX in line:
            self.leaks.append(line)

    def listen(self) -> None:
        """Hear all lines again, whatever a test did to the loggers."""
        for name in WATCHED_LOGGERS:
            logger = logging.getLogger(name)
            logger.addHandler(self)
            # Setting a level is dear, since all loggers forget what they know of theirs.
            if logger.level != logging.DEBUG:
                logger.setLevel(logging.DEBUG)


WATCH = Watch()


# Hooks rather than a fixture for all tests: the bookkeeping of one is a seventh of a short test.
@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Look for keys in what a test logs, at whatever level."""
    WATCH.leaks.clear()
    WATCH.listen()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown() -> Generator[None]:
    """Fail every test in which a key reached a log."""
    yield
    assert WATCH.leaks == []


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Remove the variables that the client reads, and give what sets them for one test."""
    for name in list(os.environ):
        if name.startswith("OPENROUTER_"):
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture
def set_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Give a function that sets this process's time zone for one test."""

    def set_zone(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield set_zone
    monkeypatch.undo()
    time.tzset()
