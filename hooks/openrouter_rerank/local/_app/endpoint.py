"""The operation `createRerank` of the contract."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from openrouter_rerank.local._models.ranker import Ranker
from openrouter_rerank.local._replies import reply_json
from openrouter_rerank.local._requests.authorization import check_key
from openrouter_rerank.local._requests.body import check_content_type, read_body
from openrouter_rerank.local._requests.decoding import decode_request

from .results import encode_results
from .worker_pool import WorkerPool


class Endpoint:
    """
    Reads a request, and has a worker check it, rank its documents and build the reply.

    Args:
        ranker: What scores the documents.
        workers: Where rankings run.
        api_key: The key that requests must bear; None asks for none.
        max_body_bytes: The largest request body to read, in bytes.
    """

    def __init__(
        self, ranker: Ranker, workers: WorkerPool, api_key: str | None, max_body_bytes: int
    ) -> None:
        self._ranker = ranker
        self._workers = workers
        self._api_key = api_key
        self._max_body_bytes = max_body_bytes

    async def answer(self, request: Request) -> Response:
        """
        Rank the documents of one request.

        Raises:
            RefusedError: The request cannot be served.
            ClientDisconnect: The client went away before the reply.
        """
        if self._api_key is not None:
            check_key(request.headers.get("authorization", ""), self._api_key)
        check_content_type(request.headers.get("content-type", ""))
        raw = await read_body(request, self._max_body_bytes)
        generation_id: str = request.state.generation_id

        def work(checkpoint: Callable[[], None]) -> bytes:
            asked = decode_request(raw, checkpoint)
            ranking = self._ranker.rank(asked.query, asked.documents, checkpoint=checkpoint)
            return encode_results(asked, ranking, generation_id, checkpoint)

        return reply_json(await self._workers.run(request, work), 200)
