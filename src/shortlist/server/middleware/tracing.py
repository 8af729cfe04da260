"""OpenTelemetry spans: one a request, and below it one a rerank in OpenInference's RERANKER form.

The attributes are those of the OpenInference semantic conventions
(https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortlist.errors import MissingExtra

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

SERVICE = "shortlist"

Tell = Callable[[Mapping[int, float]], None]
"""Takes what is answered, best first: a text's place in the request -> the reranker's score of it."""

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


class RerankSpans:
    """Makes a RERANKER span of each rerank, none without a tracer. Queries and passages are in it only with `texts`."""

    def __init__(self, tracer: Tracer | None = None, *, texts: bool = False) -> None:
        self._tracer, self._texts = tracer, texts

    @contextmanager
    def rerank(self, model: str, query: str, texts: Sequence[str], top_k: int | None) -> Iterator[Tell]:
        """Around one rerank of `texts`, from which `top_k` are wanted (None: all); yields what to tell its outcome to.

        A document's id is its place in `texts`, counted from 0. An error is marked by its type, since its message may
        quote a text.
        """
        if self._tracer is None:
            yield _nobody
            return
        with self._tracer.start_as_current_span(
            "rerank", record_exception=False, set_status_on_exception=False
        ) as span:

            def tell(answered: Mapping[int, float]) -> None:
                for rank, (place, score) in enumerate(answered.items()):
                    span.set_attributes(self._document("output", rank, place, texts[place]))
                    span.set_attribute(f"reranker.output_documents.{rank}.document.score", score)

            try:
                for place, text in enumerate(texts):
                    span.set_attributes(self._document("input", place, place, text))
                yield tell
            except Exception as error:
                mark_failed(span, type(error).__name__)
                raise
            finally:
                span.set_attributes(self._identity(model, query, len(texts) if top_k is None else top_k))

    def _identity(self, model: str, query: str, top_k: int) -> dict[str, str | int]:
        """What makes it a reranker's span; set last, since a full span drops its oldest attributes."""
        said: dict[str, str | int] = {
            "openinference.span.kind": "RERANKER",
            "reranker.model_name": model,
            "reranker.top_k": top_k,
        }
        return said | ({"reranker.query": query} if self._texts else {})

    def _document(self, side: str, rank: int, place: int, text: str) -> dict[str, str]:
        name = f"reranker.{side}_documents.{rank}.document"
        return {f"{name}.id": str(place), **({f"{name}.content": text} if self._texts else {})}


def _nobody(answered: Mapping[int, float]) -> None:
    """Where there are no spans."""


NO_SPANS = RerankSpans()


def mark_failed(span: Span, why: str) -> None:
    """Gives the span the status of an error."""
    from opentelemetry.trace import Status, StatusCode

    span.set_status(Status(StatusCode.ERROR, why))


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
            "request", context=above, kind=SpanKind.SERVER, record_exception=False, set_status_on_exception=False
        ) as span:
            span.set_attribute("http.request.method", scope["method"])

            async def noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        mark_failed(span, str(message["status"]))
                await send(message)

            await self._app(scope, receive, noting)
            if path := getattr(scope.get("route"), "path", ""):
                span.set_attribute("http.route", path)
                span.update_name(f"{scope['method']} {path}")
