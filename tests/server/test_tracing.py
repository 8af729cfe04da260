from __future__ import annotations

import asyncio
import contextlib
import logging

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from standins import FakePairs, fake_score

from shortlist.server.scorer import InlineScorer
from shortlist.server.tracing import TracedScorer, make_provider


def spans_of(texts, documents=("a", "b"), provider=None):
    exporter = InMemorySpanExporter()
    provider = provider or TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    scorer = TracedScorer(InlineScorer(FakePairs()), provider.get_tracer("test"), texts=texts)
    with contextlib.suppress(RuntimeError):
        asyncio.run(scorer.score("my query", list(documents)))
    return exporter.get_finished_spans()


@pytest.mark.parametrize("texts", [False, True])
def test_a_rerank_is_a_reranker_span(texts):
    (span,) = spans_of(texts)
    held = dict(span.attributes)
    best = max((0, 1), key=lambda place: fake_score("my query", "ab"[place]))
    assert held["openinference.span.kind"] == "RERANKER"
    assert held["reranker.model_name"] == "fake"
    assert held["reranker.top_k"] == 2
    assert held["reranker.input_documents.0.document.id"] == "0"
    assert held["reranker.output_documents.0.document.id"] == str(best)
    assert held["reranker.output_documents.0.document.score"] == fake_score("my query", "ab"[best])
    assert ("my query" in held.values()) is texts
    assert ("reranker.input_documents.1.document.content" in held) is texts


@pytest.fixture
def provider(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    made = make_provider(100)
    made.shutdown()
    made._active_span_processor._span_processors = ()  # only the test's own
    return made


def test_a_span_holds_every_document_of_the_longest_request(provider, caplog):
    documents = [f"document {place}" for place in range(100)]
    with caplog.at_level(logging.WARNING):
        (span,) = spans_of(True, documents, provider)
    assert len(span.attributes) == 5 * 100 + 4
    assert span.dropped_attributes == 0
    assert caplog.records == []


@pytest.mark.parametrize("documents", [[f"document {place}" for place in range(200)], ["boom"]])
def test_a_span_keeps_what_it_is_when_it_is_too_full_or_the_model_fails(documents):
    (span,) = spans_of(True, documents)
    held = dict(span.attributes)
    assert held["openinference.span.kind"] == "RERANKER"
    assert held["reranker.model_name"] == "fake"
    assert held["reranker.query"] == "my query"
