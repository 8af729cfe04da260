from __future__ import annotations

import asyncio

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from standins import FakePairs, fake_score

from shortlist.server.scorer import InlineScorer
from shortlist.server.tracing import TracedScorer


def spans_of(texts):
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    scorer = TracedScorer(InlineScorer(FakePairs()), provider.get_tracer("test"), texts=texts)
    asyncio.run(scorer.score("my query", ["a", "b"]))
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
