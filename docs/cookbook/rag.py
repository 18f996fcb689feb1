"""A RAG step that comes back in time, whatever happens to the reranker."""

from openrouter_rerank import OpenRouter
from openrouter_rerank.local import LOCAL

PAGES = [
    {"title": "Grammar", "text": "A capital letter begins a sentence."},
    {"title": "France", "text": "Paris is its capital."},
]


def retrieve(question: str) -> list[dict[str, str]]:
    """Stand for your search engine, which gives the first 30 pages or so."""
    return PAGES


def find_context(client: OpenRouter, question: str) -> list[dict[str, str]]:
    """Return the two pages that the language model is to read."""
    ranking = client.rerank.rank(
        retrieve(question),
        fields=["title", "text"],
        query=question,
        model="cohere/rerank-5-fast",
        top_n=2,
        fallback_models=["cohere/rerank-4-fast", LOCAL],
        on_failure="keep_order",
        deadline_ms=3_000,
    )
    # ranking.model, .reranked, .failure and .cost are for your log.
    return [ranked.item for ranked in ranking]


if __name__ == "__main__":
    with OpenRouter() as client:
        for page in find_context(client, "What is the capital of France?"):
            print(page["text"])
            #> Paris is its capital.
            #> A capital letter begins a sentence.
