"""The requests and replies, made from counts alone so that they are the same everywhere."""

import json
from collections.abc import Callable, Sequence
from typing import Any

MODEL = "cohere/rerank-v3.5"
QUERY = "Which village keeps its old stone bridge open through the winter?"
# As long as OpenRouter's are, since a reply is searched for it.
API_KEY = "sk-or-v1-" + 8 * "3f9c27d1"
COUNTS = (10, 100, 1_000, 10_000)
SMALL, _, LARGE, HUGE = COUNTS

TEXT_CHARACTERS = 205
# A prime that divides no count, so that its multiples visit every index once.
STRIDE = 7_919
WORDS = [
    "anchor",
    "autumn",
    "barley",
    "basin",
    "bridge",
    "candle",
    "canyon",
    "cedar",
    "chapel",
    "cider",
    "cliff",
    "clover",
    "copper",
    "cotton",
    "current",
    "desert",
    "dune",
    "early",
    "ember",
    "engine",
    "ferry",
    "field",
    "flint",
    "forest",
    "garden",
    "glacier",
    "granite",
    "gravel",
    "harbour",
    "hazel",
    "heron",
    "hill",
    "horizon",
    "island",
    "ivory",
    "juniper",
    "kettle",
    "lantern",
    "ledger",
    "lichen",
    "meadow",
    "mill",
    "mineral",
    "mirror",
    "mountain",
    "narrow",
    "oak",
    "orchard",
    "otter",
    "pebble",
    "pine",
    "plain",
    "quarry",
    "quiet",
    "railway",
    "reed",
    "ridge",
    "river",
    "salt",
    "shelter",
    "silver",
    "slope",
    "stone",
    "stream",
    "summer",
    "thistle",
    "timber",
    "tower",
    "travel",
    "valley",
    "village",
    "walnut",
    "weather",
    "willow",
    "window",
    "winter",
    "wooden",
    "yellow",
]

Mark = tuple[int, float]
Pick = Callable[[Any], Mark]


def write_text(index: int) -> str:
    """Write the document of an index; no two are the same."""
    state, words = index + 1, [f"{index}:"]
    while sum(map(len, words)) + len(words) < TEXT_CHARACTERS:
        state = state * 1_103_515_245 + 12_345 & 0x7FFFFFFF
        words.append(WORDS[(state >> 16) % len(WORDS)])
    return " ".join(words)


def write_documents(count: int) -> list[str]:
    """Write the documents of a request."""
    return [write_text(index) for index in range(count)]


def mark(count: int, rank: int) -> Mark:
    """Return the index and the score of the result at a rank, 0 being the best."""
    return (rank * STRIDE + 3) % count, round(1 - (rank + 1) / (count + 1), 9)


def write_reply(count: int) -> bytes:
    """Write the reply to a request of that many documents, each echoed, the best first."""
    marks = [mark(count, rank) for rank in range(count)]
    reply = {
        "id": f"gen-rerank-{count:08}",
        "model": MODEL,
        "provider": "Cohere",
        "results": [
            {"index": index, "relevance_score": score, "document": {"text": write_text(index)}}
            for index, score in marks
        ],
        "usage": {"cost": 0.002, "search_units": 1, "total_tokens": 48 * count},
    }
    return json.dumps(reply, separators=(",", ":")).encode()


class Checker:
    """Checks that a reply is the canned one."""

    def __init__(self, count: int, read: Callable[[Any], Sequence[Any]], pick: Pick) -> None:
        """
        Prepare for the replies to a request.

        Args:
            count: How many documents it holds.
            read: Returns a reply's results.
            pick: Returns a result's index and score.
        """
        self._count = count
        self._read = read
        self._pick = pick
        self._first = mark(count, 0)
        self._last = mark(count, count - 1)

    def check(self, reply: Any) -> None:
        """Check the number of results, the first and the last: cheap enough to be timed."""
        results = self._read(reply)
        found = len(results), self._pick(results[0]), self._pick(results[-1])
        if found != (self._count, self._first, self._last):
            raise ValueError(f"not the canned reply: {found}")

    def check_whole(self, reply: Any) -> None:
        """Check every result."""
        found = [self._pick(result) for result in self._read(reply)]
        if found != [mark(self._count, rank) for rank in range(self._count)]:
            raise ValueError(f"not the canned reply, {len(found)} results")
