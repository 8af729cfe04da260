from __future__ import annotations

import contextlib
import logging

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from standins import FakePairs, fake_score
from starlette.testclient import TestClient

from fakes import ListRetriever
from inline_scorer import InlineScorer
from shortlist import Search
from shortlist.server.app import create_app
from shortlist.server.components import Components
from shortlist.server.middleware.keys import Keys
from shortlist.server.middleware.tracing import RerankSpans, make_provider
from shortlist.server.operations import Operations, operated


@contextlib.contextmanager
def exported(provider=None):
    """A tracer, and the list that receives its finished spans."""
    exporter, spans = InMemorySpanExporter(), []
    provider = provider or TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider.get_tracer("test"), spans
    spans += exporter.get_finished_spans()


def spans_of(texts, documents=("a", "b"), provider=None, path="/v2/rerank", **fields):
    """The spans of one request about `documents`."""
    fake = FakePairs()
    with exported(provider) as (tracer, spans):
        components = Components(
            scorer=InlineScorer(fake),
            search=Search(ListRetriever(list(documents)), fake),
            spans=RerankSpans(tracer, texts=texts),
        )
        body = {"query": "my query", **fields}
        if path != "/search":
            body |= {"model": "fake", "documents": list(documents)}
        TestClient(create_app(components), raise_server_exceptions=False).post(path, json=body)
    return spans


def best(documents):
    """The places of the documents in the reranker's order."""
    return sorted(range(len(documents)), key=lambda place: -fake_score("my query", documents[place]))


def outputs(span):
    """(id, score) of each document of the answer."""
    attributes, documents = span.attributes, []
    while (name := f"reranker.output_documents.{len(documents)}.document") + ".id" in attributes:
        documents.append((int(attributes[f"{name}.id"]), attributes[f"{name}.score"]))
    return documents


@pytest.mark.parametrize("texts", [False, True])
def test_a_rerank_is_a_reranker_span(texts):
    (span,) = spans_of(texts)
    attributes = dict(span.attributes)
    assert attributes["openinference.span.kind"] == "RERANKER"
    assert attributes["reranker.model_name"] == "fake"
    assert attributes["reranker.top_k"] == 2
    assert attributes["reranker.input_documents.0.document.id"] == "0"
    assert outputs(span) == [(place, fake_score("my query", "ab"[place])) for place in best("ab")]
    assert ("my query" in attributes.values()) is texts
    assert ("reranker.input_documents.1.document.content" in attributes) is texts


def test_the_span_has_the_number_and_the_order_of_the_answer():
    documents = ["a", "b", "c", "d"]
    (span,) = spans_of(False, documents, top_n=1)
    assert span.attributes["reranker.top_k"] == 1
    assert [place for place, _ in outputs(span)] == best(documents)[:1]


@pytest.mark.parametrize("budget", [{}, {"budget_ms": 600_000}])
def test_a_search_is_one_span_however_many_calls_it_takes(budget):
    documents = [f"document {place}" for place in range(20)]
    (span,) = spans_of(False, documents, path="/search", pool_size=20, top_k=15, **budget)
    ids = [span.attributes[f"reranker.input_documents.{place}.document.id"] for place in range(20)]
    assert ids == [str(place) for place in range(20)]
    assert span.attributes["reranker.top_k"] == 15
    assert [place for place, _ in outputs(span)] == best(documents)[:15]


def test_a_failure_is_marked_and_quotes_nothing():
    with (
        exported() as (tracer, spans),
        pytest.raises(ValueError, match="secret"),
        RerankSpans(tracer).rerank("fake", "q", ["a"], None),
    ):
        raise ValueError("a secret text")
    (span,) = spans
    assert (span.status.status_code.name, span.status.description) == ("ERROR", "ValueError")


def test_a_request_that_is_refused_has_its_route_and_one_that_fails_is_an_error():
    with exported() as (tracer, spans):
        operations = Operations(keys=Keys(["a-key-of-some-length"]), tracer=tracer, alive=lambda: False)
        http = TestClient(operated(create_app(Components()), operations))
        assert [http.get(path).status_code for path in ("/v1/models", "/health")] == [401, 503]
    assert [(span.name, span.status.status_code.name) for span in spans] == [
        ("GET /v1/models", "UNSET"),
        ("GET /health", "ERROR"),
    ]


@pytest.fixture
def provider(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")  # no server listens there
    provider = make_provider(100)
    provider.shutdown()
    provider._active_span_processor._span_processors = ()  # the test adds its own
    return provider


def test_a_span_holds_every_document_of_the_longest_request(provider, caplog):
    documents = [f"document {place}" for place in range(100)]
    with caplog.at_level(logging.WARNING):
        (span,) = spans_of(True, documents, provider)
    assert len(span.attributes) == 5 * 100 + 4
    assert span.dropped_attributes == 0
    assert caplog.records == []


@pytest.mark.parametrize("documents", [[f"document {place}" for place in range(200)], ["boom"]])
def test_a_span_keeps_its_identity_if_it_is_too_full_or_the_model_fails(documents):
    (span,) = spans_of(True, documents)
    attributes = dict(span.attributes)
    assert attributes["openinference.span.kind"] == "RERANKER"
    assert attributes["reranker.model_name"] == "fake"
    assert attributes["reranker.query"] == "my query"
