"""Merges the replies to the batches of one call into one reply. Pure."""

import math
from collections import defaultdict
from collections.abc import Iterable

from openrouter_rerank._codec.response_model import sort_results
from openrouter_rerank.operations import CreateRerankResponseBody, CreateRerankUsage, Result
from openrouter_rerank.types import UNSET, Unset

TRUNCATED_DOCUMENTS = "truncated_documents"
"""The embedded server's count of documents that it cut, which is not there when it is 0."""


class Merge:
    """
    The replies to the batches that have succeeded so far.

    With `top_n`, it keeps no more results than that, however many batches there are.
    """

    def __init__(self, batch_size: int, top_n: int | None) -> None:
        """
        Start without replies.

        Args:
            batch_size: How many documents every batch but the last has.
            top_n: How many results to keep in all; None keeps all.
        """
        self._batch_size = batch_size
        self._top_n = top_n
        self._replies: dict[int, CreateRerankResponseBody] = {}
        self._results: list[Result] = []

    def __len__(self) -> int:
        """Return the number of replies."""
        return len(self._replies)

    def add(self, number: int, response: CreateRerankResponseBody) -> None:
        """Add a batch's reply, and change its indices into positions among all documents."""
        for result in response.results:
            result.index += number * self._batch_size
        self._results += response.results
        response.results = []
        self._replies[number] = response
        if self._top_n is not None and len(self._replies) > 1:
            sort_results(self._results)
            del self._results[self._top_n :]

    def replies(self) -> dict[int, CreateRerankResponseBody]:
        """Return the replies by batch number, each with the results of it that were kept."""
        kept: defaultdict[int, list[Result]] = defaultdict(list)
        for result in self._results:
            kept[result.index // self._batch_size].append(result)
        for number, response in self._replies.items():
            response.results = kept[number]
        return dict(sorted(self._replies.items()))

    def build(self) -> CreateRerankResponseBody:
        """Return the merged reply; the reply to a single batch is returned as it is."""
        first, *others = replies = list(self.replies().values())
        if not others:
            return first
        sort_results(self._results)
        has_one_provider = all(reply.provider == first.provider for reply in others)
        merged = CreateRerankResponseBody(
            model=first.model,
            results=self._results,
            id=first.id,
            provider=first.provider if has_one_provider else UNSET,
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
        counts = [reply.additional_properties.get(TRUNCATED_DOCUMENTS) for reply in replies]
        known = [count for count in counts if isinstance(count, int)]
        if known:
            merged.additional_properties[TRUNCATED_DOCUMENTS] = sum(known)
        return merged


def add_usages(
    usages: Iterable[CreateRerankUsage | None | Unset],
) -> CreateRerankUsage | Unset:
    """Sum the usage of the batches; a field that no batch has is absent."""
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
