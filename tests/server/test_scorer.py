"""The scorer: tokens, caps, cuts."""

from __future__ import annotations

import asyncio
import logging

import pytest
from standins import FakePairs

import tiny
from fakes import WordReranker
from inline_scorer import InlineScorer
from shortlist.errors import BadScores, InvalidInput
from shortlist.rerankers.cross_encoder import CrossEncoder
from shortlist.server.batching.batcher import Batcher
from shortlist.server.batching.cache import CachedScorer, ScoreCache
from shortlist.server.batching.scorer import ReadsPairs
from shortlist.server.middleware.logs import LoggedTexts
from shortlist.server.run import WARM_UP_WORDS, warm_up
from shortlist.types import RerankerInfo


@pytest.fixture(scope="module")
def reranker(tmp_path_factory) -> CrossEncoder:
    return CrossEncoder(str(tiny.cross_encoder(tmp_path_factory.mktemp("tiny"))), precision="exact")


def score(reranker, query, texts, **cap):
    return asyncio.run(InlineScorer(reranker).score(query, texts, **cap))


def test_scores_tokens_and_cuts_of_a_cross_encoder(reranker):
    assert isinstance(reranker, ReadsPairs)
    texts = ["a cat", "dog " * 100, "red"]
    scored, alone = score(reranker, "query", texts), reranker.score("query", texts)
    assert (scored.scores, scored.truncated) == (list(alone), alone.truncated)
    assert scored.truncated == [False, True, False]
    assert scored.tokens == (3 + 1 + 2) + 64 + (3 + 1 + 1)


def test_a_cap_cuts_each_text(reranker):
    scored = score(reranker, "query", ["red dog cat", "red"], max_tokens=1)
    assert scored.scores == score(reranker, "query", ["red", "red"]).scores
    assert scored.truncated == [True, False]


def test_a_cap_beyond_the_window_changes_nothing(reranker):
    texts = ["a cat", "dog " * 100]
    assert score(reranker, "query", texts, max_tokens=4096) == score(reranker, "query", texts)


def test_pairs_of_several_queries_score_as_each_alone(reranker):
    first, _ = reranker.pairs("red cat", ["a dog", "a file"])
    second, _ = reranker.pairs("server", ["local file"])
    together = reranker.score_pairs([*first, *second])
    alone = [*reranker.score("red cat", ["a dog", "a file"]), *reranker.score("server", ["local file"])]
    assert together == pytest.approx(alone, abs=1e-6)


def test_a_reranker_without_caps_refuses_a_cap_only_if_it_would_cut():
    assert score(WordReranker(), "tax", ["a tax"], max_tokens=5).scores == [1.0]
    with pytest.raises(InvalidInput, match="cannot cap passages at 4 tokens"):
        score(WordReranker(), "tax", ["a tax"], max_tokens=4)


def test_no_texts_and_no_query(reranker):
    assert score(reranker, "query", []).scores == []
    for model in (reranker, WordReranker()):
        with pytest.raises(InvalidInput, match="the query is empty"):
            score(model, " ", ["a"])
    with pytest.raises(InvalidInput, match="max_tokens must be at least 1"):
        score(reranker, "query", ["a"], max_tokens=0)


def test_every_scorer_names_the_reranker_behind_it():
    fake = FakePairs()
    batcher = Batcher(fake)
    cached = CachedScorer(batcher, ScoreCache(), "model")
    logged = LoggedTexts(cached, logging.getLogger("test"))
    batcher.close()
    assert logged.reranker is InlineScorer(fake).reranker is fake
    assert logged.name == "fake"


def test_bad_scores():
    with pytest.raises(BadScores):
        score(WordReranker([1.0]), "tax", ["a", "b"])


@pytest.mark.parametrize("remote", [False, True])
def test_a_remote_reranker_is_not_warmed_up(remote):
    reranker = WordReranker()
    reranker.info = RerankerInfo("words", remote=remote)
    asyncio.run(warm_up(InlineScorer(reranker), None))
    assert len(reranker.calls) == (0 if remote else len(WARM_UP_WORDS))
