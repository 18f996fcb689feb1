"""The price that a reply names. Pure: no I/O."""

from openrouter_rerank_api.models.create_rerank_response_body import CreateRerankResponseBody
from openrouter_rerank_api.models.create_rerank_usage import CreateRerankUsage
from openrouter_rerank_api.unset import UNSET, Unset


def add_cost(response: CreateRerankResponseBody, spent: float | None) -> None:
    """Add what was spent before to the price in a reply; if either is unknown, so is the sum."""
    cost = read_cost(response)
    if cost is not None and isinstance(response.usage, CreateRerankUsage):
        response.usage.cost = UNSET if spent is None else cost + spent


def read_cost(response: CreateRerankResponseBody) -> float | None:
    """Return the price in a reply, in credits; None if it has none."""
    usage = response.usage
    if not isinstance(usage, CreateRerankUsage) or isinstance(usage.cost, Unset):
        return None
    return usage.cost
