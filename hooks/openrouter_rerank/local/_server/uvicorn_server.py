"""uvicorn, started and stopped as the embedded server needs it."""

import asyncio
import logging
import signal
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from openrouter_rerank.local._app.worker_pool import WorkerPool

from .acceptor import accept, find_max_connections
from .connection import PATIENCE, CuttableConnection, Patience

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class GracePeriods:
    """
    How long a server that stops waits for what is in progress.

    Attributes:
        ranking: How long rankings may continue, in seconds. Those that are left get a 503.
        connection: When connections are cut, in seconds; more than `ranking`, so that the 503
            still arrives.
    """

    ranking: float = 1
    connection: int = 2


GRACE_PERIODS = GracePeriods()


class UvicornServer(uvicorn.Server):
    """
    uvicorn that calls back when it has started, and ends rankings when it stops.

    Args:
        app: An application made by `create_app`.
        on_started: Called once the server accepts connections.
        grace_periods: How long it waits when it stops.
        patience: How long it waits for a client.
    """

    def __init__(
        self,
        app: Starlette,
        on_started: Callable[[], None],
        grace_periods: GracePeriods = GRACE_PERIODS,
        patience: Patience = PATIENCE,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                access_log=False,
                lifespan="off",
                log_config=None,
                loop="asyncio",
                server_header=False,
                timeout_graceful_shutdown=grace_periods.connection,
                ws="none",
            )
        )
        self._on_started = on_started
        self._grace_periods = grace_periods
        self._patience = patience
        self._workers: WorkerPool = app.state.workers
        self._accepting: list[asyncio.Task[None]] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then call `on_started`."""
        await super().startup([])
        slots = asyncio.Semaphore(find_max_connections())
        connect = partial(
            CuttableConnection,
            self.config,
            self.server_state,
            self.lifespan.state,
            patience=self._patience,
            is_full=slots.locked,
            on_lost=slots.release,
        )
        self._accepting = [
            asyncio.create_task(accept(listener, slots, connect)) for listener in sockets or []
        ]
        self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let rankings in progress go on for a moment, then stop them and the server."""
        for accepting in self._accepting:
            accepting.cancel()
        loop = asyncio.get_running_loop()
        stop = loop.call_later(self._grace_periods.ranking, self._workers.stop)
        await super().shutdown(sockets)
        stop.cancel()
        self._workers.stop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; at the second signal, do not wait for rankings in progress."""
        if self.should_exit:
            self._workers.stop()
        super().handle_exit(sig, frame)


@contextmanager
def stop_on_signals(server: UvicornServer) -> Generator[None]:
    """
    Let the signals stop the server before uvicorn handles them, and after.

    When uvicorn has stopped, it raises the signals that it caught again, for the handlers that
    were there before. By default those end the process with a traceback or a failure.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_sig: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    before = {sig: signal.signal(sig, stop) for sig in STOP_SIGNALS}
    try:
        yield
    finally:
        for sig, handler in before.items():
            signal.signal(sig, handler)


@contextmanager
def mute_cancellations() -> Generator[None]:
    """Keep uvicorn from logging a traceback for each connection that it cuts when it stops."""

    def is_wanted(record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))

    log = logging.getLogger("uvicorn.error")
    log.addFilter(is_wanted)
    try:
        yield
    finally:
        log.removeFilter(is_wanted)
