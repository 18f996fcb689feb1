"""One cache for all processes of a machine: what was paid for once is free."""

from pathlib import Path

from openrouter_rerank import DiskCache, OpenRouter

PAGES = ["Berlin is in Germany.", "Paris is the capital of France."]
WEEK_SECONDS = 7 * 86_400


def open_client(folder: Path) -> OpenRouter:
    """Make the client of a process; all with this folder share their answers."""
    return OpenRouter(cache=DiskCache(folder, max_age=WEEK_SECONDS, namespace="shop"))


def search(client: OpenRouter, query: str) -> str:
    """Return the best page, and tell whether it was paid for."""
    ranking = client.rerank.rank(
        PAGES, query=query, model="cohere/rerank-5-fast", top_n=1
    )
    return f"{ranking[0].item} cached={ranking.cached}"


if __name__ == "__main__":
    # Two clients, as a web server and a nightly job would have them.
    for program in ("web server", "nightly job"):
        with open_client(Path("answers")) as client:
            print(f"{program}:", search(client, "capital of France"))
            #> web server: Paris is the capital of France. cached=False
            #> nightly job: Paris is the capital of France. cached=True
