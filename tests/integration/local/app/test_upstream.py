"""Requests that OpenRouter answers, over a real socket on the caller's side."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from integration.local.messages import BODY, read_error
from integration.local.rankers import ConstantRanker
from integration.local.upstreams import COST, KEY, FakeUpstream, make_reply
from openrouter_rerank.local import create_app, running

MODEL = "cohere/rerank-5-fast"
UPSTREAM_BODY: dict[str, Any] = {**BODY, "model": MODEL}
IMAGE = {"image": "https://example.com/a.png"}


def reply_error(status: int, error: dict[str, Any], **headers: str) -> httpx.Response:
    """Make an error in the API's form."""
    return httpx.Response(status, json={"error": error}, headers=headers)


def ask(
    upstream: FakeUpstream, *bodies: dict[str, Any], max_cost: float | None = None
) -> list[httpx.Response]:
    """Send requests to a server with that upstream, one after the other."""
    with running(ConstantRanker(), upstream=upstream.client, max_cost=max_cost) as url:
        return [httpx.post(f"{url}/rerank", json=body) for body in bodies]


def test_other_models_are_asked_upstream() -> None:
    """All fields are passed on, unknown ones too, and the reply is OpenRouter's with its cost."""
    upstream = FakeUpstream()
    body = {
        **UPSTREAM_BODY,
        "documents": ["one", {"text": "two"}, IMAGE],
        "top_n": 2.0,
        "user": "me",
        "provider": {"sort": "price"},
        "server_url": "https://evil.example",
        "new_field": [1],
    }

    (reply,) = ask(upstream, body)

    assert reply.status_code == 200
    assert reply.json()["usage"] == {"cost": COST, "search_units": 1}
    documents = [each["document"] for each in reply.json()["results"]]
    assert documents == [{"text": "one"}, {"text": "two"}]
    assert upstream.asked == [{**body, "top_n": 2}]


@pytest.mark.parametrize("model", ["local", "local/minilm", "local/anything"])
def test_models_of_this_machine_are_not(model: str) -> None:
    """What is called `local/NAME` stays here, even if a ranker of one's own answers for it."""
    upstream = FakeUpstream()

    (reply,) = ask(upstream, {**BODY, "model": model})

    assert (reply.json()["usage"]["cost"], upstream.asked) == (0, [])


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        (reply_error(429, {"code": 429, "message": "slow down"}), 429, "slow down"),
        (reply_error(200, {"code": 402, "message": "no credits"}), 402, "no credits"),
        (reply_error(401, {"code": 401, "message": f"{KEY} is unknown"}), 401, "[redacted] is unk"),
        (httpx.Response(524, text="<html>timeout</html>"), 524, ""),
        (httpx.Response(500, text='{"error": {"message": NaN}}'), 500, ""),
        (httpx.Response(503, text="[" * 100_000), 503, ""),
        (httpx.Response(503, json=["error"]), 503, ""),
        (httpx.Response(503, json={"error": "text"}), 503, ""),
        (httpx.Response(200, text="[]"), 502, ""),
        (httpx.ConnectError("refused"), 502, "openrouter.ai"),
        (httpx.ReadTimeout("silent"), 504, ""),
    ],
)
def test_errors_have_the_form_of_the_api(
    answer: httpx.Response | Exception, status: int, message: str
) -> None:
    """Whatever goes wrong upstream is an error of the API here, and the key is in none."""
    (reply,) = ask(FakeUpstream(answer), UPSTREAM_BODY)

    assert reply.status_code == status
    assert message in str(read_error(reply)["message"])
    assert KEY not in reply.text
    assert "www-authenticate" not in reply.headers


def test_details_of_an_error_are_passed_on() -> None:
    """Metadata and the time to wait reach the caller."""
    error = {"code": 429, "message": "slow", "metadata": {"provider_name": "Cohere"}}

    (reply,) = ask(FakeUpstream(reply_error(429, error, **{"Retry-After": "7"})), UPSTREAM_BODY)

    assert (reply.json(), reply.headers["Retry-After"]) == ({"error": error}, "7")


def test_what_the_client_refuses_is_a_400() -> None:
    """What our own client does not send is refused with its message, and nothing is sent."""
    upstream = FakeUpstream()

    (reply,) = ask(upstream, {**UPSTREAM_BODY, "documents": ["one", " "]})

    assert (reply.status_code, upstream.asked) == (400, [])
    assert "blank at positions 1" in str(read_error(reply)["message"])


def answer_with(**fields: Any) -> httpx.Response:
    """Make a reply to `UPSTREAM_BODY`."""
    return httpx.Response(200, json=make_reply(UPSTREAM_BODY, **fields))


@pytest.mark.parametrize(
    ("answers", "max_cost", "statuses", "reason"),
    [
        ([], 1.5 * COST, [200, 200, 402, 402], "are spent"),
        ([], COST, [200, 402, 402, 402], "are spent"),
        ([], 0, [402, 402, 402, 402], "0 of 0 credits"),
        ([answer_with(usage=None)], 1, [200, 402, 402, 402], "did not say"),
        ([httpx.Response(200, text="{}")], 1, [502, 402, 402, 402], "did not say"),
        ([httpx.ConnectError("refused")], COST, [502, 200, 402, 402], "are spent"),
    ],
)
def test_a_limit_holds_for_the_life_of_the_server(
    answers: Sequence[httpx.Response | Exception],
    max_cost: float,
    statuses: list[int],
    reason: str,
) -> None:
    """Nothing is sent once it is reached, or once a reply did not say what it cost."""
    upstream = FakeUpstream(*answers)
    local = {**BODY, "model": "local/minilm"}

    replies = ask(upstream, *[UPSTREAM_BODY] * 4, local, max_cost=max_cost)

    assert [each.status_code for each in replies] == [*statuses, 200]
    assert reason in str(read_error(replies[3])["message"])
    assert len(upstream.asked) == 4 - statuses.count(402)


def test_who_has_gone_is_not_paid_for() -> None:
    """With a limit requests wait for each other, and one whose caller gave up is not sent."""
    upstream = FakeUpstream()
    upstream.may_answer.clear()
    with (
        running(ConstantRanker(), upstream=upstream.client, max_cost=1) as url,
        ThreadPoolExecutor() as pool,
    ):
        first = pool.submit(httpx.post, f"{url}/rerank", json=UPSTREAM_BODY, timeout=60)
        assert upstream.has_begun.wait(20)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{url}/rerank", json={**UPSTREAM_BODY, "query": "gone"}, timeout=0.5)
        upstream.may_answer.set()
        assert first.result().status_code == 200
        last = httpx.post(f"{url}/rerank", json={**UPSTREAM_BODY, "query": "last"})

    assert last.status_code == 200
    assert [each["query"] for each in upstream.asked] == [BODY["query"], "last"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_cost": 1}, "without upstream"),
        ({"max_cost": -1, "upstream": FakeUpstream().client}, "max_cost: must be at least 0"),
        ({"max_cost": float("nan"), "upstream": FakeUpstream().client}, "max_cost"),
    ],
)
def test_a_limit_that_limits_nothing_is_refused(options: dict[str, Any], message: str) -> None:
    """A limit needs something that costs, and a number."""
    with pytest.raises(ValueError, match=message):
        create_app(ConstantRanker(), **options)


def test_credits_are_not_for_everyone() -> None:
    """An upstream needs a key or an address of this machine alone."""
    upstream = FakeUpstream().client
    everywhere = "0.0.0.0"  # noqa: S104  that is the case here
    with (
        pytest.raises(ValueError, match="everyone who reaches"),
        running(ConstantRanker(), host=everywhere, upstream=upstream),
    ):
        pass
    with running(ConstantRanker(), host=everywhere, upstream=upstream, api_key="k") as url:
        assert httpx.post(f"{url}/rerank", json=UPSTREAM_BODY).status_code == 401
