"""
Traces and metrics of the calls of a client or a `HooksTransport`, through OpenTelemetry's API.

It needs the extra `opentelemetry`: `pip install "openrouter-rerank[opentelemetry]"`. It calls only
the API; the application decides where spans and metrics go.

Each call is a span of kind CLIENT, `rerank {model}`, and each of its attempts is a child span,
`rerank attempt`. An attempt is the current span while its request is under way, so that the spans
of OpenTelemetry's httpx instrumentation are its children; between attempts the call's span is the
current one. Each request of `rerank_batched`, each job of `rerank_many` and each model that
is fallen back to is a call; while a job waits for its next attempt, its span is not the current
one. A call that is refused before anything
is sent has no span.

Names from the conventions for generative AI, and from the general ones:

    rerank {model}                    gen_ai.operation.name ("rerank"), gen_ai.provider.name
                                      ("openrouter"), gen_ai.request.model, gen_ai.response.model,
                                      gen_ai.response.id, server.address, server.port, error.type
    rerank attempt                    http.response.status_code, error.type
    gen_ai.client.operation.duration  histogram, seconds

Names proposed for reranking, not yet agreed upon
(https://github.com/open-telemetry/semantic-conventions-genai/issues/253); "rerank" as the name of
the operation is one of them:

    rerank {model}                    gen_ai.rerank.candidate.count (the documents sent),
                                      gen_ai.rerank.top_n, gen_ai.rerank.scores (content)

Names of our own:

    rerank {model}                    openrouter.attempts, openrouter.results.count,
                                      openrouter.response.provider, openrouter.generation.id,
                                      openrouter.usage.cost (credits),
                                      openrouter.usage.search_units, openrouter.usage.total_tokens,
                                      openrouter.query, openrouter.documents (both content),
                                      openrouter.indices (content), openrouter.reranked (false
                                      where `rank` keeps the order because the call failed)
    rerank attempt                    openrouter.attempt.number, from 1, openrouter.retry.delay,
                                      the seconds until the next
    openrouter.rerank.retries         counter, attempts after a call's first
    openrouter.rerank.documents       counter, documents sent, once for a call
    openrouter.rerank.cost            counter, credits, as far as replies state the cost
    openrouter.rerank.kept_orders     counter, rankings that kept their order, by
                                      gen_ai.request.model and error.type

A request that is sent again at once, because its kept connection had been closed, is an attempt
here, though `error.attempts` and `RawReply.attempts` do not count it.

Names marked as content are recorded only with `record_content=True`. The key is never recorded. Nor
is the message of an error, which may quote content: only the error's class and its status are.
"""

from ._call.hooks_transport import HooksTransport
from ._client import OpenRouter
from ._version import __version__

try:
    from opentelemetry import metrics, trace

    from ._integrations.otel import Telemetry
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "openrouter_rerank.opentelemetry needs the package opentelemetry-api: "
        'run pip install "openrouter-rerank[opentelemetry]"',
        name=error.name,
    ) from error

__all__ = ["instrument", "uninstrument"]

SCOPE = "openrouter_rerank"


def instrument(
    client: OpenRouter | HooksTransport,
    *,
    tracer_provider: trace.TracerProvider | None = None,
    meter_provider: metrics.MeterProvider | None = None,
    record_content: bool = False,
) -> None:
    """
    Trace and measure the calls of a client from now on, sync and async.

    A second call replaces the first. A reply that `with_raw_response` returns is decoded at once:
    what is wrong with it is on the span, and `parse()` raises it.

    Args:
        client: The client, or the transport under a client of httpx.
        tracer_provider: Where spans go; None is the global provider.
        meter_provider: Where metrics go; None is the global provider.
        record_content: Whether to record queries, documents, scores and indices on the spans.

    Raises:
        TypeError: `client` is neither.
    """
    require_client(client).hooks.observer = Telemetry(
        trace.get_tracer(SCOPE, __version__, tracer_provider),
        metrics.get_meter(SCOPE, __version__, meter_provider),
        record_content=record_content,
    )


def uninstrument(client: OpenRouter | HooksTransport) -> None:
    """
    Stop tracing and measuring the calls of a client; those under way are still recorded.

    Args:
        client: The client; it need not be instrumented.

    Raises:
        TypeError: `client` is neither.
    """
    require_client(client).hooks.observer = None


def require_client(client: object) -> OpenRouter | HooksTransport:
    """Return the client, if it is one."""
    if not isinstance(client, OpenRouter | HooksTransport):
        kind = type(client).__name__
        raise TypeError(f"client: expected OpenRouter or HooksTransport, got {kind}")
    return client
