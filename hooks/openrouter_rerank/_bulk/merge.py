"""From the replies to the parts of a document set to the reply to the whole. Pure."""

import math
from collections import defaultdict
from collections.abc import Iterable

from openrouter_rerank.operations import CreateRerankResponseBody, CreateRerankUsage, Result
from openrouter_rerank.types import UNSET, Unset


class Merge:
    """
    The replies so far, one for each part.

    With `top_n` no more results are held than that, however many parts there are.
    """

    def __init__(self, batch_size: int, top_n: int | None) -> None:
        """
        Begin with none.

        Args:
            batch_size: How many documents every part but the last has.
            top_n: How many results to keep in all; None keeps all.
        """
        self._batch_size = batch_size
        self._top_n = top_n
        self._replies: dict[int, CreateRerankResponseBody] = {}
        self._results: list[Result] = []

    def __len__(self) -> int:
        """Return the number of replies."""
        return len(self._replies)

    def add(self, part: int, response: CreateRerankResponseBody) -> None:
        """Add the reply to a part, which is changed: its indices become the caller's positions."""
        for result in response.results:
            result.index += part * self._batch_size
        self._results += response.results
        response.results = []
        self._replies[part] = response
        if self._top_n is not None and len(self._replies) > 1:
            self._results = sorted(self._results, key=rank_key)[: self._top_n]

    def replies(self) -> dict[int, CreateRerankResponseBody]:
        """Return the replies by part, each with those of its results that were kept."""
        kept: defaultdict[int, list[Result]] = defaultdict(list)
        for result in self._results:
            kept[result.index // self._batch_size].append(result)
        for part, response in self._replies.items():
            response.results = kept[part]
        return dict(sorted(self._replies.items()))

    def build(self) -> CreateRerankResponseBody:
        """Return the reply to the whole; a single part's is returned as it came."""
        first, *others = replies = list(self.replies().values())
        if not others:
            return first
        is_shared = all(reply.provider == first.provider for reply in others)
        merged = CreateRerankResponseBody(
            model=first.model,
            results=sorted(self._results, key=rank_key),
            id=first.id,
            provider=first.provider if is_shared else UNSET,
            usage=add_usages(reply.usage for reply in replies),
        )
        merged.additional_properties = {
            name: value
            for name, value in first.additional_properties.items()
            if all(
                name in reply.additional_properties and reply.additional_properties[name] == value
                for reply in others
            )
        }
        return merged


def rank_key(result: Result) -> tuple[float, int]:
    """Return what results are ordered by: the best first, among equals the caller's first."""
    return -result.relevance_score, result.index


def add_usages(
    usages: Iterable[CreateRerankUsage | None | Unset],
) -> CreateRerankUsage | Unset:
    """Sum what the parts used; what none of them says is absent."""
    known = [usage for usage in usages if isinstance(usage, CreateRerankUsage)]
    if not known:
        return UNSET
    costs = [usage.cost for usage in known if not isinstance(usage.cost, Unset)]
    units = [usage.search_units for usage in known if not isinstance(usage.search_units, Unset)]
    tokens = [usage.total_tokens for usage in known if not isinstance(usage.total_tokens, Unset)]
    return CreateRerankUsage(
        cost=math.fsum(costs) if costs else UNSET,
        search_units=sum(units) if units else UNSET,
        total_tokens=sum(tokens) if tokens else UNSET,
    )
