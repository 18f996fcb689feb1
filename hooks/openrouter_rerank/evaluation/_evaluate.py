"""`evaluate`: from a dataset and models to an evaluation."""

import os
from collections.abc import Callable, Sequence
from typing import Any

from openrouter_rerank import OpenRouter
from openrouter_rerank._call.defaults import DEFAULT_MODEL
from openrouter_rerank._codec.values import require_count, require_positive

from ._datasets import Dataset
from ._first_stage import BM25, add_candidates
from ._measures import DEFAULT_MEASURES, read_measures
from ._results import DatasetSummary, Evaluation
from ._runs.calls import CallPlan, check_options, name_server
from ._runs.embedded import check_embedded, is_embedded
from ._runs.outcome_file import OutcomeFile
from ._runs.progress import CostEstimate, EvaluationProgress, RunSettings
from ._runs.runner import CallRunner
from ._statistics import DEFAULT_SEED
from ._systems import compare_systems, compute_ceilings, gather_systems, show_queries
from ._verdict import write_verdict

DEFAULT_DEPTHS = (10, 30)
DEFAULT_CONCURRENCY = 8


def evaluate(
    client: OpenRouter | None,
    dataset: Dataset,
    *,
    models: Sequence[str],
    depths: Sequence[int] = DEFAULT_DEPTHS,
    measures: Sequence[str] = DEFAULT_MEASURES,
    first_stage: BM25 | None = None,
    read_off: bool = False,
    folder: str | os.PathLike[str] | None = None,
    max_concurrency: int = DEFAULT_CONCURRENCY,
    requests_per_minute: float | None = None,
    max_cost: float | None = None,
    confirm: Callable[[CostEstimate], bool] | None = None,
    on_progress: Callable[[EvaluationProgress], object] | None = None,
    seed: int = DEFAULT_SEED,
    **options: Any,
) -> Evaluation:
    """
    Compare models at several depths on queries with judged documents.

    Each model ranks the first `depth` candidates of each query, the deepest calls first; the other
    candidates follow as they came, as they do for a call that has failed. The row "no reranker" is
    the order of all candidates as they came. A document that a model ranks nowhere, such as a blank
    one, comes after those that it does; equal scores keep the order of the candidates. The measures
    are trec_eval's, of these orders.

    The client's retries apply to each call, its fallbacks, `min_score` and `on_failure` do not. An
    async program can call it in a thread, such as by `anyio.to_thread.run_sync`.

    Args:
        client: Makes the calls; None if all models are embedded.
        dataset: As `read_dataset` reads it.
        models: Slugs, and embedded models, which need no key, as "local/minilm"; see
            `openrouter_rerank.local.LocalRanker`.
        depths: How many candidates to rerank, each at least 1.
        measures: Their names, such as "nDCG@10"; systems are compared by the first.
        first_stage: Finds candidates for queries that have none, as many as the largest depth and
            the largest cutoff of a measure need; None is BM25 with its defaults.
        read_off: Whether to read the smaller depths off the deepest call of each model instead of
            making calls of their own. That gives the same scores for models that score each
            document by itself, so embedded models always do it; listwise models and LLMs, which
            judge documents against each other, can give others.
        folder: Where to keep what calls gave, so that an evaluation that was cut off, even by a
            kill, goes on without paying for a call twice; None keeps nothing. Calls that failed
            are made again.
        max_concurrency: How many calls to the API are under way at once; embedded models make one
            at a time.
        requests_per_minute: Limit for the requests to the API; None sets none.
        max_cost: Credits after which nothing more is sent, what the folder holds included; requests
            under way finish. A reply without a cost also ends the evaluation. None sets no limit.
        confirm: Called with a `CostEstimate` after the first call of each model of the API at each
            depth, which tells its price; whether to go on. None goes on.
        on_progress: Called with an `EvaluationProgress` after each call.
        seed: Makes intervals and p the same each time.
        options: Further arguments of each `RerankJob` to the API, such as `provider` and
            `deadline_ms`.

    Returns:
        The evaluation; `to_dict` gives its JSON. The latency of a call is the time from before its
        last request was sent until the reply was read.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument has a value that cannot work.
        OutcomeFileError: The folder cannot be used.
        EvaluationStoppedError: `confirm` returned False.
        RunStoppedError: A call was answered with 401 or 402, or the cost has reached `max_cost` or
            cannot be counted; what was paid for is kept in the folder.
        MissingExtraError: A package for an embedded model is not installed.
        ModuleNotFoundError: A package for the first stage is not installed.
    """
    columns = read_measures(measures)
    sizes = [require_count(depth, "depths") for depth in dict.fromkeys(depths)]
    if not sizes:
        raise ValueError("depths: there is none; give at least one, such as 30")
    _check_models(models, client)
    check_options(options)
    _check_dataset(dataset)
    if max_cost is not None:
        require_positive(max_cost, "max_cost")
    settings = RunSettings(
        max_concurrency=require_count(max_concurrency, "max_concurrency"),
        requests_per_minute=requests_per_minute,
        max_cost=max_cost,
        on_progress=on_progress,
        confirm=confirm,
    )
    deepest = max(sizes)
    # So that recall@100 is that of 100 candidates, of which a model may rank fewer.
    found = max(deepest, *(measure.cutoff or 0 for measure in columns))
    dataset = add_candidates(dataset, first_stage or BM25(), found)
    wanted = {
        (model, depth): deepest if read_off or is_embedded(model) else depth
        for model in dict.fromkeys(models)
        for depth in sizes
    }
    plan = CallPlan(dataset, options, name_server(client))
    for model, depth in dict.fromkeys((model, used) for (model, _), used in wanted.items()):
        plan.add(model, depth)
    with OutcomeFile(folder) as kept:
        runner = CallRunner(plan, kept, settings)
        runner.run(client)
    systems = gather_systems(plan, wanted, kept.results, runner.failures)
    results = compare_systems(dataset, systems, columns, seed)
    ceilings = compute_ceilings(dataset, sorted(sizes), columns[0], seed)
    return Evaluation(
        dataset=DatasetSummary(
            name=dataset.name,
            query_count=len(dataset.queries),
            document_count=len(dataset.documents),
            first_stage=dataset.first_stage or "the candidates of the dataset",
            problems=dataset.problems,
        ),
        measures=[measure.name for measure in columns],
        systems=results,
        ceilings=ceilings,
        queries=show_queries(dataset, systems),
        cost=runner.sum_cost(),
        verdict=write_verdict(results, ceilings, columns[0].name),
        notes=kept.notes,
    )


def _check_dataset(dataset: Dataset) -> None:
    """Refuse what `read_dataset` would not have made."""
    if not dataset.queries:
        raise ValueError("dataset: it has no queries")
    for query in dataset.queries:
        for name in query.candidates or ():
            if name not in dataset.documents:
                raise ValueError(f"dataset: query {query.id!r} has the unknown candidate {name!r}")


def _check_models(models: Sequence[str], client: OpenRouter | None) -> None:
    if isinstance(models, str) or not models:
        raise ValueError(f"models: give a list of at least one, such as {[DEFAULT_MODEL]}")
    for model in models:
        if is_embedded(model):
            check_embedded(model)
        elif client is None:
            raise ValueError(f"client: {model!r} is a model of the API; give a client for it")
