"""What is recorded of a call with OpenTelemetry; the names are explained in `opentelemetry`."""

import json
import time
from collections.abc import Sequence

import httpx
from opentelemetry import context, metrics, trace

from openrouter_rerank._codec.request import EncodedDocument, EncodedRequest
from openrouter_rerank._codec.response import Reply
from openrouter_rerank._events.hooks import RetryEvent
from openrouter_rerank._events.logging import name_error
from openrouter_rerank._network.auth import read_origin
from openrouter_rerank.errors import OpenRouterError
from openrouter_rerank.operations import CreateRerankResponseBody
from openrouter_rerank.types import Unset

# The bounds that the conventions give for gen_ai.client.operation.duration.
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

    def on_call(self, encoded: EncodedRequest, url: httpx.URL) -> "CallTelemetry":
        """Begin the span of a call."""
        return CallTelemetry(self, encoded, url)


class CallTelemetry:
    """The span of one call, the span of its attempt under way, and what is measured of both."""

    def __init__(self, telemetry: Telemetry, encoded: EncodedRequest, url: httpx.URL) -> None:
        """Begin the call's span and make it the current one."""
        self._telemetry = telemetry
        self._count = len(encoded.documents)
        self._common = describe_call(encoded.model, url)
        self._attempts = 0
        self._attempt: Scope | None = None
        further: Attributes = {"gen_ai.rerank.candidate.count": self._count}
        if encoded.top_n is not None:
            further["gen_ai.rerank.top_n"] = encoded.top_n
        if telemetry.record_content:
            further["openrouter.query"] = encoded.query
            further["openrouter.documents"] = [as_text(each) for each in encoded.documents]
        span = telemetry.tracer.start_span(
            f"rerank {encoded.model}",
            kind=trace.SpanKind.CLIENT,
            attributes={**self._common, **further},
        )
        self._call = Scope(span)
        # After the span's own beginning, so that no duration is longer than its span.
        self._began = time.perf_counter()

    def on_attempt(self, request: httpx.Request) -> None:  # noqa: ARG002
        """Begin the span of an attempt and make it the current one."""
        self._attempts += 1
        span = self._telemetry.tracer.start_span(
            "rerank attempt",
            self._call.context,
            attributes={"openrouter.attempt.number": self._attempts},
        )
        self._attempt = Scope(span)

    def on_response(self, response: httpx.Response) -> None:
        """Record the status of the attempt's reply."""
        if self._attempt is not None:
            self._attempt.span.set_attribute("http.response.status_code", response.status_code)

    def on_retry(self, event: RetryEvent) -> None:
        """End the span of an attempt that failed, and count the retry."""
        if self._attempt is not None:
            self._attempt.span.set_attribute("openrouter.retry.delay", event.delay)
        self._telemetry.retries.add(1, self._common)
        self._end_attempt(event.error)

    def on_success(self, reply: Reply, model: CreateRerankResponseBody) -> None:
        """Record what the reply says and end the spans."""
        self._common["gen_ai.response.model"] = model.model
        found = describe_reply(reply, model)
        if self._telemetry.record_content:
            found |= describe_content(model)
        self._end(found, None)

    def on_failure(self, error: BaseException) -> None:
        """Record which kind of error it is, and end the spans."""
        self._common["error.type"] = type(error).__qualname__
        found: Attributes = {}
        if isinstance(error, OpenRouterError) and error.generation_id is not None:
            found["openrouter.generation.id"] = error.generation_id
        self._end(found, error)

    def _end(self, found: Attributes, error: BaseException | None) -> None:
        # Else what a span processor raises would leave the call's span the current one.
        try:
            self._end_attempt(error)
            self._call.span.set_attributes({**found, "openrouter.attempts": self._attempts})
            self._measure(found.get("openrouter.usage.cost"))
        finally:
            self._call.end(error)

    def _end_attempt(self, error: BaseException | None) -> None:
        scope, self._attempt = self._attempt, None
        if scope is not None:
            scope.end(error)

    def _measure(self, cost: object) -> None:
        telemetry = self._telemetry
        telemetry.duration.record(time.perf_counter() - self._began, self._common)
        telemetry.documents.add(self._count, self._common)
        if isinstance(cost, float):
            telemetry.cost.add(cost, self._common)


class Scope:
    """
    A span that is the current one until it ends.

    Attributes:
        span: The span.
        context: Where it is the current one.
    """

    def __init__(self, span: trace.Span) -> None:
        """Make the span the current one."""
        self.span = span
        self.context = trace.set_span_in_context(span)
        self._token = context.attach(self.context)

    def end(self, error: BaseException | None) -> None:
        """Make the span before it the current one again, and end it; failed if with an error."""
        context.detach(self._token)
        if error is not None:
            self.span.set_attribute("error.type", type(error).__qualname__)
            self.span.set_status(trace.StatusCode.ERROR, describe_error(error))
        self.span.end()


def describe_call(model: str, url: httpx.URL) -> Attributes:
    """Return what the spans and the metrics of a call have in common."""
    _, host, port = read_origin(url)
    return {
        "gen_ai.operation.name": "rerank",
        "gen_ai.provider.name": "openrouter",
        "gen_ai.request.model": model,
        "server.address": host,
        # A server's URL is http or https, whose ports are known.
        "server.port": port or 0,
    }


def describe_reply(reply: Reply, model: CreateRerankResponseBody) -> Attributes:
    """Return what a reply says, its content aside."""
    found: dict[str, Attribute | Unset | None] = {
        "gen_ai.response.model": model.model,
        "gen_ai.response.id": model.id,
        "openrouter.generation.id": reply.response.headers.get("X-Generation-Id"),
        "openrouter.response.provider": model.provider,
        "openrouter.results.count": len(model.results),
    }
    if model.usage:
        found["openrouter.usage.cost"] = model.usage.cost
        found["openrouter.usage.search_units"] = model.usage.search_units
        found["openrouter.usage.total_tokens"] = model.usage.total_tokens
    return {
        key: value
        for key, value in found.items()
        if value is not None and not isinstance(value, Unset)
    }


def describe_content(model: CreateRerankResponseBody) -> Attributes:
    """Return how the documents were ranked."""
    return {
        "gen_ai.rerank.scores": [result.relevance_score for result in model.results],
        "openrouter.indices": [result.index for result in model.results],
    }


def describe_error(error: BaseException) -> str:
    """Name an error and its status, if it has one, without its message."""
    return name_error(error) if isinstance(error, OpenRouterError) else type(error).__qualname__


def as_text(document: EncodedDocument) -> str:
    """Return a document as one text, JSON if it is an object."""
    return document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
