"""Which requests fail, over real sockets."""

import anyio
import httpx
import pytest
from integration.local.messages import BODY
from integration.local.rankers import ConstantRanker
from openrouter_rerank.local import Faults, MiniLMRanker, create_app, running


def test_preference_does_not_open_the_server(ranker: MiniLMRanker) -> None:
    """A request for another host, path or method gets what it would get without `Prefer`."""
    headers = {"Prefer": "code=429"}

    with running(ranker) as url, httpx.Client(trust_env=False) as http:
        host = http.post(f"{url}/rerank", headers={**headers, "Host": "example.com"}, json=BODY)
        path = http.post(f"{url}/other", headers=headers, json=BODY)
        method = http.get(f"{url}/rerank", headers=headers)

    assert [reply.status_code for reply in (host, path, method)] == [421, 404, 405]


def test_only_rerank_requests_take_outcomes(ranker: MiniLMRanker) -> None:
    """Other paths and methods, and requests with `Prefer`, take no outcome from the script."""
    with running(ranker, faults=Faults("429,503")) as url, httpx.Client(trust_env=False) as http:
        http.post(f"{url}/other", json=BODY)
        http.get(f"{url}/rerank")
        preferred = http.post(f"{url}/rerank", json=BODY, headers={"Prefer": "code=200"})
        statuses = [http.post(f"{url}/rerank", json=BODY).status_code for _ in range(3)]

    assert preferred.status_code == 200
    assert statuses == [429, 503, 429]


def test_fault_goes_before_the_key(ranker: MiniLMRanker) -> None:
    """A request without the key takes its outcome, and is refused if that is the normal one."""
    with running(ranker, api_key="k", faults=Faults("503,ok")) as url:
        statuses = [httpx.post(f"{url}/rerank", json=BODY).status_code for _ in range(2)]

    assert statuses == [503, 401]


def test_seed_drops_the_same_requests() -> None:
    """Two servers with one seed reset the same requests."""

    def find_drops() -> list[bool]:
        drops: list[bool] = []
        faults = Faults(drop=0.5, seed=1)
        with running(ConstantRanker(), faults=faults) as url, httpx.Client(trust_env=False) as http:
            for _ in range(12):
                try:
                    http.post(f"{url}/rerank", json=BODY)
                except httpx.ReadError:
                    drops.append(True)
                else:
                    drops.append(False)
        return drops

    first, again = find_drops(), find_drops()

    assert first == again
    assert set(first) == {True, False}


@pytest.mark.parametrize("outcome", ["reset", "truncated"])
def test_other_server_says_that_it_cannot_cut(ranker: MiniLMRanker, outcome: str) -> None:
    """Where connections cannot be cut, the reply is a 500 that says so."""
    transport = httpx.ASGITransport(create_app(ranker, faults=Faults(outcome)))

    async def post() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport) as http:
            return await http.post("http://localhost/api/v1/rerank", json=BODY)

    reply = anyio.run(post)

    assert reply.status_code == 500
    assert reply.json()["error"]["message"] == "this ASGI server cannot cut a connection"
