"""Replies with an error that was asked for."""

from starlette.responses import Response

from openrouter_rerank.local._contract.examples import describe_status, find_body, find_headers
from openrouter_rerank.local._replies import encode_json, reply_json

PAGE_STATUSES = range(520, 527)
"""Cloudflare's own statuses, which come with an HTML page."""
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><title>{status}: {reason}</title></head>
<body><h1>Error {status}</h1><p>{reason}</p></body>
</html>
"""


def build_error(status: int, retry_after: int | None) -> Response:
    """
    Build the reply with an error, from the contract's example if there is one.

    Args:
        status: The HTTP status, from 400.
        retry_after: What `Retry-After` says, in seconds, where the contract declares it; None takes
            the contract's example.
    """
    headers = find_headers(status)
    if retry_after is not None and "Retry-After" in headers:
        headers["Retry-After"] = str(retry_after)
    if status in PAGE_STATUSES:
        page = _PAGE.format(status=status, reason=describe_status(status))
        return Response(page, status, headers, media_type="text/html")
    return reply_json(encode_json(find_body(status)), status, headers)
