"""The running event loop, of asyncio or trio: work that no task of the caller's waits for."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol

Function = Callable[[], object]
AsyncFunction = Callable[[], Coroutine[Any, Any, None]]

# asyncio itself keeps only weak references to its tasks.
_tasks: set[asyncio.Task[None]] = set()


class EventLoop(Protocol):
    """
    An event loop.

    Attributes:
        handle: What tells it from others.
    """

    handle: Any

    @property
    def is_closed(self) -> bool:
        """Whether nothing runs in it any more."""
        ...

    def spawn(self, function: AsyncFunction) -> None:
        """Start a task; to be called in the event loop."""
        ...

    def call_soon(self, function: Function) -> None:
        """
        Call a function in the event loop, from any thread.

        Raises:
            RuntimeError: The event loop has ended.
        """
        ...

    def call_later(self, seconds: float, function: Function) -> None:
        """Call a function after some time; to be called in the event loop."""
        ...


class AsyncioLoop:
    """An event loop of asyncio."""

    def __init__(self, handle: asyncio.AbstractEventLoop) -> None:
        """Take the loop."""
        self.handle = handle

    @property
    def is_closed(self) -> bool:
        """Whether nothing runs in it any more."""
        return self.handle.is_closed()

    def spawn(self, function: AsyncFunction) -> None:
        """Start a task."""
        task = self.handle.create_task(function())
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)

    def call_soon(self, function: Function) -> None:
        """Call a function in the event loop, from any thread."""
        self.handle.call_soon_threadsafe(function)

    def call_later(self, seconds: float, function: Function) -> None:
        """Call a function after some time."""
        self.handle.call_later(seconds, function)


class TrioLoop:
    """An event loop of trio."""

    is_closed = False

    def __init__(self, handle: Any) -> None:
        """Take the loop's token."""
        self.handle = handle

    def spawn(self, function: AsyncFunction) -> None:
        """Start a task."""
        sys.modules["trio"].lowlevel.spawn_system_task(function)

    def call_soon(self, function: Function) -> None:
        """Call a function in the event loop, from any thread."""
        self.handle.run_sync_soon(function)

    def call_later(self, seconds: float, function: Function) -> None:
        """Call a function after some time."""

        async def wait() -> None:
            await sys.modules["trio"].sleep(seconds)
            function()

        self.spawn(wait)


def find_event_loop() -> EventLoop:
    """
    Return the running event loop.

    Raises:
        RuntimeError: None is running.
    """
    trio = sys.modules.get("trio")
    if trio is not None:
        # Every release of trio has this; a function that only asks is newer.
        with suppress(RuntimeError):
            return TrioLoop(trio.lowlevel.current_trio_token())
    return AsyncioLoop(asyncio.get_running_loop())
