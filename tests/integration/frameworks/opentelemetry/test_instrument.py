"""Instrumenting a client and undoing it, without the SDK or with one that fails."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from integration.frameworks.opentelemetry.recorder import QUERY, SUCCESS, Call, Recorder
from openrouter_rerank import errors
from openrouter_rerank.opentelemetry import instrument, uninstrument
from openrouter_rerank.testing import FakeOpenRouter
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor


class FailingAtStart(SpanProcessor):
    """Raises when a span begins."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Raise."""
        raise RuntimeError(span, parent_context, QUERY)


class FailingAtAttempt(SpanProcessor):
    """Raises when a span begins that is another's child."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Raise, if the span is a child."""
        if span.parent is not None:
            raise RuntimeError(span, parent_context, QUERY)


class FailingAtEnd(SpanProcessor):
    """Raises when a span ends."""

    def on_end(self, span: ReadableSpan) -> None:
        """Raise."""
        raise RuntimeError(span, QUERY)


@pytest.mark.parametrize("kind", [FailingAtStart, FailingAtAttempt, FailingAtEnd])
def test_failing_processor_changes_no_call(
    recorder: Recorder, rerank: Call, caplog: pytest.LogCaptureFixture, kind: type[SpanProcessor]
) -> None:
    """What a span processor raises is a line in the log, without its message."""
    recorder.tracers.add_span_processor(kind())
    with FakeOpenRouter(503, SUCCESS, 404) as client:
        recorder.watch(client)
        rerank(client)
        with pytest.raises(errors.NotFoundResponseError):
            rerank(client)

    lines = [record.message for record in caplog.records if "observer" in record.message]
    assert set(lines) == {"an observer of calls failed: RuntimeError"}


def test_uninstrumented_client_is_left_alone(recorder: Recorder, rerank: Call) -> None:
    """After `uninstrument` nothing is recorded; without need it has no effect."""
    with FakeOpenRouter(SUCCESS, SUCCESS) as client:
        recorder.watch(client)
        recorder.watch(client)
        rerank(client)
        uninstrument(client)
        uninstrument(client)
        rerank(client)

    assert len(recorder.exporter.get_finished_spans()) == 2


def test_refused_arguments_are_no_call(recorder: Recorder) -> None:
    """What is refused before anything is sent has no span."""
    with FakeOpenRouter() as client:
        recorder.watch(client)
        with pytest.raises(ValueError, match="documents"):
            client.rerank.rerank(documents=[], model="m", query=QUERY)

    assert recorder.exporter.get_finished_spans() == ()


@pytest.mark.parametrize("function", [instrument, uninstrument])
def test_only_clients_are_instrumented(function: Callable[[Any], None]) -> None:
    """What is not a client is refused."""
    with pytest.raises(TypeError, match="client: expected OpenRouter or HooksTransport, got str"):
        function("client")


SCRIPT = """
import sys
for name in {missing!r}:
    sys.modules[name] = None
try:
    from openrouter_rerank.opentelemetry import instrument
    from openrouter_rerank.testing import FakeOpenRouter
    with FakeOpenRouter() as client:
        instrument(client)
        print(client.rerank.rerank(documents=["a"], model="m", query="q").model)
except ModuleNotFoundError as error:
    print(error)
"""


def run_script(script: str) -> str:
    """Run a script in a new process and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True, timeout=60
    )
    return done.stdout


def run_without(*missing: str) -> str:
    """Instrument a client in a new process that lacks some packages, and return what it prints."""
    return run_script(SCRIPT.format(missing=missing))


def test_api_alone_is_enough() -> None:
    """Without the SDK, calls go on as ever."""
    missing = ("opentelemetry.sdk", "opentelemetry.semconv", "opentelemetry.instrumentation")

    assert run_without(*missing) == "m\n"


def test_missing_api_is_named() -> None:
    """Without the API the module raises one error that says what to install."""
    assert 'pip install "openrouter-rerank[opentelemetry]"' in run_without("opentelemetry")
