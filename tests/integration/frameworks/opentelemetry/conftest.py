"""What the tests of the instrumentation share."""

from collections.abc import Iterator

import pytest
from integration.frameworks.opentelemetry.recorder import Call, Recorder, rerank_async, rerank_sync
from opentelemetry import trace


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Give a recorder, and check that no span is left as the current one."""
    recorder = Recorder()
    yield recorder
    assert trace.get_current_span() is trace.INVALID_SPAN
    recorder.tracers.shutdown()
    recorder.meters.shutdown()


@pytest.fixture(params=[rerank_sync, rerank_async], ids=["sync", "async"])
def rerank(request: pytest.FixtureRequest) -> Call:
    """Give both ways to make a call."""
    chosen: Call = request.param
    return chosen
