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
from shortlist.server.routes.tune_curve import TuneCurveRequest
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
        (SearchRequest, {"where": {"int": ["x", None]}}, "where.int[1]"),
        (SearchRequest, {"where": {"list[0]": {"bool": None}}}, "where.list[0].bool"),
        (EmbeddingsRequest, {"input": 1.5}, "input"),
        (EmbeddingsRequest, {"input": ["a", None]}, "input[1]"),
        (EmbeddingsRequest, {"input": [[1, "a"]]}, "input[0][1]"),
        (JinaRequest, {"documents": ["a", 5]}, "documents[1]"),
    ],
    ids=str,
)
def test_the_place_of_an_error_is_that_of_the_request(model, change, place):
    body = {"model": "m", "query": "q", "documents": ["a"], "input": "a"}
    known = {name: value for name, value in body.items() if name in model.model_fields}
    with pytest.raises(Problem) as caught:
        parsed(model, {**known, **change})
    assert caught.value.field == place


JUDGED = {"query": "q", "relevant": {"a": 1}}


@pytest.mark.parametrize(
    ("model", "change", "message"),
    [
        (SearchRequest, {"query": 5}, "the field 'query' must be a text, not the number 5"),
        (SearchRequest, {"query": None}, "the field 'query' is required"),
        (SearchRequest, {"queries": ["a", 5]}, "item 1 (counted from 0) of the field 'queries' must be a text, not"),
        (SearchRequest, {"queries": "a"}, "the field 'queries' must be an array, not the text 'a'"),
        (SearchRequest, {"pool_size": "x"}, "the field 'pool_size' must be a whole number or 'auto', not the text 'x'"),
        (SearchRequest, {"pool_size": True}, "must be a whole number or 'auto', not true"),
        (SearchRequest, {"effort": "max"}, "the field 'effort' must be 'low', 'mid' or 'high', not the text 'max'"),
        (SearchRequest, {"budget_ms": -1}, "the field 'budget_ms' must be at least 0, not the number -1"),
        (SearchRequest, {"budget_ms": 1e9}, "the field 'budget_ms' must be at most 600000"),
        (SearchRequest, {"where": {"a": [None]}}, "item 0 (counted from 0) of 'a' in the field 'where' must be a text"),
        (
            SearchRequest,
            {"where": {"a": None}},
            "'a' in the field 'where' must be a text, a number, true or false, an array or an object, not null",
        ),
        (SearchRequest, {"where": ["a=1"] * 2000}, "the field 'where' has 2000 conditions, at most 1024: send fewer"),
        (TuneCurveRequest, {"queries": []}, "the field 'queries' is empty: give at least one"),
        (TuneCurveRequest, {"queries": [JUDGED] * 201}, "the field 'queries' has more than 200 entries: send at most"),
        (TuneCurveRequest, {"queries": [JUDGED, {"query": "q"}]}, "'relevant' in item 1 (counted from 0) of the field"),
        (TuneCurveRequest, {"queries": [{**JUDGED, "no": 1}]}, "unknown field: parameter 'queries[0].no'"),
        (CohereRequest, {"model": "x" * 99, "top_n": "x" * 99}, "not the text '" + "x" * 40 + "…'"),
        (CohereRequest, {"top_n": -(10**30)}, "the field 'top_n' must be at least 1, not the number -1e+30"),
        (SearchRequest, {"pool_size": float("inf")}, "a whole number or 'auto', not a number above 1e+308"),
        (SearchRequest, {"pool_size": 1e300}, "a whole number or 'auto', not the number 1e+300"),
        (SearchRequest, {"budget_ms": float("-inf")}, "must be at least 0, not a number below -1e+308"),
        (CohereRequest, {"top": 1}, "'top' is not a valid field: the fields are model, query, documents, top_n"),
    ],
    ids=str,
)
def test_errors_are_in_the_words_of_a_client(model, change, message):
    body = {"model": "m", "query": "q", "documents": ["a"], "input": "a", "queries": [JUDGED]}
    known = {name: value for name, value in body.items() if name in model.model_fields}
    known = {**known, "queries": ["a"]} if model is SearchRequest else known
    with pytest.raises(Problem) as caught:
        parsed(model, {**known, **change})
    assert message in caught.value.message


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
