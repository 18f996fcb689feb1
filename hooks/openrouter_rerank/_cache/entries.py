"""Answers in the form in which they are kept: JSON, without the documents. Pure: no I/O."""

import json
from collections.abc import Sequence
from typing import cast

import httpx

from openrouter_rerank._codec.documents import EncodedDocument
from openrouter_rerank._codec.json import JsonObject
from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._codec.response import GENERATION_ID, Reply, log_oddities
from openrouter_rerank._codec.response_model import MinScore, ShapeError, build_model
from openrouter_rerank._codec.side_fields import COUNTS, Oddities, read_cost
from openrouter_rerank.operations import CreateRerankResponseBody

SEPARATOR = b"\n"
# What reading a damaged entry raises.
DAMAGED = (AttributeError, IndexError, KeyError, TypeError, ValueError, ShapeError)


class KeptReply(Reply):
    """A success of which all or a part was kept; its headers are those that were kept."""

    def __init__(
        self,
        entry: bytes,
        request: EncodedRequest,
        url: httpx.URL,
        min_score: MinScore,
        sent: Reply | None = None,
    ) -> None:
        """
        Read and decode what was kept.

        Args:
            entry: What `pack_entry` gave.
            request: What was asked for.
            url: Where it goes.
            min_score: The lowest score to keep.
            sent: The reply to what had to be sent all the same; None if nothing was sent, and then
                the answer is free, and what it cost is saved.

        Raises:
            Exception: One of `DAMAGED`.
        """
        generation_id, body = read_entry(entry, request.documents)
        self.is_cached = sent is None
        self.saved_cost = set_free(body) if sent is None else sent.saved_cost
        super().__init__(
            None,
            body,
            0 if sent is None else sent.attempts,
            0.0 if sent is None else sent.waited,
            min_score,
        )
        self._generation_id = generation_id
        self._entry, self._documents, self._url = entry, request.documents, url
        self.decode(request)

    @property
    def response(self) -> httpx.Response:
        """The reply as if it had been sent now; a new one each time."""
        # Decoding has used up the body.
        _, body = read_entry(self._entry, self._documents)
        if self.is_cached:
            set_free(body)
        headers = {} if self._generation_id is None else {GENERATION_ID: self._generation_id}
        request = httpx.Request("POST", self._url)
        return httpx.Response(200, headers=headers, json=body, request=request)

    @property
    def generation_id(self) -> str | None:
        """The name that the request which was paid for has in OpenRouter's logs."""
        return self._generation_id

    def _decode(self, request: EncodedRequest) -> CreateRerankResponseBody:
        oddities = Oddities()
        model = build_model(self.body, request, oddities, is_fast=False)
        log_oddities(oddities)
        return request.restore(model)


def pack_entry(
    body: JsonObject, documents: Sequence[EncodedDocument], generation_id: str | None
) -> bytes:
    """
    Return a reply that was decoded without an error as it is kept: two lines of JSON.

    A document that is echoed as it was sent is left out; who finds the entry has it.
    """
    given: list[JsonObject] = body["results"]
    results: list[JsonObject] = []
    for result in given:
        index: int = result["index"]
        is_echo = result.get("document") == show_document(documents[index])
        results.append(
            {name: result[name] for name in result if name != "document"} if is_echo else result
        )
    content = json.dumps({**body, "results": results}, separators=(",", ":"))
    return SEPARATOR.join([(generation_id or "").encode(), content.encode()])


def read_entry(entry: bytes, documents: Sequence[EncodedDocument]) -> tuple[str | None, JsonObject]:
    """Return the generation id and the body of what was kept, with the documents."""
    generation_id, _, content = entry.partition(SEPARATOR)
    # Of bytes, the parser would look for the encoding first.
    body: JsonObject = json.loads(content.decode())
    results: list[JsonObject] = body["results"]
    for result in results:
        if "document" not in result:
            index: int = result["index"]
            result["document"] = show_document(documents[index])
    return generation_id.decode() or None, body


def show_document(document: EncodedDocument) -> JsonObject:
    """Return a document as a reply has it."""
    return {"text": document} if isinstance(document, str) else dict(document)


def set_free(body: JsonObject) -> float | None:
    """Set what a reply says it has used to 0, and return what it cost; None if it is unknown."""
    given = body.get("usage")
    usage = cast("JsonObject", given) if isinstance(given, dict) else {}
    body["usage"] = {"cost": 0.0, **{name: 0 for name in COUNTS if name in usage}}
    return read_cost(usage.get("cost"))
