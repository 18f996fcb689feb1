"""What an evaluation is told to do, and tells, while it runs."""

from collections.abc import Callable, Sequence

from attrs import frozen


@frozen(kw_only=True)
class EvaluationProgress:
    """
    How far an evaluation is.

    Attributes:
        done: How many calls are done, those of earlier runs and failed ones included.
        total: How many there are.
        failed: How many have failed.
        cost: What is known to have been paid, in credits, earlier runs included.
    """

    done: int
    total: int
    failed: int
    cost: float


@frozen(kw_only=True)
class CostEstimate:
    """
    What an evaluation will still cost, by what the first call of each model and depth has cost.

    Attributes:
        calls: How many calls to the API are still to be made.
        documents: How many documents they hold.
        cost: What they will cost, in credits; None if a model does not tell its price.
        unknown: The models that do not tell it.
        spent: What is known to have been paid already, in credits.
    """

    calls: int
    documents: int
    cost: float | None
    unknown: Sequence[str]
    spent: float


class EvaluationStoppedError(Exception):
    """Somebody did not agree to the estimated cost; what was paid for is kept in the folder."""

    def __init__(self, estimate: CostEstimate) -> None:
        super().__init__("the evaluation was stopped at the estimate of its cost")
        self.estimate = estimate


@frozen(kw_only=True)
class RunSettings:
    """
    How calls are made.

    Attributes:
        max_concurrency: How many are under way at once.
        requests_per_minute: None for no limit.
        max_cost: What all may cost, in credits, earlier runs included; None for no limit.
        on_progress: Called after each call; None for nothing.
        confirm: Told the estimate, and says whether to go on; None goes on.
    """

    max_concurrency: int
    requests_per_minute: float | None = None
    max_cost: float | None = None
    on_progress: Callable[[EvaluationProgress], object] | None = None
    confirm: Callable[[CostEstimate], bool] | None = None
