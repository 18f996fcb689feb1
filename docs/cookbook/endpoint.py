"""A search endpoint with one client for its life. To serve: uvicorn endpoint:app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from openrouter_rerank import OpenRouter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

PAGES = ["Berlin is in Germany.", "Paris is the capital of France."]


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[dict[str, OpenRouter]]:
    """Keep the connections open between requests, and close them at the end."""
    async with OpenRouter(on_failure="keep_order", deadline_ms=5_000) as reranker:
        yield {"reranker": reranker}


async def search(request: Request) -> JSONResponse:
    """Answer with the best page."""
    ranking = await request.state.reranker.rerank.rank_async(
        PAGES, query=request.query_params["q"], model="cohere/rerank-5-fast", top_n=1
    )
    pages = [ranked.item for ranked in ranking]
    return JSONResponse({"pages": pages, "reranked": ranking.reranked})


app = Starlette(routes=[Route("/search", search)], lifespan=lifespan)

if __name__ == "__main__":
    with TestClient(app) as visitor:
        answer = visitor.get("/search", params={"q": "capital of France"}).json()
    print(answer["pages"][0], answer["reranked"])
    #> Paris is the capital of France. True
