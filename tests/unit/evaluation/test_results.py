"""What an evaluation returns, and its JSON."""

import json

from unit.evaluation.evaluations import make_evaluation


def test_json_has_everything_that_the_attributes_have() -> None:
    """The JSON goes through a text and back, and names the best system and the main measure."""
    evaluation = make_evaluation()

    value = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))

    assert (value["version"], value["main_measure"], value["best"]) == (
        1,
        "nDCG@10",
        "a/model, depth 10",
    )
    assert value["measures"] == ["nDCG@10", "MRR"]
    assert value["systems"][1]["measures"]["nDCG@10"] == {"value": 0.75, "low": 0.65, "high": 0.85}
    assert value["systems"][1]["failures"][0]["error"] == "RateLimitError"
    assert value["queries"][0]["orders"]["no reranker"] == ["d2", "d1", "d3"]
    assert value["dataset"]["problems"] == [
        {"kind": "unknown documents", "count": 1, "examples": ["d9"]}
    ]
    assert value["verdict"] == ["Take a/model."]


def test_an_unknown_cost_is_null_and_a_known_one_of_nothing_is_zero() -> None:
    """Nobody can take a model whose price is unknown for a free one."""
    systems = make_evaluation().to_dict()["systems"]

    assert [system["cost_per_1000_queries"] for system in systems] == [0.0, None]


def test_a_document_is_relevant_from_the_first_grade_on() -> None:
    """Neither a grade of 0 nor the lack of a judgement makes a document relevant."""
    documents = make_evaluation().to_dict()["queries"][0]["documents"]

    assert {name: shown["is_relevant"] for name, shown in documents.items()} == {
        "d1": True,
        "d2": False,
        "d3": False,
    }


def test_no_reranker_stands_first_and_can_be_the_best() -> None:
    """The first stage takes part as any other system does."""
    evaluation = make_evaluation()

    assert evaluation.no_reranker.name == "no reranker"
    assert evaluation.best is evaluation.systems[1]
