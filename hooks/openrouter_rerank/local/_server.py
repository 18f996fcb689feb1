"""The embedded server as a process, and in a thread for tests."""

import asyncio
import logging
import signal
import socket
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from openrouter_rerank.local._app import BASE_PATH, create_app, share_minilm
from openrouter_rerank.local._connections import CuttableConnection
from openrouter_rerank.local._faults import Faults
from openrouter_rerank.local._ranker import Ranker
from openrouter_rerank.local._sockets import find_base_url, open_socket
from openrouter_rerank.local._work import Workers

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8787
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

RANKING_GRACE_SECONDS = 2
"""How long rankings in progress may go on after the signal to stop."""

CONNECTION_GRACE_SECONDS = 4
"""How long after that signal connections are cut."""


def serve(
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    *,
    api_key: str | None = None,
    ranker: Ranker | None = None,
    allowed_hosts: Iterable[str] = (),
    faults: Faults | None = None,
) -> None:
    """
    Serve until SIGINT or SIGTERM, then finish what is in progress and return.

    Once it listens, it prints one line to standard output, the shell command that points a
    client at it: `export OPENROUTER_BASE_URL=http://127.0.0.1:8787/api/v1`.

    Args:
        host: The address to listen on. The default can be reached from this machine alone.
        port: The port to listen on; 0 has the system choose a free one.
        api_key: The key that requests must bear; None asks for none.
        ranker: What scores the documents. None takes `MiniLMRanker`, loaded before it listens.
        allowed_hosts: Names to accept in the `Host` header besides `host`, those of the
            loopback interface and the address that a connection came in on.
        faults: Which requests are to fail, and how; None fails those alone that ask for it.

    Raises:
        MissingExtraError: A package of the extra `local` is not installed.
        ModelFileError: The model's file is not the expected one.
        ServerStartError: The address is in use, unknown or not allowed.
        ValueError: `host` or `api_key` is empty, or `port` is out of range.
    """
    app = create_app(ranker, api_key=api_key, allowed_hosts=[host, *allowed_hosts], faults=faults)
    with open_socket(host, port) as listener:
        base_url = find_base_url(host, listener, BASE_PATH)
        server = _Server(app, lambda: print(f"export OPENROUTER_BASE_URL={base_url}", flush=True))
        with _taking_signals(server), _quiet_cancellation():
            if ranker is None:
                share_minilm().load()
            server.run(sockets=[listener])


@contextmanager
def running(
    ranker: Ranker | None = None,
    *,
    host: str = DEFAULT_HOST,
    api_key: str | None = None,
    allowed_hosts: Iterable[str] = (),
    faults: Faults | None = None,
    app: Starlette | None = None,
) -> Generator[str]:
    """
    Run the server in a thread, on a free port, for as long as the block lasts.

    Args:
        ranker: What scores the documents. None takes `MiniLMRanker`, loaded by the first request.
        host: The address to listen on.
        api_key: The key that requests must bear; None asks for none.
        allowed_hosts: More names to accept in the `Host` header.
        faults: Which requests are to fail, and how; None fails those alone that ask for it.
        app: An application made by `create_app`, to serve instead of one made of `ranker`,
            `api_key`, `allowed_hosts` and `faults`.

    Yields:
        The base URL, ready for `OpenRouter(server_url=...)`.

    Raises:
        MissingExtraError: A package of the extra `local` is not installed.
        ServerStartError: The address is unknown or not allowed.
    """
    app = (
        app
        if app is not None
        else create_app(
            ranker, api_key=api_key, allowed_hosts=[host, *allowed_hosts], faults=faults
        )
    )
    ready = threading.Event()
    with open_socket(host, 0) as listener, _quiet_cancellation():
        server = _Server(app, ready.set)

        def run() -> None:
            try:
                server.run(sockets=[listener])
            finally:
                ready.set()

        base_url = find_base_url(host, listener, BASE_PATH)
        thread = threading.Thread(target=run, name="openrouter-rerank-server", daemon=True)
        thread.start()
        ready.wait()
        try:
            yield base_url
        finally:
            server.should_exit = True
            thread.join()


class _Server(uvicorn.Server):
    """uvicorn, with a call when it has started and an end to rankings when it stops."""

    def __init__(self, app: Starlette, on_started: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                access_log=False,
                http=CuttableConnection,
                lifespan="off",
                log_config=None,
                loop="asyncio",
                server_header=False,
                timeout_graceful_shutdown=CONNECTION_GRACE_SECONDS,
                ws="none",
            )
        )
        self._on_started = on_started
        self._workers: Workers = app.state.workers

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let rankings in progress go on for a moment, then stop them and the server."""
        stop = asyncio.get_running_loop().call_later(RANKING_GRACE_SECONDS, self._workers.stop)
        await super().shutdown(sockets)
        stop.cancel()
        self._workers.stop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; asked a second time, do not wait for rankings in progress."""
        if self.should_exit:
            self._workers.stop()
        super().handle_exit(sig, frame)


@contextmanager
def _taking_signals(server: _Server) -> Generator[None]:
    """
    Have the signals stop the server before uvicorn listens to them, and after.

    uvicorn raises the signals it took once more when it has stopped, so that what was there
    before it acts on them; by default that would end the process with a traceback or a failure.
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
def _quiet_cancellation() -> Generator[None]:
    """Keep uvicorn from logging a traceback for each connection that it cuts when it stops."""

    def is_wanted(record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))

    log = logging.getLogger("uvicorn.error")
    log.addFilter(is_wanted)
    try:
        yield
    finally:
        log.removeFilter(is_wanted)
