"""Which calls an evaluation needs: a model, a depth and a query each."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from attrs import fields_dict, frozen

from openrouter_rerank import OpenRouter, RerankJob
from openrouter_rerank._bulk.jobs import prepare_job
from openrouter_rerank.evaluation._datasets import Dataset, Query

from .embedded import is_embedded

KEY_BYTES = 16
IN_THIS_PROCESS = ""
# What an evaluation sets itself, or reads from the dataset.
OWN_ARGUMENTS = frozenset(
    {
        *("query", "documents", "model", "id", "top_n", "fields", "unrankable", "server_url"),
        *("on_failure", "fallback_models", "follow_fallbacks", "min_score"),
    }
)


@frozen(kw_only=True)
class PlannedCall:
    """
    A call that is to be made, or has been.

    Attributes:
        key: Names what is sent and where to: two calls that send the same have the same key.
        model: The model.
        depth: How many candidates are sent, if there are as many.
        query: The query.
        problem: Why the client would refuse it; None if it would not.
    """

    key: str
    model: str
    depth: int
    query: Query
    problem: TypeError | ValueError | None = None


@frozen(kw_only=True)
class CallResult:
    """
    What a successful call gave.

    Attributes:
        scores: Positions among the candidates with their scores, the best first.
        cost: The price in credits, a part from the client's cache included; None if unknown.
        latency_ms: How long the answer took, in milliseconds; None if no request was sent.
        saved: What of the price was not paid this time, in credits.
    """

    scores: Sequence[tuple[int, float]]
    cost: float | None
    latency_ms: float | None
    saved: float = 0.0

    @property
    def paid(self) -> float | None:
        """What was paid, in credits; None if unknown."""
        return None if self.cost is None else self.cost - self.saved


def check_options(options: Mapping[str, Any]) -> None:
    """
    Check the further arguments of each job, which would otherwise fail every call.

    Raises:
        TypeError: One is unknown or set by the evaluation itself, or a field of the request has the
            wrong type.
        ValueError: A field of the request has a value that the API would refuse.
    """
    for name in options:
        if name in OWN_ARGUMENTS or name not in fields_dict(RerankJob):
            raise TypeError(f"evaluate() takes no argument {name!r}; a job's own can be given")
    prepare_job(RerankJob(query="query", documents=["text"], model="model", **options))


class CallPlan:
    """
    The calls of an evaluation, the deepest first; those that send the same are made once.

    Attributes:
        calls: The calls, by model and depth; None where a query has no candidates.
    """

    def __init__(self, dataset: Dataset, options: Mapping[str, Any], server: str) -> None:
        """Take the dataset, further arguments for each `RerankJob` of the API, and its server."""
        self._server = server
        self._documents = dataset.documents
        self._queries = dataset.queries
        self._options = options
        self.calls: dict[tuple[str, int], list[PlannedCall | None]] = {}

    def add(self, model: str, depth: int) -> None:
        """Plan the calls of a model at a depth."""
        self.calls[model, depth] = [
            self._plan_call(model, depth, query) if query.candidates else None
            for query in self._queries
        ]

    def make_job(self, call: PlannedCall) -> RerankJob:
        """Make the job of a call, which is ranked by its model alone, and with all its scores."""
        candidates = (call.query.candidates or ())[: call.depth]
        arguments: dict[str, Any] = {
            "query": call.query.text,
            "documents": [self._documents[name] for name in candidates],
            "model": call.model,
            "unrankable": "set_aside",
            "on_failure": "raise",
            "fallback_models": (),
            "follow_fallbacks": False,
            "min_score": None,
        }
        return RerankJob(**arguments, **({} if is_embedded(call.model) else self._options))

    def iterate(self) -> Iterator[PlannedCall]:
        """Go through all calls once, the deepest first."""
        seen: set[str] = set()
        for model_and_depth in sorted(self.calls, key=lambda key: -key[1]):
            for call in self.calls[model_and_depth]:
                if call is not None and call.key not in seen:
                    seen.add(call.key)
                    yield call

    def _plan_call(self, model: str, depth: int, query: Query) -> PlannedCall:
        call = PlannedCall(key="", model=model, depth=depth, query=query)
        try:
            encoded, _ = prepare_job(self.make_job(call))
        except (TypeError, ValueError) as error:
            key = f"{model} {depth} {query.id}"
            return PlannedCall(key=key, model=model, depth=depth, query=query, problem=error)
        server = IN_THIS_PROCESS if is_embedded(model) else self._server
        key = make_key(encoded.content, server)
        return PlannedCall(key=key, model=model, depth=depth, query=query)


def make_key(content: bytes, server: str) -> str:
    """Name a request by its body and what is asked."""
    digest = blake2b(content, digest_size=KEY_BYTES)
    digest.update(server.encode())
    return digest.hexdigest()


def name_server(client: OpenRouter | None) -> str:
    """Name where a client's calls go; what another server gave is not taken for its own."""
    # Its repr shows the URL, and never the key.
    return IN_THIS_PROCESS if client is None else repr(client)
