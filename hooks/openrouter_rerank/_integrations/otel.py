"""What OpenTelemetry records of a call; the module `opentelemetry` explains the names."""

import json
import time
from collections.abc import Sequence

import httpx
from opentelemetry import context, metrics, trace

from openrouter_rerank._codec.documents import EncodedDocument
from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._codec.response import Reply
from openrouter_rerank._events.hooks import RetryEvent
from openrouter_rerank._events.logging import name_error
from openrouter_rerank._network.auth import read_origin
from openrouter_rerank.errors import OpenRouterError
from openrouter_rerank.operations import CreateRerankResponseBody
from openrouter_rerank.types import Unset

# The bucket bounds that the conventions give for gen_ai.client.operation.duration.
DURATION_BOUNDS_SECONDS = tuple(0.01 * 2**power for power in range(14))

Attribute = str | int | float | Sequence[str] | Sequence[int] | Sequence[float]
Attributes = dict[str, Attribute]


class Telemetry:
    """The tracer and the instruments of one client."""

    def __init__(self, tracer: trace.Tracer, meter: metrics.Meter, *, record_content: bool) -> None:
        """Create the instruments."""
        self.tracer = tracer
        self.record_content = record_content
        self.duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="How long calls took, with all attempts and waits.",
            explicit_bucket_boundaries_advisory=DURATION_BOUNDS_SECONDS,
        )
        self.retries = meter.create_counter(
            "openrouter.rerank.retries",
            unit="{retry}",
            description="Attempts after the first of a call.",
        )
        self.documents = meter.create_counter(
            "openrouter.rerank.documents", unit="{document}", description="Documents sent."
        )
        self.cost = meter.create_counter(
            "openrouter.rerank.cost",
            unit="{credit}",
            description="Price of the calls, in OpenRouter credits, as far as replies tell it.",
        )

        self.kept_orders = meter.create_counter(
            "openrouter.rerank.kept_orders",
            unit="{ranking}",
            description="Rankings that kept their order, since the calls for them failed.",
        )

    def on_kept_order(self, model: str, error: OpenRouterError) -> None:
        """Count a ranking that kept its order."""
        attributes = {"gen_ai.request.model": model, "error.type": type(error).__qualname__}
        self.kept_orders.add(1, attributes)

    def on_call(self, encoded: EncodedRequest, url: httpx.URL) -> "CallTelemetry":
        """Start the span of a call."""
        return CallTelemetry(self, encoded, url)


class CallTelemetry:
    """The span of one call, the span of its current attempt, and the metrics."""

    def __init__(self, telemetry: Telemetry, encoded: EncodedRequest, url: httpx.URL) -> None:
        """Start the call's span."""
        self._telemetry = telemetry
        self._document_count = len(encoded.documents)
        self._shared_attributes = describe_call(encoded.model, url)
        self._attempt_count = 0
        self._call_scope: Scope | None = None
        self._attempt_scope: Scope | None = None
        attributes: Attributes = {"gen_ai.rerank.candidate.count": self._document_count}
        if encoded.top_n is not None:
            attributes["gen_ai.rerank.top_n"] = encoded.top_n
        if telemetry.record_content:
            attributes["openrouter.query"] = encoded.query
            attributes["openrouter.documents"] = [document_text(each) for each in encoded.documents]
        self._span = telemetry.tracer.start_span(
            f"rerank {encoded.model}",
            kind=trace.SpanKind.CLIENT,
            attributes={**self._shared_attributes, **attributes},
        )
        # Read after the span's start, so that no duration is longer than its span.
        self._started_at = time.perf_counter()

    def on_attempt(self, request: httpx.Request) -> None:  # noqa: ARG002
        """Start the span of an attempt and make it the current one."""
        self._attempt_count += 1
        if self._call_scope is None:
            self._call_scope = Scope(self._span)
        span = self._telemetry.tracer.start_span(
            "rerank attempt",
            self._call_scope.context,
            attributes={"openrouter.attempt.number": self._attempt_count},
        )
        self._attempt_scope = Scope(span)

    def on_response(self, response: httpx.Response) -> None:
        """Record the status of the attempt's reply."""
        if self._attempt_scope is not None:
            self._attempt_scope.span.set_attribute(
                "http.response.status_code", response.status_code
            )

    def on_retry(self, event: RetryEvent) -> None:
        """End the span of an attempt that failed, and count the retry."""
        if self._attempt_scope is not None:
            self._attempt_scope.span.set_attribute("openrouter.retry.delay", event.delay)
        # A copy, since older SDKs read the attributes when the metric is exported.
        self._telemetry.retries.add(1, dict(self._shared_attributes))
        self._end_attempt(event.error)

    def on_wait(self) -> None:
        """Leave the call's span; the thread or the task may do other work now."""
        self._leave_call()

    def on_success(self, reply: Reply, model: CreateRerankResponseBody) -> None:
        """Record what the reply says, and end the spans."""
        self._shared_attributes["gen_ai.response.model"] = model.model
        attributes = describe_reply(reply, model)
        if self._telemetry.record_content:
            attributes |= describe_content(model)
        self._end(attributes, None)

    def on_failure(self, error: BaseException, *, keeps_order: bool) -> None:
        """Record the error's class, and end the spans."""
        self._shared_attributes["error.type"] = type(error).__qualname__
        attributes: Attributes = {"openrouter.reranked": False} if keeps_order else {}
        if isinstance(error, OpenRouterError) and error.generation_id is not None:
            attributes["openrouter.generation.id"] = error.generation_id
        self._end(attributes, error)

    def _end(self, attributes: Attributes, error: BaseException | None) -> None:
        # If a span processor raises, the call's span must not stay the current one.
        try:
            self._end_attempt(error)
            self._span.set_attributes({**attributes, "openrouter.attempts": self._attempt_count})
            self._measure(attributes.get("openrouter.usage.cost"))
        finally:
            self._leave_call()
            end_span(self._span, error)

    def _leave_call(self) -> None:
        scope, self._call_scope = self._call_scope, None
        if scope is not None:
            scope.leave()

    def _end_attempt(self, error: BaseException | None) -> None:
        scope, self._attempt_scope = self._attempt_scope, None
        if scope is not None:
            scope.leave()
            end_span(scope.span, error)

    def _measure(self, cost: object) -> None:
        telemetry = self._telemetry
        telemetry.duration.record(time.perf_counter() - self._started_at, self._shared_attributes)
        telemetry.documents.add(self._document_count, self._shared_attributes)
        if isinstance(cost, float):
            telemetry.cost.add(cost, self._shared_attributes)


class Scope:
    """
    A span that is the current one until it is left.

    Attributes:
        context: The context in which the span is the current one.
    """

    def __init__(self, span: trace.Span) -> None:
        """Make the span the current one."""
        self.span = span
        self.context = trace.set_span_in_context(span)
        self._token = context.attach(self.context)

    def leave(self) -> None:
        """Restore the previous span."""
        context.detach(self._token)


def end_span(span: trace.Span, error: BaseException | None) -> None:
    """End a span; with an error, mark it as failed."""
    if error is not None:
        span.set_attribute("error.type", type(error).__qualname__)
        span.set_status(trace.StatusCode.ERROR, describe_error(error))
    span.end()


def describe_call(model: str, url: httpx.URL) -> Attributes:
    """Return the attributes that a call's span and its metrics share."""
    _, host, port = read_origin(url)
    return {
        "gen_ai.operation.name": "rerank",
        "gen_ai.provider.name": "openrouter",
        "gen_ai.request.model": model,
        "server.address": host,
        # A server's URL is http or https, and both have a default port.
        "server.port": port or 0,
    }


def describe_reply(reply: Reply, model: CreateRerankResponseBody) -> Attributes:
    """Return the attributes of a reply, without its content."""
    attributes: dict[str, Attribute | Unset | None] = {
        "gen_ai.response.model": model.model,
        "gen_ai.response.id": model.id,
        "openrouter.generation.id": reply.generation_id,
        "openrouter.response.provider": model.provider,
        "openrouter.results.count": len(model.results),
    }
    if model.usage:
        attributes["openrouter.usage.cost"] = model.usage.cost
        attributes["openrouter.usage.search_units"] = model.usage.search_units
        attributes["openrouter.usage.total_tokens"] = model.usage.total_tokens
    return {
        key: value
        for key, value in attributes.items()
        if value is not None and not isinstance(value, Unset)
    }


def describe_content(model: CreateRerankResponseBody) -> Attributes:
    """Return the attributes for how the documents were ranked."""
    return {
        "gen_ai.rerank.scores": [result.relevance_score for result in model.results],
        "openrouter.indices": [result.index for result in model.results],
    }


def describe_error(error: BaseException) -> str:
    """Return an error's class and its status, if it has one, without its message."""
    return name_error(error) if isinstance(error, OpenRouterError) else type(error).__qualname__


def document_text(document: EncodedDocument) -> str:
    """Return a document as text; an object becomes JSON."""
    return document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
