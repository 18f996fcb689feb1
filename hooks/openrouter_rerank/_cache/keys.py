"""
What answers are found by: digests of everything that decides them. Pure: no I/O.

That is the server's URL, what headers change, the body and the cache's namespace. It is not the API
key, and not what only names a call.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import httpx

from openrouter_rerank._codec.documents import EncodedDocument
from openrouter_rerank._codec.json import encode_json
from openrouter_rerank._codec.request import NAMED_FIELDS, EncodedRequest, dump_json

# Part of every key: what an older release has kept in another form is not found.
FORMAT = 1
# They name the call or its user, and change no score (`CreateRerankRequestBody` in openapi.yaml).
NAMING_FIELDS = frozenset({"session_id", "trace", "user"})
# They name the calling app or the call (W3C Trace Context, W3C Baggage, and common ones).
NAMING_HEADERS = frozenset(
    {
        *("http-referer", "x-openrouter-title", "x-openrouter-categories", "x-title"),
        *("baggage", "sentry-trace", "traceparent", "tracestate"),
        *("user-agent", "x-correlation-id", "x-request-id"),
    }
)
REMOTE_IMAGES = ("http://", "https://")


def describe_target(url: httpx.URL, headers: Mapping[str, str]) -> bytes:
    """Return what decides an answer beside the body: where it goes, and what the caller adds."""
    deciding = sorted(
        (name.lower(), value)
        for name, value in headers.items()
        if name.lower() not in NAMING_HEADERS
    )
    return json.dumps([FORMAT, str(url), deciding]).encode()


def digest_request(target: bytes, namespace: str, encoded: EncodedRequest) -> bytes:
    """
    Return the digest of a request as a whole.

    Args:
        target: What `describe_target` gives.
        namespace: The cache's.
        encoded: What is sent.
    """
    body = encoded.body or {}
    if body.keys() <= NAMED_FIELDS:
        content = encoded.content
    else:
        content = dump_json({name: body[name] for name in sorted(body.keys() - NAMING_FIELDS)})
    return hash_parts(b"request", target, namespace.encode(), content)


def digest_documents(target: bytes, namespace: str, encoded: EncodedRequest) -> list[bytes]:
    """Return for each document the digest of a request for it alone; see `digest_request`."""
    body: Mapping[str, Any] = encoded.body or {}
    names = sorted(body.keys() - NAMING_FIELDS - {"documents", "top_n"})
    others = encode_json({name: body[name] for name in names})
    start = hash_parts(b"document", target, namespace.encode(), others)
    return [
        hash_parts(start, b"text", document.encode())
        if isinstance(document, str)
        else hash_parts(start, b"object", encode_json(dict(sorted(document.items()))))
        for document in encoded.documents
    ]


def hash_parts(*parts: bytes) -> bytes:
    """Return the digest of several texts, which tells where each ends."""
    digest = sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.digest()


def find_remote_images(documents: Sequence[EncodedDocument]) -> frozenset[int]:
    """Return the positions of images behind a URL, where another one may be tomorrow."""
    return frozenset(
        position
        for position, document in enumerate(documents)
        if not isinstance(document, str)
        and document.get("image", "").lower().startswith(REMOTE_IMAGES)
    )
