"""Bodies that fit the OpenAPI document, and bodies that do not: never a 5xx, and every error is in its dialect."""

from __future__ import annotations

from functools import lru_cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from starlette.testclient import TestClient

from fakes import ListRetriever, WordReranker
from inline_scorer import InlineScorer
from shortlist import Search
from shortlist.encoders.hashed import HashedEncoder
from shortlist.server.app import create_app
from shortlist.server.components import Components
from shortlist.server.options import RequestLimits

schemathesis = pytest.importorskip("schemathesis")

from schemathesis import GenerationMode  # noqa: E402

EXAMPLES = 25
bounded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@lru_cache
def schema():
    reranker = WordReranker()
    app = create_app(
        Components(
            scorer=InlineScorer(reranker),
            search=Search(ListRetriever(["a", "b"]), reranker),
            encoder=HashedEncoder(8),
            limits=RequestLimits(model_names=("*",)),
        )
    )
    return schemathesis.openapi.from_asgi("/openapi.json", app)


def operations() -> list[tuple[str, str]]:
    paths = schema().raw_schema["paths"]
    return [(path, method.upper()) for path, methods in paths.items() for method in methods]


def trials() -> list[tuple[str, str, GenerationMode]]:
    """Every route with bodies that fit the document, and every route with a body also with others."""
    return [
        (path, method, mode)
        for path, method in operations()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        if method == "POST" or mode is GenerationMode.POSITIVE
    ]


@pytest.mark.parametrize(("path", "method", "mode"), trials())
def test_nothing_in_the_document_breaks_the_server(path, method, mode):
    @seeded(5)
    @bounded
    @given(case=schema()[path][method].as_strategy(generation_mode=mode))
    def ask(case):
        answer = case.call()
        assert answer.status_code < 500, answer.text
        assert "application/json" in answer.headers["content-type"]

    ask()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    "model", "query", "documents", "texts", "inputs", "input", "top_n", "top_k", "truncate", "where", "tail", "text_1",
    "text_2", "input_type", "parameters",
)  # fmt: skip


@pytest.mark.parametrize("path", [path for path, method in operations() if method == "POST"])
def test_no_body_breaks_the_server(path):
    client = TestClient(schema().app, raise_server_exceptions=False)

    @seeded(5)
    @bounded
    @given(body=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6) | JSON, junk=st.binary(max_size=20))
    def ask(body, junk):
        for answer in (client.post(path, json=body), client.post(path, content=junk)):
            assert answer.status_code < 500, answer.text
            assert answer.headers["content-type"] == "application/json"

    ask()


def test_the_document_describes_every_body():
    paths = schema().raw_schema["paths"]
    assert {"/v2/rerank", "/v1/rerank", "/rerank", "/voyage/v1/rerank", "/v1/embeddings", "/v1/models"} < set(paths)
    assert all("requestBody" in methods["post"] for methods in paths.values() if "post" in methods)
    assert "$defs" not in str(paths)  # a reference into a schema would lead nowhere
