"""What is recorded when a ranking keeps its order."""

from typing import Any

import pytest
from integration.frameworks.opentelemetry.recorder import Recorder
from openrouter_rerank import RerankJob, RetryConfig, errors
from openrouter_rerank.testing import FakeOpenRouter

ASK: dict[str, Any] = {"model": "m", "query": "q"}
ONCE = RetryConfig("none")
KEPT = "openrouter.rerank.kept_orders"


def read_reranked(recorder: Recorder, name: str) -> list[object]:
    """Return what each call's span says about its ranking."""
    spans = recorder.find(name)
    return [(span.attributes or {}).get("openrouter.reranked") for span in spans]


@pytest.mark.parametrize("is_job", [False, True])
def test_kept_order_is_on_the_span_and_counted(is_job: bool, recorder: Recorder) -> None:
    """The failed call's span says that the search went on, and one ranking is counted."""
    with FakeOpenRouter(503, retry_config=ONCE, on_failure="keep_order") as client:
        recorder.watch(client)
        if is_job:
            list(client.rerank.rerank_many([RerankJob(documents=["a"], **ASK)]))
        else:
            client.rerank.rank(["a"], **ASK)

    assert read_reranked(recorder, "rerank m") == [False]
    attributes = {"gen_ai.request.model": "m", "error.type": "ServiceUnavailableResponseError"}
    assert recorder.measure()[KEPT] == [(attributes, 1)]


@pytest.mark.parametrize("status", [401, 503])
def test_raised_error_is_not_counted(status: int, recorder: Recorder) -> None:
    """An error that reaches the caller is no kept order."""
    on_failure: Any = "keep_order" if status == 401 else "raise"
    with FakeOpenRouter(status, retry_config=ONCE) as client:
        recorder.watch(client)
        with pytest.raises(errors.OpenRouterError):
            client.rerank.rank(["a"], **ASK, on_failure=on_failure)

    assert read_reranked(recorder, "rerank m") == [None]
    assert KEPT not in recorder.measure()


def test_only_the_last_models_span_says_so(recorder: Recorder) -> None:
    """A model that another one made up for did not end the ranking."""
    with FakeOpenRouter(503, 503, retry_config=ONCE) as client:
        recorder.watch(client)
        client.rerank.rank(["a"], **ASK, fallback_models=["b"], on_failure="keep_order")

    assert read_reranked(recorder, "rerank m") == [None]
    assert read_reranked(recorder, "rerank b") == [False]
    assert [count for _, count in recorder.measure()[KEPT]] == [1]
