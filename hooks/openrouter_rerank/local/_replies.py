"""The shapes of the server's replies, as the contract declares them."""

import json
from collections.abc import Mapping
from secrets import token_hex

from starlette.responses import Response

from openrouter_rerank.local._calls import RerankCall
from openrouter_rerank.local._ranker import Ranking

PROVIDER = "local"

ERROR_TYPES = {
    400: "invalid_request",
    404: "not_found",
    405: "invalid_request",
    408: "timeout",
    413: "payload_too_large",
    421: "invalid_request",
    422: "unprocessable",
    500: "server",
    503: "provider_unavailable",
}
"""`metadata.error_type` by status; a status that is not here has none in the vocabulary of
`x-known-values` at `#/components/schemas/ErrorMetadata` in openapi.yaml."""


def new_generation_id() -> str:
    """Make a name for one request; it is not derived from the request."""
    return f"gen-rerank-{token_hex(10)}"


def reply_json(content: bytes, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Wrap an encoded body."""
    return Response(
        content, status_code=status, headers=dict(headers or {}), media_type="application/json"
    )


def reply_error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Build the reply to a request that failed, an `ErrorResponse` of the contract."""
    error: dict[str, object] = {"code": status, "message": message}
    if status in ERROR_TYPES:
        error["metadata"] = {"error_type": ERROR_TYPES[status]}
    return reply_json(encode_json({"error": error}), status, headers)


def encode_results(call: RerankCall, ranking: Ranking, generation_id: str) -> bytes:
    """
    Encode a `CreateRerankResponseBody`, best document first; ties keep the caller's order.

    `usage` holds the tokens that were read and the cost, 0. `search_units` is left out, for
    none were billed and the unit is the hosted models' own.

    Raises:
        ValueError: The ranker gave too few or too many scores, or one that isn't finite.
    """
    if len(ranking.scores) != len(call.documents):
        raise ValueError("the ranker must give one score for each document")
    order = sorted(range(len(call.documents)), key=lambda index: -ranking.scores[index])
    results = [
        {
            "index": index,
            "relevance_score": ranking.scores[index],
            "document": {"text": call.documents[index]},
        }
        for index in order[: call.top_n]
    ]
    return encode_json(
        {
            "id": generation_id,
            "model": call.model,
            "provider": PROVIDER,
            "results": results,
            "usage": {"cost": 0, "total_tokens": ranking.token_count},
        }
    )


def encode_json(content: object) -> bytes:
    """Encode as RFC 8259 has it, so without NaN and Infinity; a lone surrogate stays escaped."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode(errors="backslashreplace")
