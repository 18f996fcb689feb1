"""The metrics of calls."""

from typing import cast

import pytest
from integration.frameworks.opentelemetry.recorder import COMMON, SUCCESS, Call, Recorder
from openrouter_rerank import errors
from openrouter_rerank.testing import FakeOpenRouter
from opentelemetry.sdk.metrics.export import HistogramDataPoint


def test_calls_are_measured(recorder: Recorder, rerank: Call) -> None:
    """Durations, retries, documents and cost are metrics, by model, server and error."""
    with FakeOpenRouter(503, SUCCESS, SUCCESS, 404) as client:
        recorder.watch(client)
        rerank(client)
        rerank(client)
        with pytest.raises(errors.NotFoundResponseError):
            rerank(client)

    good = {**COMMON, "gen_ai.response.model": "m-2"}
    bad = {**COMMON, "error.type": "NotFoundResponseError"}
    assert recorder.measure() == {
        "gen_ai.client.operation.duration": [(good, 2), (bad, 1)],
        "openrouter.rerank.retries": [(COMMON, 1)],
        "openrouter.rerank.documents": [(good, 4), (bad, 2)],
        "openrouter.rerank.cost": [(good, 0.004)],
    }


def test_durations_are_seconds(recorder: Recorder, rerank: Call) -> None:
    """The duration is that of the call's span, in the buckets of the conventions."""
    with FakeOpenRouter(SUCCESS) as client:
        recorder.watch(client)
        rerank(client)

    data = recorder.reader.get_metrics_data()
    assert data is not None
    (metric,) = [
        metric
        for metric in data.resource_metrics[0].scope_metrics[0].metrics
        if metric.name == "gen_ai.client.operation.duration"
    ]
    (point,) = cast("list[HistogramDataPoint]", metric.data.data_points)
    call = recorder.call
    assert metric.unit == "s"
    assert 0 < point.sum <= ((call.end_time or 0) - (call.start_time or 0)) / 1e9
    assert (point.explicit_bounds[0], point.explicit_bounds[-1]) == (0.01, 81.92)
