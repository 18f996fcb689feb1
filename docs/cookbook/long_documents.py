"""Long documents, ranked by their best passage, which is shown. Needs the extra `passages`."""

from openrouter_rerank import OpenRouter, Passages

GERMANY = (
    "Germany lies in the middle of Europe. Its largest city is Berlin, which is also its capital. "
    "The Rhine and the Elbe flow through it. Its southern border lies in the Alps."
)
FRANCE = (
    "France is known for its food, and for wine from a dozen regions. The Loire is its longest "
    "river. Since 987, with interruptions, the seat of its government has been Paris. "
    "Its highest mountain is the Mont Blanc."
)


def find_passages(client: OpenRouter, query: str, documents: list[str]) -> list[str]:
    """Return the best passage of each document, that of the best document first."""
    ranking = client.rerank.rank(
        documents,
        query=query,
        model="cohere/rerank-5-fast",
        passages=Passages(max_tokens=24),  # 512 or more for most models of the API
    )
    passages = []
    for ranked in ranking:
        start, end = ranked.span or (0, len(ranked.item))  # None: it was short enough
        passages.append(ranked.item[start:end])
    return passages


if __name__ == "__main__":
    query = "Where does France's government sit?"
    with OpenRouter() as client:
        for passage in find_passages(client, query, [GERMANY, FRANCE]):
            print(passage)
            #> Since 987, with interruptions, the seat of its government has been Paris.
            #> The Rhine and the Elbe flow through it. Its southern border lies in the Alps.
