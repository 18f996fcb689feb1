"""
Measures of one ranking, as trec_eval computes them. Pure.

A ranking is ids of documents, the best first; `order_scores` makes one of scores. Judgements are
grades by document id: a document is relevant from grade 1 on, and one that nobody judged is not.
"""

import math
import re
from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from attrs import frozen

Grades: TypeAlias = Mapping[str, int]

DEFAULT_MEASURES = ("nDCG@10", "MRR", "recall@10", "MAP", "P@10")
_NAME = re.compile(r"(?P<kind>[A-Za-z]+)(?:@(?P<cutoff>[1-9][0-9]*))?")


def order_scores(scores: Mapping[str, float]) -> list[str]:
    """
    Order documents by their scores as trec_eval does: the highest first, in single precision.

    Documents of equal scores come by their ids, the last one by the order of characters first.
    """
    rounded = array("f", scores.values())
    order = sorted(zip(rounded, scores, strict=True), reverse=True)
    return [name for _, name in order]


def count_relevant(grades: Grades) -> int:
    """Count the documents that are judged to be relevant."""
    return sum(grade >= 1 for grade in grades.values())


def measure_ndcg(ranking: Sequence[str], grades: Grades, cutoff: int | None) -> float:
    """Normalised discounted cumulative gain: the grade is the gain, a negative one is none."""
    ideal = _sum_gains(sorted(grades.values(), reverse=True)[:cutoff])
    gained = _sum_gains([grades.get(name, 0) for name in ranking[:cutoff]])
    return gained / ideal if ideal else 0.0


def _sum_gains(grades: Sequence[int]) -> float:
    return math.fsum(
        grade / math.log2(rank + 1) for rank, grade in enumerate(grades, start=1) if grade > 0
    )


def measure_reciprocal_rank(ranking: Sequence[str], grades: Grades, cutoff: int | None) -> float:
    """One divided by the rank of the first relevant document, 0 if there is none."""
    ranks = enumerate(ranking[:cutoff], start=1)
    return next((1 / rank for rank, name in ranks if grades.get(name, 0) >= 1), 0.0)


def measure_recall(ranking: Sequence[str], grades: Grades, cutoff: int | None) -> float:
    """The share of the relevant documents that is found."""
    return _count_found(ranking[:cutoff], grades) / (count_relevant(grades) or 1)


def measure_average_precision(ranking: Sequence[str], grades: Grades, cutoff: int | None) -> float:
    """The mean of the precision at each relevant document, 0 for those that are not found."""
    found, total = 0, 0.0
    for rank, name in enumerate(ranking[:cutoff], start=1):
        if grades.get(name, 0) >= 1:
            found += 1
            total += found / rank
    return total / (count_relevant(grades) or 1)


def measure_precision(ranking: Sequence[str], grades: Grades, cutoff: int | None) -> float:
    """The share of relevant ones among the first documents, however many there are."""
    return _count_found(ranking[:cutoff], grades) / (cutoff or len(ranking) or 1)


def _count_found(names: Sequence[str], grades: Grades) -> int:
    return sum(grades.get(name, 0) >= 1 for name in names)


_KINDS: dict[str, tuple[str, Callable[[Sequence[str], Grades, int | None], float]]] = {
    "ndcg": ("nDCG", measure_ndcg),
    "mrr": ("MRR", measure_reciprocal_rank),
    "recall": ("recall", measure_recall),
    "map": ("MAP", measure_average_precision),
    "p": ("P", measure_precision),
}
_NEEDS_CUTOFF = frozenset({"recall", "p"})


@frozen
class Measure:
    """
    A measure with its cutoff.

    Attributes:
        kind: "ndcg", "mrr", "recall", "map" or "p".
        cutoff: How many of the first documents count; None for all.
    """

    kind: str
    cutoff: int | None

    @property
    def name(self) -> str:
        """How it is written, such as "nDCG@10"."""
        title = _KINDS[self.kind][0]
        return title if self.cutoff is None else f"{title}@{self.cutoff}"

    def compute(self, ranking: Sequence[str], grades: Grades) -> float:
        """Measure a ranking; from 0 to 1, and 0 without a relevant document."""
        return _KINDS[self.kind][1](ranking, grades, self.cutoff)


def read_measures(names: Sequence[str]) -> list[Measure]:
    """
    Read measures by their names, in any case: nDCG, MRR and MAP, at a cutoff or not, recall@k, P@k.

    They are trec_eval's ndcg_cut (ndcg), recip_rank, map_cut (map), recall and P.

    Raises:
        ValueError: There is none, or a name is none of these.
    """
    if not names:
        raise ValueError("measures: there is none; give at least one, such as nDCG@10")
    return list(dict.fromkeys(map(_read_measure, names)))


def _read_measure(name: str) -> Measure:
    match = _NAME.fullmatch(name)
    kind = match["kind"].lower() if match else ""
    cutoff = int(match["cutoff"]) if match and match["cutoff"] else None
    if kind not in _KINDS or (cutoff is None and kind in _NEEDS_CUTOFF):
        raise ValueError(
            f"measures: {name!r} is unknown; there are nDCG@10, MRR, recall@10, MAP and P@10, each "
            "with any number"
        )
    return Measure(kind, cutoff)
