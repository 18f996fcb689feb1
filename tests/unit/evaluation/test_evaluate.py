"""`evaluate`: which calls it makes, what it makes of them, and what it tells."""

import importlib
import json
import math
import sys
from collections import Counter
from typing import Any

import httpx
import pytest
from attrs import evolve
from openrouter_rerank import BackoffStrategy, MemoryCache, RetryConfig, errors
from openrouter_rerank.evaluation import (
    BM25,
    NO_RERANKER,
    CostEstimate,
    Dataset,
    EvaluationProgress,
    EvaluationStoppedError,
    Query,
    evaluate,
)
from unit.evaluation.planted import BAD, EQUAL, GOOD, PlantedApi, make_planted, make_reply

THIRD = 1 / math.log2(4)


def test_a_planted_better_model_is_found_and_an_equal_and_a_worse_one_are_not() -> None:
    """The better one is to be taken, the worse one named, and the equal one neither."""
    with PlantedApi().open_client() as client:
        evaluation = evaluate(client, make_planted(40), models=[GOOD, EQUAL, BAD], depths=[5])

    none, good, equal, bad = evaluation.systems
    assert [system.name for system in evaluation.systems] == [
        NO_RERANKER,
        *(f"{model}, depth 5" for model in (GOOD, EQUAL, BAD)),
    ]
    assert none.measures["nDCG@10"].value == pytest.approx(THIRD)
    assert good.measures["nDCG@10"].value == good.measures["MRR"].value == 1.0
    assert good.per_query == [1.0] * 40
    assert good.against_no_reranker is not None
    assert (good.against_no_reranker.wins, good.against_no_reranker.losses) == (40, 0)
    assert good.against_no_reranker.corrected_p == pytest.approx(3 / 10_001)
    assert good.against_best is none.against_no_reranker is None
    assert equal.against_no_reranker is not None
    assert (equal.against_no_reranker.ties, equal.against_no_reranker.corrected_p) == (40, 1.0)
    assert bad.against_no_reranker is not None
    assert bad.against_no_reranker.losses == 40
    assert evaluation.verdict[0] == (
        f"Take {GOOD} at depth 5: nDCG@10 1.000 instead of 0.500 without a reranker."
    )
    assert evaluation.verdict[-1].startswith(
        f"{BAD}, depth 5 makes the ranking significantly worse"
    )


def test_costs_and_latencies_are_those_of_the_calls() -> None:
    """A price is known only if each reply tells it; a call of no reranker costs nothing."""
    with PlantedApi().open_client() as client:
        evaluation = evaluate(client, make_planted(10), models=[GOOD, BAD], depths=[5])

    none, good, bad = evaluation.systems
    assert (none.cost_per_1000_queries, bad.cost_per_1000_queries) == (0.0, None)
    assert good.cost_per_1000_queries == pytest.approx(2.0)
    assert evaluation.cost is None
    assert none.latency is None
    assert good.latency is not None
    assert good.latency.count == 10
    assert 0 < good.latency.p50_ms <= good.latency.p95_ms


def test_the_cost_of_all_calls_is_summed() -> None:
    """What was paid is told, when all replies tell it."""
    with PlantedApi().open_client() as client:
        evaluation = evaluate(client, make_planted(10), models=[GOOD, EQUAL], depths=[5])

    assert evaluation.cost == pytest.approx(0.03)


@pytest.mark.parametrize("by", ["request", "document"])
def test_answers_from_a_cache_have_their_price_and_are_not_paid(by: Any) -> None:
    """What the client's cache has is not sent, has no latency, and costs what it did."""
    cache = MemoryCache(by=by)
    with PlantedApi().open_client(cache=cache) as client:
        first, second = (
            evaluate(client, make_planted(10), models=[GOOD, BAD], depths=[5]) for _ in range(2)
        )

    for model in (1, 2):
        known, again = first.systems[model], second.systems[model]
        assert again.measures == known.measures
        assert again.cost_per_1000_queries == pytest.approx(known.cost_per_1000_queries)
        assert again.latency is None
    with PlantedApi().open_client(cache=cache) as client:
        assert evaluate(client, make_planted(10), models=[GOOD], depths=[5]).cost == 0.0


def test_the_threshold_keeps_most_of_the_relevant_and_drops_the_others() -> None:
    """The good model's scores of right documents are all far above those of wrong ones."""
    with PlantedApi().open_client() as client:
        evaluation = evaluate(
            client, make_planted(40, right_at=range(5)), models=[GOOD, BAD], depths=[5]
        )

    none, good, bad = evaluation.systems
    assert none.threshold is None
    assert good.threshold is not None
    assert good.threshold.min_score == pytest.approx(0.896)
    assert (good.threshold.kept, good.threshold.dropped) == (1.0, 1.0)
    assert bad.threshold is not None
    assert bad.threshold.dropped == 0.0


def test_each_depth_has_calls_of_its_own_the_deepest_first() -> None:
    """A listwise model may see other documents differently, so nothing is read off."""
    api = PlantedApi()
    with api.open_client() as client:
        evaluation = evaluate(
            client, make_planted(4), models=[GOOD, EQUAL], depths=[2, 4], max_concurrency=1
        )

    sent = [(body["model"], len(body["documents"])) for body in api.bodies]
    assert sent == [(GOOD, 4)] * 4 + [(EQUAL, 4)] * 4 + [(GOOD, 2)] * 4 + [(EQUAL, 2)] * 4
    values = [system.measures["nDCG@10"].value for system in evaluation.systems]
    assert values == pytest.approx([THIRD, THIRD, 1.0, THIRD, THIRD])
    assert [system.depth for system in evaluation.systems] == [None, 2, 4, 2, 4]
    assert [(at.depth, at.recall.value, at.best.value) for at in evaluation.ceilings] == [
        (2, 0.0, pytest.approx(THIRD)),
        (4, 1.0, 1.0),
    ]


def test_smaller_depths_can_be_read_off_the_deepest_call() -> None:
    """The orders are the same, without a call, and what such a call would cost is not known."""
    api = PlantedApi()
    dataset = make_planted(4)
    with api.open_client() as client:
        apart = evaluate(client, dataset, models=[GOOD], depths=[2, 3, 5])
        calls = len(api.bodies)
        read = evaluate(client, dataset, models=[GOOD], depths=[2, 3, 5], read_off=True)

    assert (calls, len(api.bodies) - calls) == (12, 4)
    assert [system.per_query for system in read.systems] == [
        system.per_query for system in apart.systems
    ]
    assert [query.orders for query in read.queries] == [query.orders for query in apart.queries]
    assert [system.read_from_depth for system in read.systems] == [None, 5, 5, None]
    assert [system.cost_per_1000_queries for system in read.systems[1:]] == [
        None,
        None,
        pytest.approx(2.0),
    ]
    assert [system.latency is None for system in read.systems[1:]] == [True, True, False]


def test_equal_requests_are_sent_once() -> None:
    """Two depths beyond the candidates of a query send the same, and so do equal queries."""
    api = PlantedApi()
    with api.open_client() as client:
        evaluation = evaluate(client, make_planted(3), models=[GOOD], depths=[5, 10, 30])

    assert len(api.bodies) == 3
    assert {system.measures["nDCG@10"].value for system in evaluation.systems[1:]} == {1.0}
    assert evaluation.cost == pytest.approx(0.006)


def test_a_failed_call_keeps_the_order_and_is_counted() -> None:
    """Its query counts as it came, and the failure is named with its query."""

    def fail(body: dict[str, Any]) -> httpx.Response | None:
        if body["query"] != "query 1":
            return None
        return httpx.Response(400, json={"error": {"code": 400, "message": "too long"}})

    with PlantedApi(fail).open_client() as client:
        evaluation = evaluate(client, make_planted(4), models=[GOOD], depths=[5])

    good = evaluation.systems[1]
    assert good.per_query == pytest.approx([1.0, THIRD, 1.0, 1.0])
    assert (evaluation.no_reranker.calls, good.calls) == (0, 4)
    assert [(failed.query_id, failed.error) for failed in good.failures] == [
        ("q1", "BadRequestResponseError")
    ]
    assert "too long" in good.failures[0].message
    assert good.cost_per_1000_queries == pytest.approx(2.0)
    assert good.latency is not None
    assert good.latency.count == 3


def test_a_query_that_cannot_be_sent_is_a_failed_call() -> None:
    """What the client would refuse is named, and nothing is sent."""
    api = PlantedApi()
    dataset = make_planted(2)
    broken = evolve(dataset.queries[0], text="half \ud800")

    with api.open_client() as client:
        evaluation = evaluate(
            client,
            evolve(dataset, queries=[broken, dataset.queries[1]]),
            models=[GOOD],
            depths=[5],
        )

    assert len(api.bodies) == 1
    assert [failed.error for failed in evaluation.systems[1].failures] == ["ValueError"]


def test_a_query_without_candidates_counts_as_nothing_and_is_not_sent() -> None:
    """A first stage that finds nothing cannot be helped by a model."""
    api = PlantedApi()
    dataset = make_planted(2)
    lacking = evolve(dataset.queries[0], candidates=[])

    with api.open_client() as client:
        evaluation = evaluate(
            client,
            evolve(dataset, queries=[lacking, dataset.queries[1]]),
            models=[GOOD],
            depths=[5],
        )

    assert len(api.bodies) == 1
    assert [system.per_query[0] for system in evaluation.systems] == [0.0, 0.0]
    assert evaluation.systems[1].failures == []


def test_a_document_that_cannot_be_ranked_comes_after_those_that_can() -> None:
    """A blank candidate fails no call, and does not stay first."""
    dataset = make_planted(1)
    documents = {**dataset.documents, "d0.0": " "}

    with PlantedApi().open_client() as client:
        evaluation = evaluate(
            client, evolve(dataset, documents=documents), models=[EQUAL], depths=[3]
        )

    orders = evaluation.queries[0].orders
    assert orders[f"{EQUAL}, depth 3"] == ["d0.1", "d0.2", "d0.0", "d0.3", "d0.4"]
    assert evaluation.systems[1].failures == []


def test_what_the_client_does_otherwise_does_not_apply() -> None:
    """A fallback's order, a cut list or a kept order would be taken for the model's own."""
    api = PlantedApi(lambda body: httpx.Response(503) if body["query"] == "query 0" else None)
    options: dict[str, Any] = {
        "fallback_models": [EQUAL],
        "min_score": 0.5,
        "on_failure": "keep_order",
        "follow_fallbacks": True,
    }
    with api.open_client(**options) as client:
        evaluation = evaluate(client, make_planted(2), models=[GOOD], depths=[5])

    assert {body["model"] for body in api.bodies} == {GOOD}
    assert len(evaluation.systems[1].failures) == 1
    assert evaluation.systems[1].threshold is not None
    assert evaluation.systems[1].threshold.dropped == 1.0


def test_further_arguments_go_into_each_call() -> None:
    """A model is tried with the provider that one means to use."""
    api = PlantedApi()
    with api.open_client() as client:
        evaluate(client, make_planted(2), models=[GOOD], depths=[5], provider={"only": ["a"]})

    assert [body["provider"] for body in api.bodies] == [{"only": ["a"]}] * 2


def test_candidates_come_from_the_first_stage_where_there_are_none() -> None:
    """BM25 finds as many as the largest depth and cutoff need, and is named."""
    documents = {f"d{number}": f"cat {number}" for number in range(40)}
    query = Query(id="q", text="cats", grades={"d3": 1})

    with PlantedApi().open_client() as client:
        evaluation = evaluate(
            client,
            Dataset(name="cats", queries=[query], documents=documents),
            models=[EQUAL],
            depths=[5, 8],
            first_stage=BM25(k1=1.2),
            measures=["recall@20", "nDCG@10"],
        )

    assert evaluation.dataset.first_stage.startswith("BM25 (k1 1.2")
    assert (evaluation.dataset.query_count, evaluation.dataset.document_count) == (1, 40)
    assert evaluation.main_measure == "recall@20"
    assert evaluation.no_reranker.measures["recall@20"].value == 1.0


def test_queries_show_what_each_system_puts_first() -> None:
    """A report can show both orders side by side, with the documents' texts, cut short."""
    dataset = make_planted(1, candidates=15, right_at=[12])
    documents = {**dataset.documents, "d0.0": "long\n\ttext " * 99}

    with PlantedApi().open_client() as client:
        evaluation = evaluate(
            client, evolve(dataset, documents=documents), models=[GOOD], depths=[15]
        )

    (query,) = evaluation.queries
    assert query.orders[NO_RERANKER] == [f"d0.{position}" for position in range(10)]
    assert query.orders[f"{GOOD}, depth 15"][:2] == ["d0.12", "d0.0"]
    assert query.documents["d0.12"].is_relevant
    assert query.documents["d0.1"].grade is None
    assert len(query.documents["d0.0"].text) == 240
    assert query.documents["d0.0"].text.endswith("…")
    assert "\n" not in query.documents["d0.0"].text
    assert query.relevant_count == 1
    assert json.dumps(evaluation.to_dict(), allow_nan=False)


def test_progress_is_told_after_each_call() -> None:
    """Whoever waits sees how many calls are done, have failed, and what they have cost."""
    seen: list[EvaluationProgress] = []
    with PlantedApi().open_client() as client:
        evaluate(client, make_planted(3), models=[GOOD], depths=[5], on_progress=seen.append)

    assert [(at.done, at.total, at.failed) for at in seen] == [(1, 3, 0), (2, 3, 0), (3, 3, 0)]
    assert seen[-1].cost == pytest.approx(0.006)


def test_the_estimate_comes_after_one_call_of_each_model_and_depth() -> None:
    """One call of each tells what the rest will cost."""
    api = PlantedApi()
    estimates: list[tuple[int, CostEstimate]] = []

    def agree(estimate: CostEstimate) -> bool:
        estimates.append((len(api.bodies), estimate))
        return True

    with api.open_client() as client:
        evaluate(client, make_planted(4), models=[GOOD, EQUAL], depths=[2, 5], confirm=agree)

    ((calls, estimate),) = estimates
    assert (calls, len(api.bodies)) == (4, 16)
    assert (estimate.calls, estimate.documents, estimate.unknown) == (12, 42, [])
    assert estimate.cost == pytest.approx(0.018)
    assert estimate.spent == pytest.approx(0.006)


def test_an_unknown_price_makes_the_estimate_unknown() -> None:
    """A price that a reply does not tell is not taken for 0."""
    seen: list[CostEstimate] = []

    def agree(estimate: CostEstimate) -> bool:
        seen.append(estimate)
        return True

    with PlantedApi().open_client() as client:
        evaluate(client, make_planted(2), models=[GOOD, BAD], depths=[5], confirm=agree)

    assert [(estimate.cost, estimate.unknown) for estimate in seen] == [(None, [BAD])]


def test_who_does_not_agree_pays_no_more() -> None:
    """Nothing is sent after the answer, and the error has the estimate."""
    api = PlantedApi()
    with (
        api.open_client() as client,
        pytest.raises(EvaluationStoppedError, match="stopped at the estimate") as caught,
    ):
        evaluate(client, make_planted(9), models=[GOOD], depths=[5], confirm=lambda _: False)

    assert len(api.bodies) == 1
    assert caught.value.estimate.calls == 8


def test_nobody_is_asked_when_nothing_is_left() -> None:
    """If the first calls were all, there is nothing to agree to."""
    with PlantedApi().open_client() as client:
        evaluation = evaluate(
            client, make_planted(1), models=[GOOD], depths=[5], confirm=lambda _: False
        )

    assert evaluation.systems[1].measures["MRR"].value == 1.0


def test_hooks_of_the_client_are_left_as_they_were() -> None:
    """A client that is used on carries nothing of an evaluation along."""
    with PlantedApi().open_client() as client:
        before = client.hooks.requests, client.hooks.responses
        evaluate(client, make_planted(1), models=[GOOD], depths=[5])

        assert vars(before[0]) == vars(before[1]) == {"_functions": []}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"models": []}, "models: give a list"),
        ({"models": GOOD}, "models: give a list"),
        (
            {"models": ["local/nothing"]},
            "models: 'local/nothing': .* choose minilm, bge-small, cross-encoder or a folder",
        ),
        ({"dataset": make_planted(0)}, "dataset: it has no queries"),
        (
            {"dataset": evolve(make_planted(1), documents={"d0.0": "x"})},
            "dataset: query 'q0' has the unknown candidate 'd0.1'",
        ),
        ({"client": None}, "client: 'planted/good' is a model of the API"),
        ({"depths": []}, "depths: there is none"),
        ({"depths": [0]}, "depths: "),
        ({"measures": ["F1"]}, "measures: 'F1' is unknown"),
        ({"max_cost": 0}, "max_cost: "),
        ({"max_concurrency": 0}, "max_concurrency: "),
        ({"provider": "cheap"}, "provider"),
        ({"min_score": 0.5}, "evaluate.. takes no argument 'min_score'"),
        ({"provder": {}}, "evaluate.. takes no argument 'provder'"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_sent(
    change: dict[str, Any], message: str
) -> None:
    """Each names the argument."""
    api = PlantedApi()
    with api.open_client() as client:
        given = {"client": client, "dataset": make_planted(1), "models": [GOOD], "depths": [5]}
        arguments: dict[str, Any] = {**given, **change}
        with pytest.raises((TypeError, ValueError), match=message):
            evaluate(**arguments)

    assert api.bodies == []


def test_a_wrong_key_ends_the_evaluation() -> None:
    """Nothing more is sent after a 401."""
    api = PlantedApi(lambda _: httpx.Response(401))
    with api.open_client() as client, pytest.raises(errors.RunStoppedError) as caught:
        evaluate(client, make_planted(30), models=[GOOD], depths=[5], max_concurrency=1)

    assert caught.value.reason == "refused"
    assert len(api.bodies) == 1


def test_retries_are_not_part_of_the_latency_nor_of_the_calls() -> None:
    """A call that failed at first counts once, with its last attempt."""
    seen: Counter[str] = Counter()

    def fail_once(body: dict[str, Any]) -> httpx.Response | None:
        seen[body["query"]] += 1
        return httpx.Response(500) if seen[body["query"]] == 1 else None

    retries = RetryConfig("backoff", BackoffStrategy(initial_interval=1, max_interval=1))
    with PlantedApi(fail_once).open_client(retries) as client:
        evaluation = evaluate(client, make_planted(3), models=[GOOD], depths=[5])

    assert set(seen.values()) == {2}
    assert evaluation.systems[1].failures == []
    assert evaluation.systems[1].latency is not None
    assert evaluation.systems[1].latency.count == 3


def test_a_redirect_is_part_of_the_latency() -> None:
    """A call that the server sends elsewhere is measured to its end."""
    seen: set[str] = set()

    def redirect(body: dict[str, Any]) -> httpx.Response | None:
        if body["query"] in seen:
            return None
        seen.add(body["query"])
        return httpx.Response(307, headers={"Location": "https://openrouter.ai/api/v1/other"})

    with PlantedApi(redirect).open_client() as client:
        evaluation = evaluate(client, make_planted(3), models=[GOOD], depths=[5])

    assert evaluation.systems[1].latency is not None
    assert evaluation.systems[1].latency.count == 3


def test_equal_scores_keep_the_order_of_the_candidates() -> None:
    """A model that cannot tell documents apart is as good as none."""

    def tie(body: dict[str, Any]) -> httpx.Response:
        reply = json.loads(make_reply(body, 0.0).content)
        for result in reply["results"]:
            result["relevance_score"] = 0.5
        reply["results"].reverse()
        return httpx.Response(200, json=reply)

    with PlantedApi(tie).open_client() as client:
        evaluation = evaluate(client, make_planted(3), models=[GOOD], depths=[5])

    assert evaluation.systems[1].per_query == evaluation.systems[0].per_query
    assert evaluation.systems[1].cost_per_1000_queries == 0.0


def test_embedded_models_run_in_this_process_and_their_depths_are_read_off() -> None:
    """They need no client, cost nothing, and each text is scored once."""
    documents = {
        "bread": "Bread rises because of yeast.",
        "ulm": "Ulm has a tall church.",
        "paris": "Paris is where the French government sits.",
    }
    query = Query(
        id="q",
        text="What is the capital of France?",
        grades={"paris": 1},
        candidates=list(documents),
    )
    dataset = Dataset(name="cities", queries=[query], documents=documents)

    evaluation = evaluate(None, dataset, models=["local/minilm"], depths=[2, 3])

    two, three = evaluation.systems[1:]
    assert (two.read_from_depth, three.read_from_depth) == (3, None)
    assert (two.measures["P@10"].value, three.measures["nDCG@10"].value) == (0.1, 1.0)
    assert (two.cost_per_1000_queries, three.cost_per_1000_queries, evaluation.cost) == (0, 0, 0)
    assert evaluation.dataset.first_stage == "the candidates of the dataset"


def test_embedded_models_stand_beside_those_of_the_api() -> None:
    """Both are compared in one evaluation, each by its own way."""
    api = PlantedApi()
    with api.open_client() as client:
        evaluation = evaluate(client, make_planted(1), models=[GOOD, "local/minilm"], depths=[5])

    assert [system.model for system in evaluation.systems] == [None, GOOD, "local/minilm"]
    assert {body["model"] for body in api.bodies} == {GOOD}


@pytest.mark.parametrize("missing", ["numpy", "attrs"])
def test_a_missing_package_is_named_by_its_extra(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """Whoever lacks numpy reads what to install; what no extra brings is told as it is."""
    for name in [name for name in sys.modules if name.startswith("openrouter_rerank.evaluation")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)

    with pytest.raises(ModuleNotFoundError) as caught:
        importlib.import_module("openrouter_rerank.evaluation")

    assert ("openrouter-rerank[eval]" in str(caught.value)) is (missing == "numpy")
