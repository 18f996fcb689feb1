"""The embedded server as an ASGI application: the contract's one operation."""

import hmac
from collections.abc import Callable, Iterable
from functools import cache

import anyio
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openrouter_rerank.local._calls import RefusedError, decode_call
from openrouter_rerank.local._envelope import Envelope
from openrouter_rerank.local._failing import Failing
from openrouter_rerank.local._faults import Faults
from openrouter_rerank.local._hosts import HostGuard
from openrouter_rerank.local._minilm import MiniLMRanker
from openrouter_rerank.local._ranker import Ranker
from openrouter_rerank.local._replies import encode_results, reply_error, reply_json
from openrouter_rerank.local._work import Workers

BASE_PATH = "/api/v1"
RERANK_PATH = f"{BASE_PATH}/rerank"
MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_BODY_SECONDS = 60.0


def create_app(
    ranker: Ranker | None = None,
    *,
    api_key: str | None = None,
    allowed_hosts: Iterable[str] = (),
    max_body_bytes: int = MAX_BODY_BYTES,
    faults: Faults | None = None,
) -> Starlette:
    """
    Build the application that answers `POST /api/v1/rerank` by ranking on this machine.

    It takes any model name and repeats it in the reply; the ranker is the same for all. Requests
    are judged by the packaged contract; fields that the contract does not know are ignored.
    `app.state.workers.stop()` ends the rankings in progress.

    A request with `Prefer: code=429` gets that error on demand (see `Faults`).

    Args:
        ranker: What scores the documents. None takes `MiniLMRanker`, loaded by the first
            request and shared by all applications of the process.
        api_key: The key that requests must bear; None asks for none.
        allowed_hosts: Names to accept in the `Host` header besides those of the loopback
            interface and the address that a connection came in on.
        max_body_bytes: The largest request body to read, in bytes.
        faults: Which requests are to fail, and how; None fails those alone that ask for it. Only
            the package's own server and client can cut a connection; any other server answers
            500 in its place.

    Returns:
        A Starlette application; it has no lifespan, so it can be mounted or called at once.

    Raises:
        ValueError: `api_key` is empty, or `max_body_bytes` is less than 1.
    """
    if api_key is not None and not api_key:
        raise ValueError("api_key must not be empty; None asks for no key")
    if max_body_bytes < 1:
        raise ValueError("max_body_bytes must be at least 1")
    workers = Workers()
    ranker = share_minilm() if ranker is None else ranker
    endpoint = _Endpoint(ranker, workers, api_key, max_body_bytes)
    app = Starlette(
        routes=[
            Route(
                RERANK_PATH,
                endpoint.answer,
                methods=["POST"],
                middleware=[Middleware(Failing, faults=faults or Faults())],
            )
        ],
        middleware=[Middleware(Envelope), Middleware(HostGuard, names=tuple(allowed_hosts))],
        exception_handlers={HTTPException: _answer_unrouted, RefusedError: _answer_refused},
    )
    app.router.redirect_slashes = False
    app.state.workers = workers
    return app


@cache
def share_minilm() -> MiniLMRanker:
    """Return the process's one `MiniLMRanker`; its model takes some 100 MB of memory."""
    return MiniLMRanker()


class _Endpoint:
    """The operation `createRerank` of the contract."""

    def __init__(
        self, ranker: Ranker, workers: Workers, api_key: str | None, max_body_bytes: int
    ) -> None:
        self._ranker = ranker
        self._workers = workers
        self._api_key = api_key
        self._max_body_bytes = max_body_bytes

    async def answer(self, request: Request) -> Response:
        """Rank the documents of one request."""
        self._check_key(request.headers.get("authorization", ""))
        _check_content_type(request.headers.get("content-type", ""))
        raw = await self._read_body(request)
        call = await run_sync(decode_call, raw)
        generation_id: str = request.state.generation_id

        def work(checkpoint: Callable[[], None]) -> bytes:
            checkpoint()
            ranking = self._ranker.rank(call.query, call.documents, checkpoint=checkpoint)
            return encode_results(call, ranking, generation_id)

        return reply_json(await self._workers.run(request, work), 200)

    def _check_key(self, authorization: str) -> None:
        """Refuse a request without the key (RFC 6750, sections 2.1 and 3)."""
        if self._api_key is None:
            return
        scheme, _, credentials = authorization.partition(" ")
        # As bytes, for compare_digest refuses str beyond ASCII.
        known = hmac.compare_digest(credentials.strip().encode(), self._api_key.encode())
        if scheme.lower() != "bearer" or not known:
            raise RefusedError(
                401,
                "Authorization: this server wants its own API key as a bearer token",
                {"WWW-Authenticate": "Bearer"},
            )

    async def _read_body(self, request: Request) -> bytes:
        """Read the body, and no further than the limits of size and time allow."""
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._max_body_bytes:
            raise self._oversize()
        body = bytearray()
        with anyio.move_on_after(MAX_BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > self._max_body_bytes:
                    raise self._oversize()
            return bytes(body)
        raise RefusedError(408, f"body: did not arrive within {MAX_BODY_SECONDS:.0f} seconds")

    def _oversize(self) -> RefusedError:
        return RefusedError(413, f"body: larger than {self._max_body_bytes} bytes")


def _check_content_type(value: str) -> None:
    """Refuse a body that does not claim to be JSON; RFC 8259, section 11, has no parameters."""
    if value.partition(";")[0].strip().lower() != "application/json":
        raise RefusedError(400, "Content-Type: must be application/json")


async def _answer_refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)  # noqa: S101  Starlette's handlers take any Exception
    return reply_error(error.status, error.message, error.headers)


async def _answer_unrouted(_request: Request, error: Exception) -> Response:
    """Answer 404 and 405, which Starlette's router raises."""
    assert isinstance(error, HTTPException)  # noqa: S101  Starlette's handlers take any Exception
    message = f"{error.detail}: this server answers POST {RERANK_PATH} only"
    return reply_error(error.status_code, message, error.headers)
