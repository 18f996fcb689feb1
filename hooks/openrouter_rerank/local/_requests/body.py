"""Reading a request body within limits."""

import anyio
from starlette.requests import Request

from .refusal import RefusedError

MAX_BODY_SECONDS = 60.0


def check_content_type(value: str) -> None:
    """
    Check the `Content-Type` header. Parameters are ignored: RFC 8259, section 11, has none.

    Raises:
        RefusedError: With 400, the header doesn't say JSON.
    """
    if value.partition(";")[0].strip().lower() != "application/json":
        raise RefusedError(400, "Content-Type: must be application/json")


async def read_body(request: Request, max_bytes: int) -> bytes:
    """
    Read the body, and no further than the limits of size and time allow.

    Raises:
        RefusedError: With 413, the body is larger than `max_bytes`; with 408, it took longer than
            `MAX_BODY_SECONDS` to arrive.
    """
    oversize = RefusedError(413, f"body: larger than {max_bytes} bytes")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise oversize
    body = bytearray()
    with anyio.move_on_after(MAX_BODY_SECONDS):
        async for chunk in request.stream():
            body += chunk
            if len(body) > max_bytes:
                raise oversize
        return bytes(body)
    raise RefusedError(408, f"body: did not arrive within {MAX_BODY_SECONDS:.0f} seconds")


async def skip_body(request: Request) -> None:
    """
    Read the body and drop it, so that the client is already waiting when its request fails.

    A body that never ends is given up after `MAX_BODY_SECONDS`.
    """
    with anyio.move_on_after(MAX_BODY_SECONDS):
        async for _ in request.stream():
            pass
