"""What an evaluation returns, and its JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import asdict, field, frozen

NO_RERANKER = "no reranker"
"""The name of the system that leaves the candidates in the order of the first stage."""
JSON_VERSION = 1


@frozen(kw_only=True)
class Estimate:
    """
    A mean over the queries with its 95 % interval, by percentile bootstrap over them.

    Attributes:
        value: The mean.
        low: The 2.5th percentile of the means of resampled queries.
        high: The 97.5th percentile.
    """

    value: float
    low: float
    high: float


@frozen(kw_only=True)
class Comparison:
    """
    A system beside another one, query by query, in the main measure.

    Attributes:
        difference: The mean difference; positive where the system is better than the other.
        p: How often a difference as large would come about if the two were equal, by a two-sided
            randomisation test that flips the signs of the queries' differences.
        corrected_p: `p` by Holm's method for the number of systems compared with the same one.
        wins: How many queries have a higher value than with the other.
        ties: How many have the same.
        losses: How many have a lower one.
    """

    difference: Estimate
    p: float
    corrected_p: float
    wins: int
    ties: int
    losses: int


@frozen(kw_only=True)
class Latency:
    """
    How long calls took that were answered now and not from a cache, retries and waits left out.

    Attributes:
        p50_ms: The median, in milliseconds.
        p95_ms: The 95th percentile, in milliseconds.
        count: How many calls were measured.
    """

    p50_ms: float
    p95_ms: float
    count: int


@frozen(kw_only=True)
class Threshold:
    """
    The highest `min_score` that keeps at least 95 % of the relevant candidates.

    Attributes:
        min_score: The score.
        kept: Share of the relevant candidates that score as high, from 0 to 1.
        dropped: Share of the other candidates that score lower, from 0 to 1; None if there are no
            others.
    """

    min_score: float
    kept: float
    dropped: float | None


@frozen(kw_only=True)
class FailedCall:
    """
    A call that failed, so that its query counts in the order in which its candidates came.

    Attributes:
        query_id: The query.
        error: The name of the error's class.
        message: What the error says.
    """

    query_id: str
    error: str
    message: str


@frozen(kw_only=True)
class SystemResult:
    """
    One system: a model at a depth, or no reranker at all.

    Attributes:
        name: Names it among the systems: "no reranker", or the model with its depth.
        model: The model; None for no reranker.
        depth: How many candidates of each query the model ranks, the others follow as they came;
            None for no reranker.
        read_from_depth: The depth whose calls gave the scores, if no calls of its own were made;
            None if they were.
        measures: Each measure by its name, such as "nDCG@10".
        per_query: The main measure of each query, in the order of `Evaluation.queries`.
        cost_per_1000_queries: In credits, of the calls that succeeded; None if the cost of any of
            them is unknown. 0 is a known cost of nothing.
        latency: None without a call that was measured.
        against_no_reranker: None for no reranker itself.
        against_best: Beside the system with the highest main measure; None for that itself.
        threshold: None for no reranker, and if no relevant candidate has a score.
        calls: How many calls there were, failed ones included; those of `read_from_depth`, if it is
            set. A query without candidates has none.
        failures: The calls that failed.
    """

    name: str
    model: str | None
    depth: int | None
    read_from_depth: int | None = None
    measures: Mapping[str, Estimate]
    per_query: Sequence[float] = field(repr=False)
    cost_per_1000_queries: float | None
    latency: Latency | None
    against_no_reranker: Comparison | None
    against_best: Comparison | None
    threshold: Threshold | None
    calls: int = 0
    failures: Sequence[FailedCall] = ()


@frozen(kw_only=True)
class Ceiling:
    """
    What a perfect reranker could reach at a depth.

    Attributes:
        depth: How many candidates of each query it would get.
        recall: The share of each query's relevant documents that is among them.
        best: The main measure if those came first, the most relevant ones before the others.
    """

    depth: int
    recall: Estimate
    best: Estimate


@frozen(kw_only=True)
class ShownDocument:
    """
    A document that stands among the first of some order.

    Attributes:
        grade: How relevant it is judged to be: relevant from 1 on; None if nobody judged it.
        text: Its beginning, on one line.
    """

    grade: int | None
    text: str

    @property
    def is_relevant(self) -> bool:
        """Whether it is judged to be relevant."""
        return self.grade is not None and self.grade >= 1


@frozen(kw_only=True)
class QueryResult:
    """
    A query with what each system puts first.

    Attributes:
        id: The query's id.
        text: The query.
        orders: The ids of the first documents of each system, by the system's name, the best
            first; under "no reranker" those of the first stage.
        documents: The documents in them, by id.
        relevant_count: How many documents are judged to be relevant, among the candidates or not.
    """

    id: str
    text: str
    orders: Mapping[str, Sequence[str]]
    documents: Mapping[str, ShownDocument]
    relevant_count: int


@frozen(kw_only=True)
class Problem:
    """
    Something wrong with the data, and what was done about it.

    Attributes:
        kind: What it is and what became of it, in words.
        count: How often it was found.
        examples: Where, the first few times.
    """

    kind: str
    count: int
    examples: Sequence[str]


@frozen(kw_only=True)
class DatasetSummary:
    """
    What was evaluated on.

    Attributes:
        name: Where it came from.
        query_count: How many queries count.
        document_count: How many documents there are.
        first_stage: Where the candidates came from, in words.
        problems: What is wrong with it.
    """

    name: str
    query_count: int
    document_count: int
    first_stage: str
    problems: Sequence[Problem] = ()


@frozen(kw_only=True)
class Evaluation:
    """
    The result of `evaluate`.

    Attributes:
        dataset: What it was evaluated on.
        measures: The names of the measures; the first is the main one.
        systems: "no reranker", and then each model at each depth, as they were asked for.
        ceilings: What is possible at each depth, the smallest first.
        queries: The queries, in the order of the dataset.
        cost: What all calls cost together, in credits, those of resumed runs included; None if the
            cost of any of them is unknown.
        verdict: Which model to take and how deep, what it costs, and how sure that is; sentences.
        notes: What else to know of the run, such as that results of an earlier one were used;
            sentences.
    """

    dataset: DatasetSummary
    measures: Sequence[str]
    systems: Sequence[SystemResult]
    ceilings: Sequence[Ceiling]
    queries: Sequence[QueryResult] = field(repr=False)
    cost: float | None
    verdict: Sequence[str]
    notes: Sequence[str] = ()

    @property
    def main_measure(self) -> str:
        """The measure that systems are compared by."""
        return self.measures[0]

    @property
    def no_reranker(self) -> SystemResult:
        """The first stage's own order."""
        return self.systems[0]

    @property
    def best(self) -> SystemResult:
        """The system with the highest main measure, the first of several."""
        return max(self.systems, key=lambda system: system.measures[self.main_measure].value)

    def to_dict(self) -> dict[str, Any]:
        """
        Return the JSON: the attributes by their names, and a `version` that changes with its form.

        Each shown document also has `is_relevant`, and there are `main_measure` and `best`, the
        name of that system.
        """
        value = asdict(self)
        for query, shown in zip(self.queries, value["queries"], strict=True):
            for name, document in query.documents.items():
                shown["documents"][name]["is_relevant"] = document.is_relevant
        head = {"version": JSON_VERSION, "main_measure": self.main_measure, "best": self.best.name}
        return {**head, **value}
