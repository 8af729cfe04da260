from __future__ import annotations

import asyncio
import tracemalloc

import pytest
from standins import FakePairs, fake_score

import tiny
from inline_scorer import InlineScorer
from shortlist import CrossEncoder
from shortlist.errors import BadScores, InvalidInput
from shortlist.server.batching.cache import ENTRY_BYTES, CachedScorer, ScoreCache, pair_keys
from shortlist.server.middleware.observer import Observer


class LookUps(Observer):
    def __init__(self):
        self.seen = []

    def looked_up(self, hits, misses):
        self.seen.append((hits, misses))


def test_only_what_is_missing_is_scored():
    fake, observer = FakePairs(), LookUps()
    scorer = CachedScorer(InlineScorer(fake), ScoreCache(), "model", observer)
    first = asyncio.run(scorer.score("q", ["a", "b b"]))
    again = asyncio.run(scorer.score("q", ["b b", "c", "a"]))
    assert [pair.text for call in fake.calls for pair in call] == ["a", "b b", "c"]
    assert again.scores == [fake_score("q", text) for text in ("b b", "c", "a")]
    assert first.tokens == 5
    assert observer.seen == [(0, 2), (2, 1)]


def test_a_request_that_gets_no_scores_is_neither_hit_nor_miss():
    observer = LookUps()
    scorer = CachedScorer(InlineScorer(FakePairs()), ScoreCache(), "model", observer)
    asyncio.run(scorer.score("q", ["a"]))
    with pytest.raises(BadScores):
        asyncio.run(scorer.score("q", ["a", "bad"]))
    assert observer.seen == [(0, 1)]


def test_all_from_the_cache_is_the_same_answer():
    scorer = CachedScorer(InlineScorer(FakePairs()), ScoreCache(), "model")
    texts = ["one two three", "four"]
    assert asyncio.run(scorer.score("q", texts, max_tokens=2)) == asyncio.run(scorer.score("q", texts, max_tokens=2))


@pytest.mark.parametrize(
    "other",
    [("m2", "q", ["a"], None), ("m", "p", ["a"], None), ("m", "q", ["b"], None), ("m", "q", ["a"], 5)],
    ids=["model", "query", "passage", "window"],
)
def test_the_key_covers_all_that_a_score_depends_on(other):
    assert pair_keys("m", "q", ["a"], None) != pair_keys(*other)


def test_moving_a_letter_between_query_and_passage_is_another_pair():
    assert pair_keys("m", "ab", ["c"], None) != pair_keys("m", "a", ["bc"], None)


def test_the_cache_is_bounded_and_drops_what_was_unused_longest():
    cache = ScoreCache(3 * ENTRY_BYTES)
    keys = pair_keys("m", "q", ["a", "b", "c", "d"], None)
    cache.put(keys[:3], [(1.0, False, 1)] * 3)
    cache.get(keys[:1])
    cache.put(keys[3:], [(4.0, False, 1)])
    assert [entry is not None for entry in cache.get(keys)] == [True, False, True, True]
    assert cache.used_bytes == 3 * ENTRY_BYTES


def test_the_memory_of_the_cache_is_within_its_bound():
    limit = 4_000_000
    cache = ScoreCache(limit)
    tracemalloc.start()
    try:
        for start in range(0, 30_000, 1000):
            keys = pair_keys("m", "q", [f"text {start + n}" for n in range(1000)], None)
            cache.put(keys, [(n + 0.5, False, 300 + n) for n in range(1000)])
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(cache) == limit // ENTRY_BYTES
    assert taken < limit


def test_a_negative_size_is_refused():
    with pytest.raises(InvalidInput, match="-1 bytes"):
        ScoreCache(-1)


def test_the_fingerprint_changes_with_the_weights_and_the_window(tmp_path):
    first = CrossEncoder(str(tiny.cross_encoder(tmp_path / "a")), precision="exact")
    same = CrossEncoder(str(tiny.cross_encoder(tmp_path / "b")), precision="exact")
    weights = CrossEncoder(str(tiny.cross_encoder(tmp_path / "c", fault=0.5)), precision="exact")
    window = CrossEncoder(str(tmp_path / "a"), precision="exact", max_length=48)
    assert first.fingerprint == same.fingerprint
    assert len({first.fingerprint, weights.fingerprint, window.fingerprint}) == 3
