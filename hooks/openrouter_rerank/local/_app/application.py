"""The embedded server as an ASGI application: its routes and middleware."""

import os
from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openrouter_rerank import OpenRouter
from openrouter_rerank.local._contract.document import read_contract
from openrouter_rerank.local._faults.config import Faults
from openrouter_rerank.local._faults.middleware import FaultMiddleware
from openrouter_rerank.local._models.local_ranker import choose_ranker
from openrouter_rerank.local._models.named_rankers import NamedRankers
from openrouter_rerank.local._models.ranker import Ranker
from openrouter_rerank.local._page.files import read_files
from openrouter_rerank.local._replies import reply_error
from openrouter_rerank.local._requests.host_check import HostCheckMiddleware
from openrouter_rerank.local._requests.origin_check import OriginCheckMiddleware
from openrouter_rerank.local._requests.refusal import RefusedError
from openrouter_rerank.local._requests.request_target import RequestTargetMiddleware

from .endpoint import Endpoint
from .generation_id import GenerationIdMiddleware
from .page_routes import PageEndpoints
from .unexpected_errors import UnexpectedErrorMiddleware
from .upstream import Upstream
from .worker_pool import WorkerPool

BASE_PATH = "/api/v1"
RERANK_PATH = f"{BASE_PATH}/rerank"
MAX_BODY_BYTES = 16 * 1024 * 1024


def create_app(
    ranker: Ranker | None = None,
    *,
    model: str | os.PathLike[str] | None = None,
    api_key: str | None = None,
    allowed_hosts: Iterable[str] = (),
    max_body_bytes: int = MAX_BODY_BYTES,
    faults: Faults | None = None,
    upstream: OpenRouter | None = None,
    max_cost: float | None = None,
) -> Starlette:
    """
    Build the application that answers `POST /api/v1/rerank` by ranking on this machine.

    It takes any model name and repeats it in the reply. `local/NAME`, such as `local/bge-small`,
    is ranked by that embedded model, any other by the ranker; a ranker of your own answers all.
    Requests are checked against the packaged contract; fields that it does not know are ignored.
    `app.state.workers.stop()` ends the rankings in progress.

    `GET /` is a page to try rankings by hand. What a browser sends for a page of another origin
    gets a 403.

    A request with `Prefer: code=429` gets that error on demand (see `Faults`).

    Args:
        ranker: What scores the documents. None takes that of `model`.
        model: The embedded model's name or folder, as `LocalRanker` takes it, which is loaded at
            once. None takes `minilm`, loaded by the first request. All applications of the process
            share a model.
        api_key: The key that requests must bear; None asks for none.
        allowed_hosts: Names to accept in the `Host` header besides those of the loopback
            interface and the address that a connection came in on.
        max_body_bytes: The largest request body to read, in bytes.
        faults: Which requests are to fail, and how; None fails only those that ask for it. Only
            the package's own server and client can cut a connection; any other server answers
            500 instead.
        upstream: A client that answers requests for models that are not on this machine, with its
            key; everyone who reaches the server may use it. It is not closed. None has the ranker
            answer them.
        max_cost: Credits after which `upstream` is asked no more; such requests get a 402. With a
            limit they are sent one at a time, so that it is exceeded by one at most. None sets no
            limit.

    Returns:
        A Starlette application; it has no lifespan, so it can be mounted or called at once.

    Raises:
        DataFileError: The package lacks the contract, the page or the vocabulary of the model.
        MissingExtraError: The package with the model is not installed.
        ModelFileError: The model that is named cannot be loaded, or a file of the model is missing.
        ValueError: `api_key` is empty, `max_body_bytes` is less than 1, `max_cost` is negative or
            stands alone, there is no such model, or both `ranker` and `model` are given.
    """
    if api_key is not None and not api_key:
        raise ValueError("api_key must not be empty; None asks for no key")
    if max_body_bytes < 1:
        raise ValueError("max_body_bytes must be at least 1")
    if max_cost is not None and upstream is None:
        raise ValueError("max_cost: without upstream nothing costs anything")
    # If a request read them first, a missing one would only show as an internal server error.
    read_contract()
    read_files()
    rankers = NamedRankers(choose_ranker(ranker, model))
    workers = WorkerPool()
    paid = None if upstream is None else Upstream(upstream, max_cost)
    endpoint = Endpoint(rankers, workers, api_key, max_body_bytes, paid)
    page = PageEndpoints(rankers, workers, api_key, max_body_bytes, paid)
    app = Starlette(
        routes=[
            Route(
                RERANK_PATH,
                endpoint.answer,
                methods=["POST"],
                middleware=[Middleware(FaultMiddleware, faults=faults or Faults())],
            ),
            *page.list_routes(),
        ],
        middleware=[
            Middleware(GenerationIdMiddleware),
            Middleware(UnexpectedErrorMiddleware),
            Middleware(RequestTargetMiddleware),
            Middleware(HostCheckMiddleware, names=tuple(allowed_hosts)),
            Middleware(OriginCheckMiddleware),
        ],
        exception_handlers={HTTPException: _answer_unrouted, RefusedError: _answer_refused},
    )
    app.router.redirect_slashes = False
    app.state.workers = workers
    return app


async def _answer_refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)  # noqa: S101  Starlette's handlers take any Exception
    return reply_error(error.status, error.message, error.headers)


async def _answer_unrouted(_request: Request, error: Exception) -> Response:
    """Answer 404 and 405, which Starlette's router raises."""
    assert isinstance(error, HTTPException)  # noqa: S101  Starlette's handlers take any Exception
    message = f"{error.detail}: this server answers POST {RERANK_PATH}, and GET / with a page"
    return reply_error(error.status_code, message, error.headers)
