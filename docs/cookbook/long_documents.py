"""Long documents, ranked by their best passage. Needs the extra `passages`."""

from openrouter_rerank import OpenRouter, Passages

GERMANY = (
    "Germany lies in the middle of Europe. Its largest city is Berlin, also its capital. "
    "The Rhine flows through it. Its southern border lies in the Alps."
)
FRANCE = (
    "France is known for its food, and for wine from a dozen regions. Its government "
    "has its seat in Paris. The Loire is its longest river."
)


def find_passages(client: OpenRouter, query: str, documents: list[str]) -> list[str]:
    """Return the best passage of each document, the best one first."""
    ranking = client.rerank.rank(
        documents,
        query=query,
        model="cohere/rerank-5-fast",
        passages=Passages(max_tokens=24),  # most models read 512 and more
    )
    shown = []
    for ranked in ranking:
        start, end = ranked.span or (0, None)  # None: short enough to stay whole
        shown.append(ranked.item[start:end])
    return shown


if __name__ == "__main__":
    query = "Where does France's government sit?"
    with OpenRouter() as client:
        for passage in find_passages(client, query, [GERMANY, FRANCE]):
            print(passage)
            #> Its government has its seat in Paris. The Loire is its longest river.
            #> The Rhine flows through it. Its southern border lies in the Alps.
