"""What keeps the spans and metrics of calls, and the calls that make them."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast

from attrs import field, frozen
from openrouter_rerank import HooksTransport, OpenRouter
from openrouter_rerank.opentelemetry import instrument
from openrouter_rerank.testing import answer
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

KEY = "sk-or-telemetry"
QUERY = "a secret query"
DOCUMENTS = ["first secret", "second secret"]
COMMON = {
    "gen_ai.operation.name": "rerank",
    "gen_ai.provider.name": "openrouter",
    "gen_ai.request.model": "m",
    "server.address": "openrouter.ai",
    "server.port": 443,
}
REPLY = {
    "id": "gen-1",
    "model": "m-2",
    "provider": "Cohere",
    "results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}],
    "usage": {"cost": 0.002, "search_units": 1, "total_tokens": 34},
}
SUCCESS = answer(body=REPLY, headers={"X-Generation-Id": "gen-1"})


@frozen
class Recorder:
    """Providers of OpenTelemetry's SDK that keep in memory what they are given."""

    exporter: InMemorySpanExporter = field(factory=InMemorySpanExporter)
    reader: InMemoryMetricReader = field(factory=InMemoryMetricReader)
    tracers: TracerProvider = field(factory=TracerProvider)
    meters: MeterProvider = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Connect the providers with what keeps."""
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        object.__setattr__(self, "meters", MeterProvider([self.reader]))

    def watch(self, client: OpenRouter | HooksTransport, **options: Any) -> None:
        """Instrument a client."""
        instrument(client, tracer_provider=self.tracers, meter_provider=self.meters, **options)

    def find(self, name: str) -> list[ReadableSpan]:
        """Return the ended spans of a name."""
        return [span for span in self.exporter.get_finished_spans() if span.name == name]

    @property
    def call(self) -> ReadableSpan:
        """The only call's span."""
        (found,) = self.find("rerank m")
        return found

    @property
    def attempts(self) -> list[Mapping[str, Any]]:
        """The attributes of the attempts' spans."""
        return [dict(span.attributes or {}) for span in self.find("rerank attempt")]

    def measure(self) -> dict[str, list[tuple[dict[str, Any], Any]]]:
        """Return the metrics: for each name the attributes and the values, a histogram's count."""
        data = self.reader.get_metrics_data()
        found: dict[str, list[tuple[dict[str, Any], Any]]] = {}
        for metric in data.resource_metrics[0].scope_metrics[0].metrics if data else ():
            found[metric.name] = [
                (
                    dict(point.attributes or {}),
                    point.count
                    if isinstance(point, HistogramDataPoint)
                    else cast("Any", point).value,
                )
                for point in metric.data.data_points
            ]
        return found

    def dump(self) -> str:
        """Return all that was recorded, as text."""
        spans = [span.to_json() for span in self.exporter.get_finished_spans()]
        data = self.reader.get_metrics_data()
        return "\n".join([*spans, data.to_json() if data else ""])


def rerank_sync(client: OpenRouter, **options: Any) -> object:
    """Make a call."""
    return client.rerank.rerank(documents=DOCUMENTS, model="m", query=QUERY, **options)


def rerank_async(client: OpenRouter, **options: Any) -> object:
    """Make an async call, in an event loop of its own."""

    async def run() -> object:
        try:
            return await client.rerank.rerank_async(
                documents=DOCUMENTS, model="m", query=QUERY, **options
            )
        finally:
            assert trace.get_current_span() is trace.INVALID_SPAN

    return asyncio.run(run())


Call = Callable[..., object]


def parent_id(span: ReadableSpan) -> int | None:
    """Return the id of the span that a span is a child of."""
    return None if span.parent is None else span.parent.span_id


def span_id(span: ReadableSpan) -> int:
    """Return the id of a span."""
    assert span.context is not None
    return int(span.context.span_id)
