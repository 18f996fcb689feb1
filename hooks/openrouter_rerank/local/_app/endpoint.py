"""The operation `createRerank` of the contract."""

import logging
from collections.abc import Callable, Mapping
from typing import cast

from starlette.requests import Request
from starlette.responses import Response

from openrouter_rerank._call.defaults import LOCAL_PREFIX
from openrouter_rerank.errors import DataFileError
from openrouter_rerank.local._errors import MissingExtraError, ModelFileError
from openrouter_rerank.local._models.named_rankers import NamedRankers
from openrouter_rerank.local._models.ranker import Ranker
from openrouter_rerank.local._replies import reply_json
from openrouter_rerank.local._requests.authorization import check_key
from openrouter_rerank.local._requests.body import check_content_type, read_body
from openrouter_rerank.local._requests.decoding import decode_fields, read_request
from openrouter_rerank.local._requests.refusal import RefusedError

from .results import encode_results
from .upstream import Upstream
from .worker_pool import WorkerPool

logger = logging.getLogger("openrouter_rerank.local")


class Endpoint:
    """
    Reads a request, and has a worker check it, rank its documents and build the reply.

    Args:
        rankers: What scores the documents, by the model that a request names.
        workers: Where rankings run.
        api_key: The key that requests must bear; None asks for none.
        max_body_bytes: The largest request body to read, in bytes.
        upstream: Answers requests for models that are not on this machine; None has the server's
            own ranker answer them.
    """

    def __init__(
        self,
        rankers: NamedRankers,
        workers: WorkerPool,
        api_key: str | None,
        max_body_bytes: int,
        upstream: Upstream | None = None,
    ) -> None:
        self._rankers = rankers
        self._workers = workers
        self._api_key = api_key
        self._max_body_bytes = max_body_bytes
        self._upstream = upstream

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

        def work(checkpoint: Callable[[], None]) -> bytes | Mapping[str, object]:
            fields = decode_fields(raw, checkpoint)
            if self._upstream is not None and not self._is_local(cast("str", fields["model"])):
                return fields
            asked = read_request(fields, checkpoint)
            try:
                ranker = self._find_ranker(asked.model)
                ranking = ranker.rank(asked.query, asked.documents, checkpoint=checkpoint)
            except (DataFileError, ModelFileError) as error:
                logger.error("%s: %s", generation_id, error)  # noqa: TRY400  the message says it
                raise RefusedError(
                    503, "model: cannot be loaded; the server's log says why"
                ) from None
            return encode_results(asked, ranking, generation_id, checkpoint)

        outcome = await self._workers.run(request, work)
        if isinstance(outcome, bytes):
            return reply_json(outcome, 200)
        assert self._upstream is not None  # noqa: S101  only then are there fields
        return await self._upstream.answer(request, outcome)

    def _is_local(self, slug: str) -> bool:
        return slug == self._rankers.default_slug or slug.startswith(LOCAL_PREFIX)

    def _find_ranker(self, slug: str) -> Ranker:
        """
        Find what ranks for a model.

        Raises:
            RefusedError: With 404, it is an embedded model that is not there.
        """
        try:
            return self._rankers.find(slug)
        except (LookupError, MissingExtraError) as error:
            raise RefusedError(404, f"model: {error}") from error
