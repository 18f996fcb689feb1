"""Replies with results, over real sockets."""

import httpx
import pytest
from integration.local.messages import BODY, is_valid
from integration.local.rankers import ConstantRanker
from openrouter_rerank import OpenRouter
from openrouter_rerank.local import running


def test_best_document_comes_first(http: httpx.Client) -> None:
    """Results are ordered by relevance and refer to the caller's documents by index."""
    reply = http.post("rerank", json=BODY)

    body = reply.json()
    assert is_valid("CreateRerankResponseBody", body)
    assert reply.status_code == 200
    assert [result["index"] for result in body["results"]] == [1, 0]
    assert body["results"][0]["document"] == {"text": "Paris is the capital of France."}
    assert body["results"][0]["relevance_score"] > 0.9 > body["results"][1]["relevance_score"]
    assert (body["model"], body["provider"]) == ("cohere/rerank-v3.5", "local")
    assert body["usage"] == {"cost": 0, "total_tokens": 27}
    assert body["id"] == reply.headers["X-Generation-Id"]


def test_replies_have_their_own_ids(http: httpx.Client) -> None:
    """Two equal requests get different generation ids."""
    first, second = (http.post("rerank", json=BODY).json()["id"] for _ in range(2))

    assert first != second


@pytest.mark.parametrize(("top_n", "count"), [(1, 1), (1.0, 1), (2, 2), (10**30, 2)])
def test_top_n_limits_the_results(http: httpx.Client, top_n: float, count: int) -> None:
    """No more than `top_n` results come back, and no more than there are documents."""
    reply = http.post("rerank", json={**BODY, "top_n": top_n})

    assert len(reply.json()["results"]) == count


def test_unknown_fields_and_attribution_are_accepted(http: httpx.Client) -> None:
    """Unknown fields and the attribution headers are accepted."""
    headers = {"HTTP-Referer": "https://a.example", "X-OpenRouter-Title": "A", "Authorization": "x"}

    reply = http.post("rerank", json={**BODY, "field_of_tomorrow": 1}, headers=headers)

    assert reply.status_code == 200


def test_ties_keep_the_order_of_the_documents() -> None:
    """Documents with one score come back in the order they were sent."""
    documents = [f"document {number}" for number in range(50)]

    with running(ConstantRanker()) as url:
        reply = httpx.post(f"{url}/rerank", json={**BODY, "documents": documents})

    assert [result["index"] for result in reply.json()["results"]] == list(range(50))


def test_cut_documents_are_counted(base_url: str) -> None:
    """The reply says how many documents were longer than the model reads, and nothing if none."""
    documents = ["short", "long " * 300, "long " * 5000, "word"]
    with OpenRouter(server_url=base_url) as client:
        cut = client.rerank.rerank(query="q", documents=documents, model="m", top_n=1)
        whole = client.rerank.rerank(query="q", documents=documents[:1], model="m")
        batched = client.rerank.rerank_batched(
            query="q", documents=documents, model="m", batch_size=2
        )

    assert cut.additional_properties == {"truncated_documents": 2}
    assert is_valid("CreateRerankResponseBody", cut.to_dict())
    assert whole.additional_properties == {}
    assert batched.additional_properties == {"truncated_documents": 2}
