"""What the report makes of the systems before it shows them."""

from attrs import evolve
from openrouter_rerank.evaluation import Evaluation
from openrouter_rerank.evaluation._report.series import (
    MAX_HURT_QUERIES,
    find_hurt_queries,
    group_systems,
    list_differences,
)
from unit.evaluation.evaluations import estimate, make_evaluation


def make_systems(*systems: tuple[str, int, float]) -> Evaluation:
    """Make an evaluation of models at depths, each with its main measure."""
    evaluation = make_evaluation()
    first_stage, reranked = evaluation.systems
    made = [
        evolve(
            reranked,
            name=f"{model}, depth {depth}",
            model=model,
            depth=depth,
            measures={"nDCG@10": estimate(value)},
        )
        for model, depth, value in systems
    ]
    return evolve(evaluation, systems=[first_stage, *made])


def test_systems_are_grouped_by_model() -> None:
    """Depths go up, models stay in their order, and the best is the smallest depth of equals."""
    evaluation = make_systems(("b", 30, 0.8), ("b", 10, 0.8), ("a", 10, 0.6), ("b", 5, 0.7))

    grouped = group_systems(evaluation)

    assert [(each.number, each.model, each.positions) for each in grouped] == [
        (0, "b", [4, 2, 1]),
        (1, "a", [3]),
    ]
    assert [each.best for each in grouped] == [2, 3]


def test_the_worst_queries_come_first() -> None:
    """Only queries with a lower value than without a reranker count, and only so many are shown."""
    evaluation = make_evaluation()
    first_stage, reranked = evaluation.systems
    before = [1.0] * 8
    after = [0.5, 1.0, 0.0, 0.9, 0.8, 0.7, 0.6, 0.4]
    systems = [evolve(first_stage, per_query=before), evolve(reranked, per_query=after)]
    evaluation = evolve(evaluation, systems=systems)

    hurt = find_hurt_queries(evaluation, 1)

    assert hurt == [2, 7, 0, 6, 5]
    assert len(hurt) == MAX_HURT_QUERIES
    assert list_differences(evaluation, 1)[:3] == [-0.5, 0.0, -1.0]
