"""The page at `GET /`, and what it asks the server beside rankings."""

from collections.abc import Callable, Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openrouter_rerank._call.defaults import DEFAULT_MODEL
from openrouter_rerank._document_files.parsing import DocumentFileError
from openrouter_rerank.local._models.named_rankers import NamedRankers
from openrouter_rerank.local._page.description import can_split, describe_models
from openrouter_rerank.local._page.documents import describe_documents, read_pasted
from openrouter_rerank.local._page.files import PAGE_FILE, SAFETY_HEADERS, find_file
from openrouter_rerank.local._replies import encode_json, reply_json
from openrouter_rerank.local._requests.authorization import check_key
from openrouter_rerank.local._requests.body import check_content_type, read_body
from openrouter_rerank.local._requests.decoding import parse_json
from openrouter_rerank.local._requests.refusal import RefusedError

from .upstream import Upstream
from .worker_pool import WorkerPool

PAGE_PATH = "/"


class PageEndpoints:
    """
    Answers what the page asks.

    The page itself needs no key, since it holds nothing; all that it asks does.

    Args:
        rankers: The models of this machine.
        workers: Where documents are read.
        api_key: The key that requests must bear; None asks for none.
        max_body_bytes: The largest request body to read, in bytes.
        upstream: Answers for other models; None if nothing does.
    """

    def __init__(
        self,
        rankers: NamedRankers,
        workers: WorkerPool,
        api_key: str | None,
        max_body_bytes: int,
        upstream: Upstream | None,
    ) -> None:
        self._rankers = rankers
        self._workers = workers
        self._api_key = api_key
        self._max_body_bytes = max_body_bytes
        self._upstream = upstream

    def list_routes(self) -> Sequence[Route]:
        """List the routes of the page."""
        return [
            Route(PAGE_PATH, self.send_page, methods=["GET"]),
            Route("/page/models", self.describe_server, methods=["GET"]),
            Route("/page/documents", self.read_documents, methods=["POST"]),
            Route("/page/{name}", self.send_file, methods=["GET"]),
        ]

    async def send_page(self, _request: Request) -> Response:
        """Send the page."""
        return self._send(PAGE_FILE)

    async def send_file(self, request: Request) -> Response:
        """
        Send a file of the page.

        Raises:
            HTTPException: With 404, there is none of that name.
        """
        return self._send(request.path_params["name"])

    async def describe_server(self, request: Request) -> Response:
        """
        Say which models can rank, and what was spent on others.

        Raises:
            RefusedError: The request does not bear the key.
        """
        self._check_key(request)
        upstream = self._upstream
        paid = None
        if upstream is not None:
            paid = {
                "example": DEFAULT_MODEL,
                "spent": upstream.spent,
                "max_cost": upstream.max_cost,
            }
        description = {
            "models": describe_models(self._rankers),
            "passages": can_split(),
            "upstream": paid,
        }
        return reply_json(encode_json(description), 200, SAFETY_HEADERS)

    async def read_documents(self, request: Request) -> Response:
        """
        Read documents out of what was pasted or dropped.

        Raises:
            RefusedError: The request does not bear the key, or there are no documents.
            ClientDisconnect: The client went away before the reply.
        """
        self._check_key(request)
        check_content_type(request.headers.get("content-type", ""))
        raw = await read_body(request, self._max_body_bytes)

        def work(checkpoint: Callable[[], None]) -> bytes:
            try:
                pasted = read_pasted(parse_json(raw))
                return encode_json(describe_documents(pasted, checkpoint))
            except RecursionError:
                raise RefusedError(400, "body: nested too deeply") from None
            except (DocumentFileError, ModuleNotFoundError) as error:
                raise RefusedError(400, str(error)) from error

        return reply_json(await self._workers.run(request, work), 200, SAFETY_HEADERS)

    def _check_key(self, request: Request) -> None:
        if self._api_key is not None:
            check_key(request.headers.get("authorization", ""), self._api_key)

    def _send(self, name: str) -> Response:
        file = find_file(name)
        if file is None:
            raise HTTPException(404)
        return file
