"""OpenTelemetry spans: one for each request, and below it one for each rerank, of OpenInference's kind RERANKER.

The attributes follow the OpenInference semantic conventions
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

Report = Callable[[Mapping[int, float]], None]
"""Receives the answer, best first: the place of a text in the request -> its score."""

DOCUMENT_ATTRIBUTES = 5
"""For each document: id and text of the input, and id, text and score of the output."""
OTHER_ATTRIBUTES = 16


def make_provider(max_documents: int) -> TracerProvider:
    """Return a provider that sends spans by OTLP over HTTP, as the standard OTEL_EXPORTER_OTLP_* variables configure.

    A span has room for the attributes of `max_documents` documents. The SDK's own limit of 128 fits 50 documents.

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
    """Makes a RERANKER span for each rerank, if there is a tracer.

    Only with `texts`, spans have queries and passages.
    """

    def __init__(self, tracer: Tracer | None = None, *, texts: bool = False) -> None:
        self._tracer, self._texts = tracer, texts

    @contextmanager
    def rerank(self, model: str, query: str, texts: Sequence[str], top_k: int | None) -> Iterator[Report]:
        """Enclose a rerank of `texts` that returns `top_k` of them (None: all), and yield a function for its answer.

        A document's id is its place in `texts`, from 0. The span of a failed rerank has the type of the error, because
        the message may quote a text.
        """
        if self._tracer is None:
            yield _ignore
            return
        with self._tracer.start_as_current_span(
            "rerank", record_exception=False, set_status_on_exception=False
        ) as span:

            def report(answer: Mapping[int, float]) -> None:
                for rank, (place, score) in enumerate(answer.items()):
                    span.set_attributes(self._document("output", rank, place, texts[place]))
                    span.set_attribute(f"reranker.output_documents.{rank}.document.score", score)

            try:
                for place, text in enumerate(texts):
                    span.set_attributes(self._document("input", place, place, text))
                yield report
            except Exception as error:
                mark_failed(span, type(error).__name__)
                raise
            finally:
                span.set_attributes(self._identity(model, query, len(texts) if top_k is None else top_k))

    def _identity(self, model: str, query: str, top_k: int) -> dict[str, str | int]:
        """Return the attributes that identify the span.

        Set them last, because a full span drops its oldest attributes.
        """
        identity: dict[str, str | int] = {
            "openinference.span.kind": "RERANKER",
            "reranker.model_name": model,
            "reranker.top_k": top_k,
        }
        return identity | ({"reranker.query": query} if self._texts else {})

    def _document(self, side: str, rank: int, place: int, text: str) -> dict[str, str]:
        name = f"reranker.{side}_documents.{rank}.document"
        return {f"{name}.id": str(place), **({f"{name}.content": text} if self._texts else {})}


def _ignore(answer: Mapping[int, float]) -> None:
    """Ignore the answer: there is no span."""


def mark_failed(span: Span, reason: str) -> None:
    """Set the status of the span to an error."""
    from opentelemetry.trace import Status, StatusCode

    span.set_status(Status(StatusCode.ERROR, reason))


class TracedRequests:
    """Makes a SERVER span for each request, below the span of the caller if the request has a `traceparent`."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app, self._tracer = app, tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the layer as an ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        parent = TraceContextTextMapPropagator().extract(headers)
        with self._tracer.start_as_current_span(
            "request", context=parent, kind=SpanKind.SERVER, record_exception=False, set_status_on_exception=False
        ) as span:
            span.set_attribute("http.request.method", scope["method"])

            async def send_and_mark(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        mark_failed(span, str(message["status"]))
                await send(message)

            await self._app(scope, receive, send_and_mark)
            if path := getattr(scope.get("route"), "path", ""):
                span.set_attribute("http.route", path)
                span.update_name(f"{scope['method']} {path}")
