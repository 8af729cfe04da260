"""DSPy: its retrievers as stage one, and ours as its retriever."""

from __future__ import annotations

import asyncio
import copy

import pytest
from corpus import QUERY, RERANKED, SCORES, TEXTS, make_search

from fakes import WordReranker
from shortlist.encoders.hashed import HashedEncoder
from shortlist.search.search import Search

pytest.importorskip("dspy", reason="dspy is not installed: run make clients")

import dspy

from shortlist.integrations.dspy import ShortlistRetriever, ShortlistRM

ENCODER = HashedEncoder(64)


@pytest.mark.parametrize("kind", ["Embeddings", "EmbeddingsWithScores"])
def test_embeddings_are_stage_one(kind):
    embedder = dspy.Embedder(lambda texts: ENCODER.encode_passages(texts))
    retriever = getattr(dspy.retrievers, kind)(list(TEXTS.values()), embedder, k=3)
    note = Search(retriever).search(QUERY, pool_size=6).note("retriever_limited")
    assert note.values == {"count": 3, "k": 6, "limit": 3, "line": "retriever.k = 6"}
    retriever.k = 6
    ranking = Search(retriever, WordReranker()).search(QUERY, pool_size=6)
    assert (ranking[0].id, ranking[0].text, ranking.notes) == ("1", TEXTS["tax"], ())


def test_the_retrieval_model_of_the_settings_is_stage_one():
    with dspy.context(rm=lambda query, k=3: [dspy.Example(long_text=text) for text in list(TEXTS.values())[:k]]):
        ranking = Search(dspy.Retrieve(), WordReranker()).search(QUERY, pool_size=6)
    assert ranking[0].text == TEXTS["tax"]
    assert ranking.notes == ()


def test_ours_is_a_retriever():
    retriever = ShortlistRetriever(make_search(), k=3)
    assert isinstance(retriever, dspy.Retrieve)
    prediction = retriever(QUERY)
    assert isinstance(prediction, dspy.Prediction)
    assert prediction.passages == [TEXTS[key] for key in RERANKED]
    assert (prediction.ids, prediction.scores[0]) == (RERANKED, 1.0)
    assert prediction.metadata[0] == {"year": 2021, "document_id": "tax.md", "score": 1.0, **SCORES}
    assert retriever(QUERY, k=1).ids == ["tax"]
    assert asyncio.run(retriever.acall(QUERY)).ids == RERANKED
    assert retriever.dump_state() == {"k": 3}
    assert ShortlistRetriever(make_search(), where={"year": 2022})(QUERY).ids == ["a"]


def test_ours_is_the_retrieval_model():
    with dspy.context(rm=ShortlistRM(make_search())):
        assert dspy.Retrieve(k=2)(QUERY).passages == [TEXTS[key] for key in RERANKED[:2]]
    (example,) = ShortlistRM(make_search())(QUERY, k=1)
    assert (example.id, example.score, example.metadata["retrieval_rank"]) == ("tax", 1.0, 2)


def test_copies_share_the_models():
    class Program(dspy.Module):
        def __init__(self):
            super().__init__()
            self.retriever = ShortlistRetriever(make_search())

        def forward(self, question):
            return self.retriever(question)

    program = Program()
    for other in (program.deepcopy(), copy.deepcopy(program)):
        assert other.retriever._shared.given is program.retriever._shared.given
        assert other(question=QUERY).ids == RERANKED
