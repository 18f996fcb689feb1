"""The contract's one operation."""

import hmac
from collections.abc import Callable

import anyio
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response

from openrouter_rerank.local._models.ranker import Ranker
from openrouter_rerank.local._replies import reply_json
from openrouter_rerank.local._requests.decoding import decode_request
from openrouter_rerank.local._requests.refusal import RefusedError

from .results import encode_results
from .worker_pool import WorkerPool

MAX_BODY_SECONDS = 60.0


class Endpoint:
    """The operation `createRerank` of the contract."""

    def __init__(
        self, ranker: Ranker, workers: WorkerPool, api_key: str | None, max_body_bytes: int
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
        call = await run_sync(decode_request, raw)
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
