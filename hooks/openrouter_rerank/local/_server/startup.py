"""The embedded server as a process, and in a thread for tests."""

import os
import sys
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from functools import partial

from starlette.applications import Starlette

from openrouter_rerank import OpenRouter
from openrouter_rerank.local._app.application import BASE_PATH, create_app
from openrouter_rerank.local._app.page_routes import PAGE_PATH
from openrouter_rerank.local._faults.config import Faults
from openrouter_rerank.local._models.local_ranker import LocalRanker, choose_ranker
from openrouter_rerank.local._models.ranker import Ranker

from .connection import PATIENCE, Patience
from .listener import find_base_url, is_loopback, open_socket
from .uvicorn_server import (
    GRACE_PERIODS,
    GracePeriods,
    UvicornServer,
    mute_cancellations,
    stop_on_signals,
)

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8787


def serve(
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    *,
    model: str | os.PathLike[str] | None = None,
    api_key: str | None = None,
    ranker: Ranker | None = None,
    allowed_hosts: Iterable[str] = (),
    faults: Faults | None = None,
    upstream: OpenRouter | None = None,
    max_cost: float | None = None,
) -> None:
    """
    Serve until SIGINT or SIGTERM, then finish what is in progress and return.

    Once it listens, it prints one line to standard output, the shell command that points a
    client at it: `export OPENROUTER_BASE_URL=http://127.0.0.1:8787/api/v1`. If standard error is a
    terminal, a line there says where the page to try it by hand is.

    Args:
        host: The address to listen on. The default can be reached from this machine alone.
        port: The port to listen on; 0 has the system choose a free one.
        model: The embedded model's name or folder, as `LocalRanker` takes it; None takes `minilm`.
        api_key: The key that requests must bear; None asks for none.
        ranker: What scores the documents instead; None takes that of `model`. A `LocalRanker` is
            loaded before the server accepts connections.
        allowed_hosts: Names to accept in the `Host` header besides `host`, those of the
            loopback interface and the address that a connection came in on.
        faults: Which requests are to fail, and how; None fails only those that ask for it.
        upstream: A client that answers requests for models that are not on this machine, with its
            key. Without `api_key` the server must listen on a loopback address then. None has the
            ranker answer them.
        max_cost: Credits after which `upstream` is asked no more; None sets no limit.

    Raises:
        KeyboardInterrupt: SIGINT came while the model was loaded.
        MissingExtraError: A package of the extra `local` is not installed, or that with the model.
        ModelFileError: The model cannot be loaded, or its file is not the expected one.
        ServerStartError: The address is in use, unknown or not allowed.
        ValueError: `host` or `api_key` is empty, `port` is out of range, there is no such model,
            both `ranker` and `model` are given, `max_cost` is negative or stands alone, or everyone
            who reaches `host` could spend the credits of `upstream`.
    """
    check_access(host, api_key, upstream)
    ranker = choose_ranker(ranker, model)
    app = create_app(
        ranker,
        api_key=api_key,
        allowed_hosts=[host, *allowed_hosts],
        faults=faults,
        upstream=upstream,
        max_cost=max_cost,
    )
    prepare = ranker.load if isinstance(ranker, LocalRanker) else None
    serve_app(app, host, port, prepare=prepare)


def serve_app(
    app: Starlette,
    host: str,
    port: int,
    *,
    prepare: Callable[[], None] | None = None,
    grace_periods: GracePeriods = GRACE_PERIODS,
    patience: Patience = PATIENCE,
) -> None:
    """
    Serve an application made by `create_app`, as `serve` does.

    Args:
        app: The application.
        host: The address to listen on.
        port: The port to listen on; 0 has the system choose a free one.
        prepare: Called before the server accepts connections; signals end it as they end any
            Python program.
        grace_periods: How long the server waits when it stops.
        patience: How long it waits for a client.

    Raises:
        ServerStartError: The address is in use, unknown or not allowed.
        ValueError: `host` is empty, or `port` is out of range.
    """
    with open_socket(host, port) as listener:
        base_url = find_base_url(host, listener, BASE_PATH)
        server = UvicornServer(
            app,
            partial(announce, base_url),
            grace_periods,
            patience,
        )
        if prepare is not None:
            prepare()
        with stop_on_signals(server), mute_cancellations():
            server.run(sockets=[listener])


def check_access(host: str, api_key: str | None, upstream: OpenRouter | None) -> None:
    """
    Check that not everyone can spend the credits of a client.

    Raises:
        ValueError: They can.
    """
    if host and upstream is not None and api_key is None and not is_loopback(host):
        raise ValueError(
            f"everyone who reaches {host} could spend the credits of upstream; ask for a key "
            "(api_key, --api-key-file), or listen on 127.0.0.1"
        )


def announce(base_url: str) -> None:
    """Say where the server is reached, for a shell and for a person."""
    print(f"export OPENROUTER_BASE_URL={base_url}", flush=True)
    # The interpreter sets None when the descriptor is closed.
    if sys.stderr is not None and sys.stderr.isatty():  # pyright: ignore[reportUnnecessaryComparison]
        page = f"{base_url.removesuffix(BASE_PATH)}{PAGE_PATH}"
        print(f"A page to try it by hand: {page}", file=sys.stderr, flush=True)


@contextmanager
def running(
    ranker: Ranker | None = None,
    *,
    model: str | os.PathLike[str] | None = None,
    host: str = DEFAULT_HOST,
    api_key: str | None = None,
    allowed_hosts: Iterable[str] = (),
    faults: Faults | None = None,
    upstream: OpenRouter | None = None,
    max_cost: float | None = None,
    app: Starlette | None = None,
) -> Generator[str]:
    """
    Run the server in a thread, on a free port, for as long as the block lasts.

    Args:
        ranker: What scores the documents. None takes that of `model`.
        model: The embedded model's name or folder, as `LocalRanker` takes it, which is loaded at
            once. None takes `minilm`, loaded by the first request.
        host: The address to listen on.
        api_key: The key that requests must bear; None asks for none.
        allowed_hosts: More names to accept in the `Host` header.
        faults: Which requests are to fail, and how; None fails only those that ask for it.
        upstream: A client that answers for other models, as in `serve`.
        max_cost: Credits after which it is asked no more; None sets no limit.
        app: An application made by `create_app`, to serve instead of one made of the other
            arguments.

    Yields:
        The base URL, ready for `OpenRouter(server_url=...)`.

    Raises:
        MissingExtraError: A package of the extra `local` is not installed, or that with the model.
        ModelFileError: The model that is named cannot be loaded.
        ServerStartError: The address is unknown or not allowed.
        ValueError: There is no such model, both `ranker` and `model` are given, `max_cost` is
            negative or stands alone, or everyone who reaches `host` could spend the credits of
            `upstream`.
    """
    check_access(host, api_key, upstream)
    app = (
        app
        if app is not None
        else create_app(
            ranker,
            model=model,
            api_key=api_key,
            allowed_hosts=[host, *allowed_hosts],
            faults=faults,
            upstream=upstream,
            max_cost=max_cost,
        )
    )
    ready = threading.Event()
    with open_socket(host, 0) as listener, mute_cancellations():
        server = UvicornServer(app, ready.set)

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
