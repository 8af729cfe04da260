"""Bodies with many errors: only the first is read, because only the first is reported."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from shortlist.server.bodies import parsed
from shortlist.server.problems import Kind, Problem
from shortlist.server.routes.cohere import CohereRequest
from shortlist.server.routes.embeddings import EmbeddingsRequest
from shortlist.server.routes.infinity import InfinityRequest
from shortlist.server.routes.jina import MAX_RANK_FIELDS, JinaRequest
from shortlist.server.routes.search import SearchRequest
from shortlist.server.routes.tei import TeiEmbedRequest, TeiRequest
from shortlist.server.routes.voyage import VoyageRequest
from shortlist.server.routes.why import WhyByText

MANY = 5_000
BRANCHES = 8
"""More than the errors of a single wrong value, which has one for each branch of its union."""
WRONG = [None] * MANY

BODIES = {
    "cohere": (CohereRequest, {"model": "m", "query": "q", "documents": WRONG}),
    "jina": (JinaRequest, {"query": "q", "documents": WRONG}),
    "jina fields": (JinaRequest, {"query": "q", "documents": ["a"], "rank_fields": WRONG}),
    "infinity": (InfinityRequest, {"query": "q", "documents": WRONG}),
    "voyage": (VoyageRequest, {"model": "m", "query": "q", "documents": WRONG}),
    "tei": (TeiRequest, {"query": "q", "texts": WRONG}),
    "tei embed": (TeiEmbedRequest, {"inputs": WRONG}),
    "openai": (EmbeddingsRequest, {"model": "m", "input": WRONG}),
    "openai lists": (EmbeddingsRequest, {"model": "m", "input": [WRONG] * 9}),
    "search fields": (SearchRequest, {"query": "q", "where": {f"x{i}": None for i in range(MANY)}}),
    "search few fields": (SearchRequest, {"query": "q", "where": dict.fromkeys("abc", WRONG)}),
    "search list": (SearchRequest, {"query": "q", "where": {"a": WRONG}}),
    "cohere unknown": (
        CohereRequest,
        {"model": "m", "query": "q", "documents": ["a"]} | {f"x{i}": 1 for i in range(MANY)},
    ),
    "why unknown": (WhyByText, {"query": "q", "text_a": "a", "text_b": "b"} | {f"x{i}": 1 for i in range(MANY)}),
}


@pytest.mark.parametrize(("model", "body"), BODIES.values(), ids=BODIES)
def test_errors_are_not_collected(model, body):
    with pytest.raises(Problem) as caught:
        parsed(model, body)
    assert isinstance(caught.value.__cause__, ValidationError)
    assert caught.value.__cause__.error_count() <= BRANCHES


def test_the_first_unknown_field_is_reported_after_a_missing_one():
    with pytest.raises(Problem) as caught:
        parsed(CohereRequest, {"model": "m", "query": "q", "documents": ["a"], "first": 1, "second": 2})
    assert (caught.value.kind, caught.value.field) == (Kind.UNKNOWN_FIELD, "first")
    with pytest.raises(Problem, match="'documents' is required"):
        parsed(CohereRequest, {"first": 1, "model": "m", "query": "q"})


@pytest.mark.parametrize(
    ("model", "change", "place"),
    [
        (CohereRequest, {"str": 1}, "str"),
        (CohereRequest, {"a[0]": 1}, "a[0]"),
        (SearchRequest, {"where": {"str": None}}, "where.str"),
        (SearchRequest, {"where": {"int": ["x", None]}}, "where.int.1"),
        (SearchRequest, {"where": {"list[0]": {"bool": None}}}, "where.list[0].bool"),
        (EmbeddingsRequest, {"input": 1.5}, "input"),
        (EmbeddingsRequest, {"input": ["a", None]}, "input.1"),
        (EmbeddingsRequest, {"input": [[1, "a"]]}, "input.0.1"),
        (JinaRequest, {"documents": ["a", 5]}, "documents.1"),
    ],
    ids=str,
)
def test_the_place_of_an_error_is_that_of_the_request(model, change, place):
    body = {"model": "m", "query": "q", "documents": ["a"], "input": "a"}
    known = {name: value for name, value in body.items() if name in model.model_fields}
    with pytest.raises(Problem) as caught:
        parsed(model, {**known, **change})
    assert caught.value.field == place
    assert place in caught.value.message


@pytest.mark.parametrize(("model", "body"), BODIES.values(), ids=BODIES)
def test_null_counts_as_not_given(model, body):
    needed = {name: "x" for name, field in model.model_fields.items() if field.is_required()}
    needed |= {name: ["x"] for name in ("documents", "texts") if name in needed}
    nothing = dict.fromkeys([*model.model_fields, "no such field"])
    assert parsed(model, {**nothing, **needed}) == parsed(model, needed)
    with pytest.raises(Problem, match="is required"):
        parsed(model, nothing)


def test_rank_fields_are_few():
    fields = ["text"] * (MAX_RANK_FIELDS + 1)
    with pytest.raises(Problem, match=f"at most {MAX_RANK_FIELDS}"):
        parsed(JinaRequest, {"query": "q", "documents": ["a"], "rank_fields": fields})
