"""The reply with the results of a ranking."""

from collections.abc import Callable

from openrouter_rerank.local._models.ranker import Ranking
from openrouter_rerank.local._replies import encode_json
from openrouter_rerank.local._requests.decoding import RerankRequest

PROVIDER = "local"


def encode_results(
    request: RerankRequest, ranking: Ranking, generation_id: str, checkpoint: Callable[[], None]
) -> bytes:
    """
    Encode a `CreateRerankResponseBody`, best document first; ties keep the caller's order.

    `usage` holds the tokens that were read and the cost, 0. `search_units` is left out,
    because nothing was billed and only hosted models count in that unit. Where documents were
    longer than the model reads, `truncated_documents` says how many; the contract does not know
    this field, and allows it.

    Raises:
        ValueError: The ranker gave too few or too many scores, or one that isn't finite.
    """
    if len(ranking.scores) != len(request.documents):
        raise ValueError("the ranker must give one score for each document")
    order = sorted(range(len(request.documents)), key=lambda index: -ranking.scores[index])
    results: list[bytes] = []
    # One by one, because the objects of a million results would take a gigabyte.
    for index in order[: request.top_n]:
        checkpoint()
        result = {
            "index": index,
            "relevance_score": ranking.scores[index],
            "document": {"text": request.documents[index]},
        }
        results.append(encode_json(result))
    around: dict[str, object] = {
        "id": generation_id,
        "model": request.model,
        "provider": PROVIDER,
        "usage": {"cost": 0, "total_tokens": ranking.token_count},
    }
    if ranking.truncated_documents:
        around["truncated_documents"] = ranking.truncated_documents
    return b'%s,"results":[%s]}' % (encode_json(around)[:-1], b",".join(results))
