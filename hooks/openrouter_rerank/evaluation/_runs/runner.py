"""Making the calls of an evaluation, through runs of the client."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from attrs import define, field

from openrouter_rerank import OpenRouter, RerankJob, RerankOutcome
from openrouter_rerank.errors import OpenRouterError, RunStoppedError
from openrouter_rerank.evaluation._results import FailedCall

from .calls import IN_THIS_PROCESS, CallPlan, CallResult, PlannedCall, name_server
from .embedded import is_embedded, open_embedded
from .outcome_file import OutcomeFile
from .progress import CostEstimate, EvaluationProgress, EvaluationStoppedError, RunSettings
from .stopwatch import measure_requests


@define
class CallRunner:
    """
    Makes the calls of a plan that no earlier run has made.

    Attributes:
        failures: The calls that have failed in this run, by their keys.
    """

    _plan: CallPlan
    _kept: OutcomeFile
    _settings: RunSettings
    failures: dict[str, FailedCall] = field(factory=dict[str, FailedCall], init=False)
    _total: int = field(default=0, init=False)
    _done: int = field(default=0, init=False)

    def run(self, client: OpenRouter | None) -> None:
        """
        Make the calls: those of the API by the client, those of embedded models in this process.

        Raises:
            EvaluationStoppedError: `confirm` did not agree.
            RunStoppedError: A call was answered with 401 or 402, or the cost has reached its limit
                or cannot be counted.
        """
        calls = list(self._plan.iterate())
        self._total = len(calls)
        pending = [call for call in calls if call.key not in self._kept.results]
        self._done = self._total - len(pending)
        remote = [call for call in pending if not is_embedded(call.model)]
        if client is not None and remote:
            self._run_remote(client, remote)
        for model, group in itertools.groupby(
            sorted((call for call in pending if is_embedded(call.model)), key=_read_model),
            _read_model,
        ):
            with open_embedded(model) as embedded:
                # More at once would compete for the processors, and each would seem slower.
                self._run_calls(embedded, list(group), IN_THIS_PROCESS, max_concurrency=1)

    def sum_cost(self) -> float | None:
        """Sum what the calls of the plan cost, with those that failed; None if it is not known."""
        total = self._kept.failed_cost
        for call in self._plan.iterate():
            result = self._kept.results.get(call.key)
            if result is not None:
                if result.paid is None:
                    return None
                total += result.paid
        return total

    def _run_remote(self, client: OpenRouter, calls: Sequence[PlannedCall]) -> None:
        settings, server = self._settings, name_server(client)
        limits: dict[str, Any] = {
            "max_concurrency": settings.max_concurrency,
            "requests_per_minute": settings.requests_per_minute,
        }
        if settings.confirm is not None:
            probes = self._choose_probes(calls)
            if probes:
                self._run_calls(client, probes, server, **limits, max_cost=self._count_left())
            keys = {call.key for call in probes}
            calls = [call for call in calls if call.key not in keys]
            estimate = self._estimate(calls)
            if calls and not settings.confirm(estimate):
                raise EvaluationStoppedError(estimate)
        if calls:
            self._run_calls(client, calls, server, **limits, max_cost=self._count_left())

    def _choose_probes(self, calls: Sequence[PlannedCall]) -> list[PlannedCall]:
        """Choose the first call of each model and depth of which no call has been made."""
        known = {
            key
            for key, planned in self._plan.calls.items()
            if any(call is not None and call.key in self._kept.results for call in planned)
        }
        first: dict[tuple[str, int], PlannedCall] = {}
        for call in calls:
            first.setdefault((call.model, call.depth), call)
        return [call for key, call in first.items() if key not in known]

    def _count_left(self) -> float | None:
        """
        Return how much may still be paid, in credits; None for any amount.

        Raises:
            RunStoppedError: Nothing.
        """
        limit = self._settings.max_cost
        if limit is None:
            return None
        spent = self._kept.cost
        if spent >= limit:
            raise RunStoppedError(
                f"the cost has reached max_cost {limit:g}", reason="max_cost", cost=spent
            )
        return limit - spent

    def _estimate(self, calls: Sequence[PlannedCall]) -> CostEstimate:
        prices = {
            key: [
                result.cost
                for call in planned
                if call is not None and (result := self._kept.results.get(call.key))
            ]
            for key, planned in self._plan.calls.items()
        }
        cost = 0.0
        unknown: dict[str, None] = {}
        for call in calls:
            known = [price for price in prices[call.model, call.depth] if price is not None]
            if known:
                cost += sum(known) / len(known)
            else:
                unknown[call.model] = None
        return CostEstimate(
            calls=len(calls),
            documents=sum(len((call.query.candidates or ())[: call.depth]) for call in calls),
            cost=None if unknown else cost,
            unknown=list(unknown),
            spent=self._kept.cost,
        )

    def _run_calls(
        self, client: OpenRouter, calls: Sequence[PlannedCall], server: str, **limits: Any
    ) -> None:
        sendable: list[PlannedCall] = []
        for call in calls:
            if call.problem is None:
                sendable.append(call)
            else:
                self._record_failure(call, call.problem)
        outcomes = client.rerank.rerank_many(
            self._make_jobs(sendable),
            ordered=False,
            # A kill loses no more replies than this, and their calls are paid for again.
            max_unread=limits["max_concurrency"],
            **limits,
        )
        with measure_requests(client, server) as stopwatch, closing(outcomes):
            for outcome in outcomes:
                call = sendable[outcome.position]
                self._record(call, outcome, stopwatch.take(call.key))

    def _make_jobs(self, calls: Sequence[PlannedCall]) -> Iterator[RerankJob]:
        return map(self._plan.make_job, calls)

    def _record(self, call: PlannedCall, outcome: RerankOutcome, latency_ms: float | None) -> None:
        if outcome.error is not None:
            if isinstance(outcome.error, OpenRouterError) and outcome.error.cost:
                self._kept.add_failure(call, outcome.error.cost)
            self._record_failure(call, outcome.error)
            return
        results = outcome.unwrap().results
        scores = [(result.index, result.relevance_score) for result in results]
        cost, saved = read_price(outcome)
        result = CallResult(scores=scores, cost=cost, latency_ms=latency_ms, saved=saved)
        self._kept.add(call, result)
        self._report()

    def _record_failure(self, call: PlannedCall, error: Exception) -> None:
        self.failures[call.key] = FailedCall(
            query_id=call.query.id, error=type(error).__name__, message=str(error)
        )
        self._report()

    def _report(self) -> None:
        self._done += 1
        if self._settings.on_progress is not None:
            progress = EvaluationProgress(
                done=self._done,
                total=self._total,
                failed=len(self.failures),
                cost=self._kept.cost,
            )
            self._settings.on_progress(progress)


def read_price(outcome: RerankOutcome) -> tuple[float | None, float]:
    """Return what an answer costs, None if unknown, and what of that the client's cache saved."""
    cost, ranking = outcome.cost, outcome.ranking
    if ranking is None or cost is None:
        return cost, 0.0
    if ranking.cached and ranking.saved_cost is None:
        return None, 0.0
    saved = ranking.saved_cost or 0.0
    return cost + saved, saved


def _read_model(call: PlannedCall) -> str:
    return call.model
