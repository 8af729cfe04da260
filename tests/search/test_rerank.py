import gc
import math
import re
import sqlite3
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

from fakes import WordReranker
from shortlist import rerank
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import BadScores, InvalidInput
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER, fitted_weights
from shortlist.search.blend import blend_weights
from shortlist.types import Document, Hit, Note, Passage, RerankerInfo, Scores


class Pair(NamedTuple):
    text: str
    score: float


class Node:
    def __init__(self, text):
        self.text = text


@pytest.mark.parametrize(
    "make",
    [
        str,
        lambda text: {"text": text, "id": 7},
        lambda text: {"page_content": text},
        lambda text: {"document": {"text": text}},
        lambda text: SimpleNamespace(page_content=text),
        lambda text: SimpleNamespace(content=text),
        Node,
    ],
)
def test_any_shape_comes_back_as_the_same_object(make):
    given = [make(text) for text in ("red dog", "a local file", "local")]
    ranked = rerank("local file", given, reranker=WordReranker())
    assert [row.document for row in ranked] == [given[1], given[2], given[0]]
    assert [row.document is given[row.index] for row in ranked] == [True] * 3
    assert [(row.rank, row.index, row.score) for row in ranked] == [(1, 1, 1.0), (2, 2, 0.5), (3, 0, 0.0)]


def test_rows_of_a_retriever_are_documents():
    records = sqlite3.connect(":memory:")
    records.row_factory = sqlite3.Row
    named = records.execute("select 'k' as id, 'local file' as text, 0.5 as score").fetchone()
    given = [("k", "local file"), (7, "local file", 0.5), (Node("local file"), 0.5), named, Pair("local file", 0.5)]
    given.append(records.execute("select 'k' as pk, 'local file' as words, 0.5 as score").fetchone())
    records.close()
    reranker = WordReranker()
    ranked = rerank("local", given, reranker=reranker)
    assert reranker.calls == [("local", ["local file"] * len(given))]
    assert [row.document is given[row.index] for row in ranked] == [True] * len(given)


@pytest.mark.parametrize("item", [("k",), ("k", 7), ("k", "text", 0.5, 1), ["k", "text"], (), ("k", None)])
def test_another_tuple_is_no_document(item):
    with pytest.raises(InvalidInput, match=r"document 1 of 1 has no text \(.*: give strings, \(id, text\) or"):
        rerank("a", [item], reranker=WordReranker())


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (("k", "text", math.nan), "the score of document 'k' is nan, not a finite number"),
        ({"id": "k", "text": "a", "score": math.inf}, "the score of document 'k' is inf, not a finite number"),
        ({"text": "a", "score": "high"}, "the score of document 1 of 1 is 'high', not a finite number"),
        ({"id": 3, "text": "a", "signals": {"dense": None}}, "the signal 'dense' of document 3 is None, not a finite"),
        ({"id": 3, "text": "a", "signals": 0.5}, "the signals of document 3 are 0.5, not a dict of names and numbers"),
    ],
)
def test_an_impossible_score_names_the_document(item, message):
    with pytest.raises(InvalidInput, match=re.escape(message)):
        rerank("a", [item], reranker=WordReranker())


def test_numbers_that_no_score_includes_are_noted():
    plain = {"text": "local"}
    for items, fields, count in (
        (["local", plain], [], 0),
        ([plain, ("k", "local", 0.5), plain | {"score": 1}], ["score"], 2),
        ([plain | {"score": 1, "signals": {"dense": 1.0}, "bi_encoder": "other"}], ["score", "signals"], 1),
        ([plain | {"score": None}, ("k", "local"), SimpleNamespace(text="local", score=0.5)], [], 0),
        ([Hit.of("k", "local", 0.5, signals={"dense": 1.0})], [], 0),
    ):
        ranked = rerank("local", items, reranker=WordReranker())
        assert [(note.code, note.values) for note in ranked.notes] == [
            ("numbers_unused", {"count": count, "fields": fields})
        ] * bool(fields)


def test_signals_of_a_dict_with_their_bi_encoder_are_those_of_a_hit():
    class Logits(WordReranker):
        info = RerankerInfo(CROSS_ENCODER, unit="logit")

    numbers = [("red", 0.9), ("local", 0.1)]
    hits = [Hit.of(text, text, signals={"dense": cosine}, bi_encoder=BI_ENCODER) for text, cosine in numbers]
    rows = [{"text": text, "signals": {"dense": cosine}, "bi_encoder": BI_ENCODER} for text, cosine in numbers]
    expected = rerank("local", hits, reranker=Logits())
    ranked = rerank("local", rows, reranker=Logits())
    assert [(row.index, row.score, row.order) for row in ranked] == [
        (row.index, row.score, "blend") for row in expected
    ]
    assert ranked.notes == ()


def test_top_k_cuts_the_answer_not_the_scoring():
    reranker = WordReranker()
    assert len(rerank("a", ["a", "b", "c"], reranker=reranker, top_k=2)) == 2
    assert reranker.calls == [("a", ["a", "b", "c"])]


class Skipping(WordReranker):
    def skip_reason(self, query):
        return Note("rerank_skipped", reason="too long") if "long" in query else None


def test_a_query_that_a_search_would_not_rerank_is_scored_with_a_note():
    ranked = rerank("a long local", ["local", "red"], reranker=Skipping())
    assert [(row.document, row.rank) for row in ranked] == [("local", 1), ("red", 2)]
    assert ranked.notes == (Note("scores_uncertain", reason="too long"),)
    assert rerank("local", ["local"], reranker=Skipping()).notes == ()


def test_no_documents_give_nothing():
    assert rerank("a", [], reranker=WordReranker()) == []


def test_duplicates_are_kept():
    assert [row.index for row in rerank("a", ["a", "a"], reranker=WordReranker())] == [0, 1]


@pytest.mark.parametrize(
    ("item", "shown"),
    [
        ({"id": 3, "a": 1}, "its fields are a, id"),
        ({"text": 5}, "text is 5, and not a string"),
        ({}, "its fields are none"),
        (42, "its type is int"),
        (None, "its type is NoneType"),
    ],
)
def test_a_document_without_text_is_named(item, shown):
    with pytest.raises(InvalidInput, match=f"document 2 of 2 has no text \\({shown}\\): give strings"):
        rerank("a", ["fine", item], reranker=WordReranker())
    with pytest.raises(InvalidInput, match="document 1 of 2 has no text"):
        rerank("a", [item, "fine"], reranker=WordReranker())


@pytest.mark.parametrize(
    ("query", "top_k", "message"),
    [
        (" ", None, "query is empty"),
        (None, None, "the query is of type NoneType: give a string"),
        ("a", 0, "top_k must be a whole number of at least 1, not 0"),
        ("a", 10**12, "top_k is 1000000000000: use at most 10,000,000"),
        ("a", 2.0, r"top_k must be a whole number of at least 1, not 2\.0"),
    ],
)
def test_bad_arguments(query, top_k, message):
    with pytest.raises(InvalidInput, match=message):
        rerank(query, ["a"], reranker=WordReranker(), top_k=top_k)


@pytest.mark.parametrize(
    "given", [iter, set, lambda texts: (text for text in texts), lambda texts: dict(enumerate(texts)).values()]
)
def test_any_iterable_may_hold_the_documents(given):
    ranked = rerank("local file", given(["red dog", "a local file"]), reranker=WordReranker(), top_k=1)
    assert [row.document for row in ranked] == ["a local file"]


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ("one string", r"a string is given in place of a list of texts: put it into a list, \['one string'\]"),
        ({"text": "one"}, "a dict is given in place of a list of texts"),
        (None, "a NoneType is given in place of a list of texts"),
    ],
)
def test_what_is_no_list_of_documents_is_refused(documents, message):
    with pytest.raises(InvalidInput, match=message):
        rerank("a", documents, reranker=WordReranker())


@pytest.mark.parametrize(
    ("item", "read"),
    [
        ({"title": "Tax", "text": "Due in April."}, "Tax\nDue in April."),
        ({"title": "", "text": "Due"}, "Due"),
        ({"title": 7, "text": "Due"}, "Due"),
        ({"title": "Tax", "document": {"text": "Due"}}, "Due"),
        ({"document": {"title": "Tax", "text": "Due"}}, "Tax\nDue"),
        (Document("d", "Due", "Tax"), "Tax\nDue"),
        (Passage("p", "Due", title="Tax"), "Tax\nDue"),
        ({"text": "", "content": "tax"}, "tax"),
        ({"text": " ", "document": {"text": "tax"}}, "tax"),
        ({"text": ""}, ""),
        ({"text": "lone \ud800"}, "lone \ufffd"),
    ],
)
def test_what_a_model_reads_of_a_document(item, read):
    reranker = WordReranker()
    rerank("tax", [item], reranker=reranker)
    assert reranker.calls == [("tax", [read])]


@pytest.mark.parametrize("reranker", [7, WordReranker])
def test_what_cannot_score_is_no_reranker(reranker):
    with pytest.raises(InvalidInput, match=r"the reranker is .*Give an object with one, such as load_reranker"):
        rerank("q", ["a"], reranker=reranker)


def test_a_progressive_reranker_ranks_what_it_dropped_last():
    class Progressive(WordReranker):
        def score_progressively(self, query, texts, prior):
            return Scores([1.0, 7.0, 2.0], [False] * 3, [0, 1, 0])

    assert [row.document for row in rerank("q", ["a", "b", "c"], reranker=Progressive())] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (["1", "2"], "words returned strings instead of numbers, such as '1'"),
        ("12", "words returned strings"),
        ([None, 1.0], r"words returned \[None, 1\.0\] instead of one number for each text"),
        (7, "words returned 7 instead of one number for each text"),
    ],
)
def test_scores_that_are_no_numbers_are_named(scores, message):
    with pytest.raises(BadScores, match=message):
        rerank("a", ["a", "b"], reranker=WordReranker(scores))


@pytest.mark.filterwarnings("error")
def test_an_async_reranker_and_an_array_of_rows_are_named():
    class Later(WordReranker):
        async def score(self, query, texts):
            return [1.0] * len(texts)

    class Rows(WordReranker):
        def score(self, query, texts):
            return np.ones((len(texts), 2))

    with pytest.raises(BadScores, match=r"words returned a coroutine \(its method score is async"):
        rerank("a", ["a"], reranker=Later())
    gc.collect()
    with pytest.raises(
        BadScores, match=r"words returned an array of shape \(3, 2\) instead of one number for each text"
    ):
        rerank("a", ["a", "b", "c"], reranker=Rows())


def test_a_reranker_that_returns_nothing_is_named():
    class Silent(WordReranker):
        def score(self, query, texts):
            return None

    with pytest.raises(BadScores, match="words returned None instead of one number for each text"):
        rerank("a", ["a"], reranker=Silent())


class Fitted(WordReranker):
    """A reranker under the name for which weights are packaged."""

    info = RerankerInfo(CROSS_ENCODER, pointwise=True)


def hit_of(text, signals, bi_encoder=BI_ENCODER):
    return Hit.of(text, text, 0.5, signals=signals, bi_encoder=bi_encoder)


def test_hits_with_the_signals_of_the_fitted_bi_encoder_are_ranked_by_the_blend():
    hits = [hit_of("tax due", {"dense": 0.2}), hit_of("tax", {"dense": 0.3, "bm25": 9.0, "bm25_share": 0.5})]
    weights = fitted_weights(BI_ENCODER, CROSS_ENCODER)
    ranked = rerank("tax due", hits, reranker=Fitted())
    assert [row.document.text for row in ranked] == ["tax", "tax due"]
    assert {row.order for row in ranked} == {"blend"}
    assert [row.rerank_score for row in ranked] == [0.5, 1.0]
    assert [row.retrieval_rank for row in ranked] == [2, 1]
    assert [row.score for row in ranked] == pytest.approx(
        [0.5 + 0.3 * weights["dense"] + 0.5 * weights["bm25_share"], 1.0 + 0.2 * weights["dense"]]
    )


@pytest.mark.parametrize(
    "documents",
    [
        ["tax", "tax due"],
        [hit_of("tax", {"dense": 0.9}), "tax due"],
        [hit_of("tax", {"dense": 0.9}), hit_of("tax due", {"bm25": 3.0})],
        [hit_of("tax", {"dense": 0.9}, ""), hit_of("tax due", {"dense": 0.1}, "")],
        [hit_of("tax", {"dense": 0.9}), hit_of("tax due", {"dense": 0.1}, HashedEncoder(8).name)],
        [{"text": "tax", "signals": {"dense": 0.9}}, {"text": "tax due", "signals": {"dense": 0.1}}],
    ],
    ids=["texts", "one text", "a signal is missing", "no bi-encoder", "two bi-encoders", "dicts"],
)
def test_other_documents_are_ranked_by_the_score_of_the_reranker_alone(documents):
    ranked = rerank("tax due", documents, reranker=Fitted())
    assert [row.index for row in ranked] == [1, 0]
    assert {row.order for row in ranked} == {"reranker"}
    assert [row.score for row in ranked] == [row.rerank_score for row in ranked] == [1.0, 0.5]


def test_the_weights_belong_to_one_reranker_and_to_logits():
    class Probabilities(Fitted):
        info = RerankerInfo(CROSS_ENCODER, unit="score")

    hits = [hit_of("tax", {"dense": 0.9})]
    assert blend_weights(hits, Fitted()) == fitted_weights(BI_ENCODER, CROSS_ENCODER) != {}
    assert blend_weights(hits, WordReranker()) == blend_weights(hits, Probabilities()) == {}
    assert blend_weights([], Fitted()) == {}


def test_a_document_that_a_progressive_reranker_dropped_has_no_score_of_the_reranker():
    class Progressive(WordReranker):
        def score_progressively(self, query, texts, prior):
            return Scores([1.0, 7.0], [False] * 2, [0, 1])

    assert [row.rerank_score for row in rerank("q", ["a", "b"], reranker=Progressive())] == [1.0, None]
