"""The systems of one model together, and where it did worse than no reranker."""

from collections.abc import Sequence

from attrs import frozen

from openrouter_rerank.evaluation._results import Evaluation, SystemResult

MAX_HURT_QUERIES = 5


@frozen(kw_only=True)
class Series:
    """
    A model at its depths.

    Attributes:
        number: Counts the models from 0; colour and shape follow from it.
        model: The model.
        positions: Where its systems stand in `Evaluation.systems`, the smallest depth first.
        systems: The systems themselves.
        best: The position of the one with the highest main measure, the smallest depth of several.
    """

    number: int
    model: str
    positions: Sequence[int]
    systems: Sequence[SystemResult]
    best: int


def group_systems(evaluation: Evaluation) -> list[Series]:
    """Group the systems of an evaluation by their models, in the order in which these appear."""
    measure = evaluation.main_measure
    positions: dict[str, list[int]] = {}
    for position, system in enumerate(evaluation.systems):
        if system.model is not None:
            positions.setdefault(system.model, []).append(position)
    grouped: list[Series] = []
    for number, (model, found) in enumerate(positions.items()):
        found.sort(key=lambda position: evaluation.systems[position].depth or 0)
        grouped.append(
            Series(
                number=number,
                model=model,
                positions=found,
                systems=[evaluation.systems[position] for position in found],
                best=max(
                    found,
                    key=lambda position: evaluation.systems[position].measures[measure].value,
                ),
            )
        )
    return grouped


def list_differences(evaluation: Evaluation, position: int) -> list[float]:
    """Give the main measure of each query with a system less that with no reranker."""
    before = evaluation.no_reranker.per_query
    after = evaluation.systems[position].per_query
    return [now - then for now, then in zip(after, before, strict=True)]


def find_hurt_queries(evaluation: Evaluation, position: int) -> list[int]:
    """Find where a system did worse than no reranker: positions of queries, the worst first."""
    differences = list_differences(evaluation, position)
    hurt = [query for query, difference in enumerate(differences) if difference < 0]
    return sorted(hurt, key=differences.__getitem__)[:MAX_HURT_QUERIES]
