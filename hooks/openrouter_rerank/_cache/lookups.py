"""
What a call looks up, what is still to be sent, and what is kept of the reply. Pure: no I/O.

`RequestLookup` keeps answers as a whole, `DocumentLookup` the score of each document.
"""

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import fsum, isfinite
from typing import NamedTuple

import httpx

from openrouter_rerank._codec.json import JsonObject, load_json
from openrouter_rerank._codec.reply_cost import add_cost, read_cost
from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._codec.response import Reply
from openrouter_rerank._codec.response_model import MinScore
from openrouter_rerank.errors import OpenRouterError, ResponseValidationError

from .entries import DAMAGED, KeptReply, pack_entry
from .keys import digest_documents, digest_request, find_remote_images
from .store import Cache


class Kept(NamedTuple):
    """
    What becomes of the reply to what was sent.

    Attributes:
        reply: The call's reply.
        entry: The reply as it is kept, for equal calls that wait for it; None if it is not kept.
        entries: What the cache is to keep.
    """

    reply: Reply
    entry: bytes | None = None
    entries: Mapping[bytes, bytes] = {}


class Destination(NamedTuple):
    """
    What decides an answer beside the request, and what the caller wants of it.

    Attributes:
        url: Where the request goes.
        description: What `describe_target` gives.
        min_score: The lowest score that the caller wants.
    """

    url: httpx.URL
    description: bytes
    min_score: MinScore


class Lookup(ABC):
    """
    What one call looks up.

    Attributes:
        key: The digest of the request as a whole.
        keys: What the cache is asked for; empty if nothing may be kept.
        min_score: The lowest score that is needed of what is sent.
    """

    keys: Sequence[bytes]

    def __init__(self, cache: Cache, destination: Destination, encoded: EncodedRequest) -> None:
        """Take the call."""
        self.key = digest_request(destination.description, cache.namespace, encoded)
        self.min_score = destination.min_score
        self._destination, self._encoded = destination, encoded

    def open(self, entry: bytes) -> Reply | None:
        """Return the reply that was kept, or that an equal call got; None if it is damaged."""
        try:
            return self._read(entry)
        except DAMAGED:
            return None

    def _read(self, entry: bytes, sent: Reply | None = None) -> Reply:
        """Return the reply that an entry holds; `sent` is that to what was sent for it."""
        to = self._destination
        return KeptReply(entry, self._encoded, to.url, to.min_score, sent)

    @abstractmethod
    def find(self, values: Sequence[bytes | None]) -> Reply | None:
        """Return the call's reply, if what the cache has for `keys` is enough."""

    @abstractmethod
    def choose_request(self) -> EncodedRequest:
        """Return what is to be sent, given what was found."""

    @abstractmethod
    def keep(self, reply: Reply) -> Kept | None:
        """Return what becomes of the reply to it; None if another request is to be sent."""

    def add_spent(self, error: OpenRouterError) -> None:  # noqa: B027  most spend nothing before
        """Add to an error what requests of the same call have cost before."""


class RequestLookup(Lookup):
    """Looks up the answer to a request as a whole."""

    def __init__(self, cache: Cache, destination: Destination, encoded: EncodedRequest) -> None:
        """Take the call."""
        super().__init__(cache, destination, encoded)
        may_change = cache.max_age is None and find_remote_images(encoded.documents)
        self.keys = [] if may_change else [self.key]

    def find(self, values: Sequence[bytes | None]) -> Reply | None:
        """Return the call's reply, if it was kept."""
        return next((self.open(value) for value in values if value is not None), None)

    def choose_request(self) -> EncodedRequest:
        """Return the request."""
        return self._encoded

    def keep(self, reply: Reply) -> Kept:
        """Keep a reply that has a score for each document, or as many as were asked for."""
        documents, top_n = self._encoded.documents, self._encoded.top_n
        try:
            reply.decode(self._encoded)
        except ResponseValidationError:
            return Kept(reply)
        body: JsonObject = load_json(reply.response.content)
        expected = len(documents) if top_n is None else min(top_n, len(documents))
        if len(body["results"]) < expected:
            return Kept(reply)
        entry = pack_entry(body, documents, reply.generation_id)
        return Kept(reply, entry, dict.fromkeys(self.keys, entry))


class Score(NamedTuple):
    """
    What is kept of one document.

    Attributes:
        model: The model that answered.
        provider: Its provider; None if the reply named none.
        score: The document's score.
        cost: Its share of the reply's price, in credits; None if that is unknown.
    """

    model: str
    provider: str | None
    score: float
    cost: float | None


class DocumentLookup(Lookup):
    """
    Looks up the score of each document, and sends only documents without one.

    A ranking has scores of one model by one provider: those that answer what is sent or, if nothing
    has to be sent, those of which all scores are known.
    """

    def __init__(self, cache: Cache, destination: Destination, encoded: EncodedRequest) -> None:
        """Take the call."""
        super().__init__(cache, destination, encoded)
        self.min_score = None
        self._digests = digest_documents(destination.description, cache.namespace, encoded)
        may_change = find_remote_images(encoded.documents) if cache.max_age is None else ()
        self.keys = [
            digest for position, digest in enumerate(self._digests) if position not in may_change
        ]
        self._known: dict[bytes, Score] = {}
        self._is_sending = False
        self._identity: tuple[str, str | None] | None = None
        self._sent, self._positions = encoded, list(range(len(encoded.documents)))
        # Of a request whose scores do not go with those that were known.
        self._spent: float | None = None
        self._attempts = 0

    def find(self, values: Sequence[bytes | None]) -> Reply | None:
        """Return the call's reply, if all scores are known."""
        scores = dict(zip(self.keys, map(read_score, values), strict=True))
        known = {key: score for key, score in scores.items() if score is not None}
        answering = Counter((score.model, score.provider) for score in known.values())
        identity = max(answering, key=answering.__getitem__, default=None)
        known = {
            key: score for key, score in known.items() if (score.model, score.provider) == identity
        }
        is_complete = known.keys() >= set(self._digests)
        if self._is_sending and not is_complete:
            # What is being sent goes with what was known before.
            return None
        self._known, self._identity = known, identity
        if identity is None or not is_complete:
            return None
        model, provider = identity
        cost = sum_costs(self._known.values())
        body: JsonObject = {"model": model, "usage": {} if cost is None else {"cost": cost}}
        if provider is not None:
            body["provider"] = provider
        return self.open(self._pack(body, None))

    def choose_request(self) -> EncodedRequest:
        """Return a request for each document that has no score, once, and without `top_n`."""
        self._is_sending = True
        unknown: dict[bytes, int] = {}
        for position, digest in enumerate(self._digests):
            if digest not in self._known:
                unknown.setdefault(digest, position)
        self._positions = list(unknown.values())
        self._sent = self._encoded.select(self._positions)
        return self._sent

    def keep(self, reply: Reply) -> Kept | None:
        """Add what was known to a reply; None if another model or provider has answered."""
        try:
            answer = reply.decode(self._sent)
        except ResponseValidationError:
            return Kept(reply)
        model, provider = answer.model, answer.provider or None
        cost = read_cost(answer)
        if self._known and self._identity != (model, provider):
            self._known, self._spent, self._attempts = {}, cost, reply.attempts
            return None
        share = None if cost is None else cost / len(self._positions)
        new = {
            self._digests[self._positions[result.index]]: Score(
                model, provider, result.relevance_score, share
            )
            for result in answer.results
        }
        saved = sum_costs(self._known.values()) if self._known else None
        self._known |= new
        if self._attempts:
            add_cost(answer, self._spent)
            reply.attempts += self._attempts
        answer.results = []
        body = answer.to_dict()
        reply.saved_cost = saved
        entry = self._pack(body, reply.generation_id)
        kept = self._read(entry, reply)
        may_keep = frozenset(self.keys)
        entries = {key: json.dumps(score).encode() for key, score in new.items() if key in may_keep}
        return Kept(kept, entry, entries)

    def add_spent(self, error: OpenRouterError) -> None:
        """Add the price of a reply whose scores did not go with those that were known."""
        if self._attempts:
            error.attempts += self._attempts
            if self._spent is not None:
                error.cost = self._spent + (error.cost or 0.0)

    def _pack(self, body: JsonObject, generation_id: str | None) -> bytes:
        """Return the answer to the whole request, as it is kept."""
        known = [self._known.get(digest) for digest in self._digests]
        results = [
            {"index": index, "relevance_score": score.score}
            for index, score in enumerate(known)
            if score is not None
        ]
        return pack_entry({**body, "results": results}, self._encoded.documents, generation_id)


def read_score(value: bytes | None) -> Score | None:
    """Return what was kept of a document; None if there is nothing, or it is damaged."""
    if value is None:
        return None
    try:
        model, provider, score, cost = json.loads(value)
        is_whole = isinstance(model, str) and isinstance(provider, str | None)
        if not (is_whole and isfinite(score) and isfinite(cost or 0.0)):
            return None
    except (OverflowError, TypeError, ValueError):
        return None
    return Score(model, provider, score, cost)


def sum_costs(scores: Iterable[Score]) -> float | None:
    """Return what scores have cost, in credits; None if a part of it is unknown."""
    costs = [score.cost for score in scores]
    known = [cost for cost in costs if cost is not None]
    return fsum(known) if len(known) == len(costs) else None
