"""The shapes of the server's replies, as the contract declares them."""

import json
from collections.abc import Mapping

from starlette.responses import Response

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


def encode_json(content: object) -> bytes:
    """Encode as RFC 8259 has it, so without NaN and Infinity; a lone surrogate stays escaped."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode(errors="backslashreplace")
