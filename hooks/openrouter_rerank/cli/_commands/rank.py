"""From the command line's documents to the API's response."""

from collections.abc import Sequence

from openrouter_rerank.cli._client import open_client
from openrouter_rerank.cli._documents import Document
from openrouter_rerank.cli._errors import local_failures, refused_arguments
from openrouter_rerank.operations import CreateRerankResponseBody


def request_ranking(
    query: str, documents: Sequence[Document], *, model: str, top_n: int | None, local: bool
) -> CreateRerankResponseBody:
    """
    Have the documents ranked by OpenRouter or on this machine.

    Args:
        query: What the documents are compared with.
        documents: At least one.
        model: The model's slug.
        top_n: How many results to ask for; None for all.
        local: Whether to rank on this machine.

    Raises:
        CommandError: For an argument that the client refuses (status 2), and when the extra
            `local` is missing.
        OpenRouterError: When the call fails.
    """
    with local_failures(), refused_arguments("rank"), open_client(local=local) as client:
        return client.rerank.rerank(query=query, documents=documents, model=model, top_n=top_n)
