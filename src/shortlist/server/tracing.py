"""OpenTelemetry spans: one a request, and below it one a rerank in OpenInference's RERANKER form.

The attributes are those of the OpenInference semantic conventions
(https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortlist.errors import MissingExtra
from shortlist.protocols import Reranker
from shortlist.server.scorer import Scored, Scorer

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

SERVICE = "shortlist"


DOCUMENT_ATTRIBUTES = 5
"""Of each document: id and text on the way in, id, text and score on the way out."""
OTHER_ATTRIBUTES = 16


def make_provider(max_documents: int) -> TracerProvider:
    """Spans go by OTLP over HTTP to where the standard OTEL_EXPORTER_OTLP_* variables say.

    A span has room for all attributes of a rerank of `max_documents`; the SDK's own limit of 128 ends at 50 documents.

    Raises:
        MissingExtra: The tracing extra is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import SpanLimits, TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise MissingExtra("shortlist serve --trace", "tracing") from error
    limits = SpanLimits(max_span_attributes=DOCUMENT_ATTRIBUTES * max_documents + OTHER_ATTRIBUTES)
    provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}), span_limits=limits)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


class TracedScorer:
    """Satisfies `Scorer`; each call is a RERANKER span. Queries and passages are in it only with `texts`.

    A document's id is its place in the request, counted from 0. The scorer gives every text a score and cuts none
    off, so `reranker.top_k` is their number.
    """

    def __init__(self, inner: Scorer, tracer: Tracer, *, texts: bool = False) -> None:
        self._inner, self._tracer, self._texts = inner, tracer, texts

    @property
    def name(self) -> str:
        """The model's id."""
        return self._inner.name

    @property
    def reranker(self) -> Reranker:
        """See `Scorer.reranker`."""
        return self._inner.reranker

    async def score(self, query: str, texts: Sequence[str], *, max_tokens: int | None = None) -> Scored:
        """See `Scorer.score`."""
        with self._tracer.start_as_current_span("rerank", record_exception=False) as span:
            try:
                for place, text in enumerate(texts):
                    span.set_attributes(self._document("input", place, place, text))
                found = await self._inner.score(query, texts, max_tokens=max_tokens)
                order = sorted(range(len(texts)), key=lambda place: -found.scores[place])
                for rank, place in enumerate(order):
                    name = f"reranker.output_documents.{rank}.document"
                    span.set_attributes(self._document("output", rank, place, texts[place]))
                    span.set_attribute(f"{name}.score", found.scores[place])
            finally:
                span.set_attributes(self._identity(query, len(texts)))
            return found

    def _identity(self, query: str, count: int) -> dict[str, str | int]:
        """What makes it a reranker's span; set last, since a full span drops its oldest attributes."""
        said: dict[str, str | int] = {
            "openinference.span.kind": "RERANKER",
            "reranker.model_name": self.name,
            "reranker.top_k": count,
        }
        return said | ({"reranker.query": query} if self._texts else {})

    def _document(self, side: str, rank: int, place: int, text: str) -> dict[str, str]:
        name = f"reranker.{side}_documents.{rank}.document"
        return {f"{name}.id": str(place), **({f"{name}.content": text} if self._texts else {})}


class TracedRequests:
    """A SERVER span a request, below the caller's own where it sent a `traceparent`."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app, self._tracer = app, tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        held = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        above = TraceContextTextMapPropagator().extract(held)
        with self._tracer.start_as_current_span(
            "request", context=above, kind=SpanKind.SERVER, record_exception=False
        ) as span:
            span.set_attribute("http.request.method", scope["method"])

            async def noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                await send(message)

            await self._app(scope, receive, noting)
            if path := getattr(scope.get("route"), "path", ""):
                span.set_attribute("http.route", path)
                span.update_name(f"{scope['method']} {path}")
