"""The fusion weight and the score threshold: every number equals separate runs, and nothing that does not help."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shortlist.errors import InvalidInput
from shortlist.evaluation.evaluate import evaluate
from shortlist.evaluation.metrics.reliability import thresholds
from shortlist.evaluation.metrics.statistics import best_of_p, permutation_p
from shortlist.evaluation.query_sets.holdout import compare_best, halves
from shortlist.evaluation.query_sets.identical_ids import FusesWithoutOwnId, WithoutOwnId, without_own_id
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.tuning.options import TuneOptions
from shortlist.evaluation.tuning.threshold import Results
from shortlist.evaluation.tuning.tune import tune
from shortlist.protocols import Fuses
from shortlist.retrievers import Hybrid
from shortlist.types import Note, Passage
from shortlist.wording import describe
from shortlist.wording.measuring import gain_words
from worlds import (
    FixedReranker,
    ListwiseReranker,
    NumberEncoder,
    OracleReranker,
    TextReranker,
    TwoLists,
    constant,
    searching,
    world,
)

FUSIONS = (0.0, 0.3, 0.5, 1.0)
WEIGHTS = {"dense": 3.0, "bm25_share": 1.5}


def options(**given):
    default = {"sizes": (2, 5, 9, 20), "measures": ("nDCG@10",), "timed": 1, "blends": (), "fusions": FUSIONS}
    return TuneOptions(**(default | given))


def two_lists(queries=6, seed=0, fusion=0.5, depth=40):
    """A hybrid over drawn lists, and judged queries whose answers are drawn too."""
    draw = np.random.default_rng(seed)
    corpus = [Passage(f"p{i}", f"text {i}", f"d{i}") for i in range(40)]
    texts = {f"q{n}": f"ask {n}" for n in range(queries)}
    qrels = {key: {f"p{i}": 1 for i in draw.choice(40, 3, replace=False)} for key in texts}
    index = TwoLists(corpus, seed)
    return Hybrid(index, NumberEncoder(), fusion=fusion, depth=depth), Judged("drawn", texts, qrels, "passage"), index


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(0, 10_000),
    st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.8, 1.0]), max_size=4),
    st.sampled_from([0.0, 0.5, 0.7]),
    st.sampled_from([4, 40]),
    st.sampled_from([{}, WEIGHTS]),
)
def test_every_fusion_weight_equals_a_separate_run(seed, fusions, current, depth, weights):
    hybrid, judged, index = two_lists(seed=seed, fusion=current, depth=depth)
    search = searching(hybrid, TextReranker(), weights)
    tuning = tune(search, judged, options(fusions=tuple(fusions)))
    tried = tuning.fusion
    assert set(tried.values) in (set(), {*fusions, current})
    for weight, values in tried.values.items():
        other = Hybrid(index, NumberEncoder(), fusion=weight, depth=depth)
        apart = searching(other, TextReranker() if tried.size else None, tuning.curves.weights, blend=tuning.blend)
        run = evaluate(apart, judged, pool_size=tried.size or 10, measures=("nDCG@10",))
        assert values.tolist() == run.values("reranked", "nDCG@10")
    if tried.size in tuning.curve.sizes and tried.values:
        row = tuning.curve.reranked["nDCG@10"][tuning.curve.sizes.index(tried.size)]
        assert tried.values[current].tolist() == row.tolist()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10_000), st.integers(4, 30), st.sampled_from([0.0, 1.0]))
def test_the_effect_of_a_threshold_equals_separate_searches(seed, queries, gain):
    retriever, judged, answers = world(queries=queries, seed=seed)
    search = searching(retriever, OracleReranker(answers, gain))
    tuning = tune(search, judged, options())
    for threshold, effect in ((tuning.threshold.tried, tuning.threshold.effect), (-np.inf, tuning.threshold.baseline)):
        if not tuning.rerank or threshold is None or effect is None:
            continue
        shown = relevant_shown = relevant = total = empty = 0
        f1 = []
        blended = searching(retriever, OracleReranker(answers, gain), tuning.curves.weights, blend=tuning.blend)
        size = tuning.recommended.size
        for key in tuning.reported_on:
            ranking = blended.search(judged.queries[key], pool_size=size, top_k=10, tail=True)
            everything = [judged.qrels[key].get(judged.key(hit), 0) > 0 for hit in ranking.hits]
            kept = blended.search(judged.queries[key], pool_size=size, top_k=10, tail=True, min_score=threshold)
            good = sum(judged.qrels[key].get(judged.key(hit), 0) > 0 for hit in kept.hits)
            shown, relevant_shown = shown + len(kept.hits), relevant_shown + good
            relevant, total, empty = relevant + sum(everything), total + len(everything), empty + (not kept.hits)
            both = len(kept.hits) + sum(everything)
            f1.append(2 * good / both if both else 1.0)
        assert effect.precision == pytest.approx(relevant_shown / shown if shown else 1.0)
        assert effect.recall == pytest.approx(relevant_shown / relevant if relevant else 1.0)
        if threshold > -np.inf:
            assert effect.left_out == pytest.approx(1 - shown / total)
            assert effect.empty == empty
            assert effect.f1 == pytest.approx(np.mean(f1))


def good_words(queries=60, seed=3):
    """The words' list has the answers first, and the vectors' list is drawn: a small weight of the vectors is best."""
    hybrid, judged, index = two_lists(queries, seed)
    inner = index.ranked

    def answers_first(kind, query, k):
        pairs = inner(kind, query, len(index.corpus))
        if kind == "words":
            right = judged.qrels[f"q{query.split()[-1]}"]
            firsts = [passage for passage in index.corpus if passage.id in right]
            others = [(passage, score) for passage, score in pairs if passage.id not in right]
            pairs = [(passage, 9.0) for passage in firsts] + others
        return pairs[:k]

    index.ranked = answers_first
    return hybrid, judged, index


def test_a_better_weight_is_found_at_stage_one_alone_where_reranking_is_not_recommended():
    hybrid, judged, _ = good_words()
    tuning = tune(searching(hybrid, constant()), judged, options())
    assert (tuning.rerank, tuning.fusion.size) == (False, 0)
    assert tuning.fusion.weight == 0.0
    assert tuning.fusion.reason.code == "setting_changed"
    assert describe(tuning.fusion.reason).startswith("0 instead of 0.5: +")
    assert "on the other half" in describe(tuning.fusion.reason)
    assert tuning.settings == {"rerank": False, "fusion": 0.0}
    assert tuning.threshold.reason == Note("no_threshold", reason="not_reranked")


def knowing(judged, misses=0):
    """A reranker that puts the answers first, except for queries whose number is a multiple of `misses`."""
    answers = {
        query: {f"text {name[1:]}" for name in judged.qrels[key]}
        for key, query in judged.queries.items()
        if not misses or int(query.split()[-1]) % misses
    }
    return OracleReranker(answers)


def test_a_better_weight_is_found_with_the_reranker_and_search_gets_what_was_measured():
    hybrid, judged, index = good_words()
    first = {
        query: {hit.passage.text for hits in hybrid.retrieve_at([0.0, 0.5], query, 6) for hit in hits}
        for query in judged.queries.values()
    }
    reranker = knowing(judged)
    plain = reranker.values
    reranker.values = lambda query, texts: [
        score if text in first[query] else 500.0 for text, score in zip(texts, plain(query, texts), strict=True)
    ]
    tuning = tune(searching(hybrid, reranker), judged, options(sizes=(6, 40), fusions=(0.0, 0.5)))
    assert (tuning.rerank, tuning.recommended.size, tuning.fusion.size) == (True, 6, 6)
    assert (tuning.fusion.weight, tuning.settings["fusion"]) == (0.0, 0.0)
    assert describe(tuning.fusion.reason).startswith("0 instead of 0.5")
    words_alone = Hybrid(index, NumberEncoder(), fusion=0.0, depth=40)
    search = searching(words_alone, reranker, tuning.curves.weights, blend=tuning.blend)
    apart = evaluate(search, judged, pool_size=6)
    assert tuning.fusion.values[0.0].tolist() == apart.values("reranked", "nDCG@10")
    assert tuning.threshold.baseline.f1 > 0


def test_the_half_to_report_on_decides_nothing_and_is_reported():
    parts = halves(40, 7)
    current, other = np.zeros(40), np.zeros(40)
    other[list(parts.chosen)] = 0.2
    other[list(parts.chosen)[:3]] = 0.1
    for unseen in (-0.3, 0.0, 0.1):
        other[list(parts.reported)] = unseen
        gain = compare_best([other], 0, current, parts, "nDCG@10")
        assert gain.result == "better"
        assert gain.unseen.mean == pytest.approx(unseen)
        words = gain_words(gain.values)
        assert f"; {unseen:+.4f} [" in words
        assert ("does not confirm it: judge more queries" in words) == (unseen <= 0)
    other[list(parts.chosen)] = np.tile([0.2, -0.2], 10)
    gain = compare_best([other], 0, current, parts, "nDCG@10")
    assert (gain.result, gain.unseen) == ("chance", None)
    assert gain_words(gain.values).endswith("which may be chance")


def test_the_best_of_many_equal_alternatives_is_seldom_taken():
    """Nine settings of the same worth on 60 queries: p below .05 may let 1 in 20 pass, both directions together."""
    draw = np.random.default_rng(5)
    taken = []
    for _ in range(150):
        parts = halves(60, int(draw.integers(1_000_000)))
        current, *tried = draw.normal(0.5, 0.2, (9, 60))
        best = int(np.argmax([values[list(parts.chosen)].mean() for values in tried]))
        if compare_best(tried, best, current, parts, "nDCG@10").result == "better":
            taken.append(float((tried[best] - current)[list(parts.reported)].mean()))
    assert len(taken) <= 8
    assert abs(np.mean(taken or [0.0])) < 0.05


def test_a_p_value_allows_for_the_alternatives_and_for_their_likeness():
    draw = np.random.default_rng(1)
    gains = draw.normal(0.3, 1.0, (12, 40))
    alone, among = best_of_p(gains[:1], 0), best_of_p(gains, 0)
    assert alone == pytest.approx(permutation_p(gains[0]), abs=0.01)
    assert alone < among <= 12 * alone + 0.01
    assert best_of_p(np.repeat(gains[:1], 12, axis=0), 0) == alone
    assert best_of_p(np.zeros((3, 20)), 1) == 1.0
    assert best_of_p(np.ones((1, 5)), 0) == permutation_p(np.ones(5)) == 2 / 2**5


def test_without_another_half_nothing_is_taken():
    gain = compare_best([np.ones(12)], 0, np.zeros(12), halves(12, 7), "nDCG@10")
    assert gain.result == "no_other_half"
    assert gain_words(gain.values).endswith("too few queries to report it on another half: judge at least 20")
    retriever, judged, answers = world(queries=12, first=2)
    tuning = tune(searching(retriever, OracleReranker(answers)), judged, options(sizes=(30,)))
    assert tuning.threshold.value is None
    assert tuning.threshold.effect.precision == 1.0


def test_passages_that_only_another_weight_brings_are_scored_once_and_kept(tmp_path):
    hybrid, judged, _ = two_lists(queries=40)
    reranker = knowing(judged, misses=3)
    seen: list[tuple[str, str]] = []
    plain = reranker.values
    reranker.values = lambda query, texts: seen.extend((query, text) for text in texts) or plain(query, texts)
    reports = []
    tuning = tune(
        searching(hybrid, reranker),
        judged,
        options(sizes=(2, 12, 24), fusions=(0.3, 0.5)),
        progress=lambda done, total: reports.append((done, total)),
    )
    assert (tuning.recommended.size, tuning.fusion.size) == (24, 12)
    assert 0 < tuning.fusion.scored <= 0.05 * 40 * 24
    assert reports[-1][0] == reports[-1][1]
    checked, timed = 3 * 10, 2 + 2 + 12
    assert len(seen) <= len(set(seen)) + checked + timed


@pytest.mark.parametrize("queries", [20, 24, 40])
def test_weights_are_tried_with_what_15_percent_leave(queries):
    hybrid, judged, _ = two_lists(queries=queries)
    reranker = knowing(judged, misses=3)
    tuning = tune(searching(hybrid, reranker), judged, options(sizes=(2, 6, 12, 24), timed=None))
    assert tuning.rerank
    assert reranker.scored <= 1.15 * queries * 24


def test_weights_that_would_need_many_more_scores_are_not_tried():
    hybrid, judged, _ = two_lists(queries=30)
    tuning = tune(searching(hybrid, knowing(judged)), judged, options(sizes=(5,)))
    assert tuning.rerank
    assert tuning.fusion.reason == Note("too_many_passages", setting="fusion", current=0.5)
    assert describe(tuning.fusion.reason) == (
        "0.5 stays. To try another fusion weight, the reranker would have to score too many additional passages"
    )
    assert "fusion" not in tuning.settings


def test_a_weight_that_is_better_at_a_smaller_pool_is_reported_and_not_taken():
    hybrid, judged, _ = good_words()
    answers = knowing(judged).relevant
    reranker = FixedReranker(
        lambda query, texts: [float(text in answers[query] and not int(query[-1]) % 3) for text in texts]
    )
    tuning = tune(searching(hybrid, reranker), judged, options(sizes=(3, 24), fusions=(0.0,)))
    assert (tuning.rerank, tuning.recommended.size, tuning.fusion.size) == (True, 24, 3)
    assert (tuning.fusion.weight, tuning.settings["fusion"]) == (0.5, 0.5)
    assert tuning.fusion.reason.code == "setting_better_elsewhere"
    words = describe(tuning.fusion.reason)
    assert words.startswith(
        "0.5 stays. To try 0 at pool 24, the reranker would have to score too many additional passages. At pool 3, 0 "
        "is better than 0.5: "
    )
    assert words.endswith(". To measure 0 at pool 24, set this fusion weight and tune again")
    plain = tune(searching(hybrid, reranker), judged, options(sizes=(3, 24), fusions=()))
    assert tuning.threshold == plain.threshold


class Interrupting(OracleReranker):
    def __init__(self, answers, after):
        super().__init__(answers)
        self.after = after

    def score(self, query, texts):
        self.after -= 1
        if self.after < 0:
            raise KeyboardInterrupt
        return super().score(query, texts)


def without_seconds(settings):
    """Return the settings without the measured times, which differ between two runs."""
    efforts = {name: {**level, "seconds": None} for name, level in settings["efforts"].items()}
    return {**settings, "efforts": efforts}


def test_an_interruption_among_the_new_passages_loses_none(tmp_path):
    hybrid, judged, _ = two_lists(queries=40)
    answers = knowing(judged, misses=3).relevant
    near = {"sizes": (2, 12, 24), "fusions": (0.4, 0.5)}
    kept = options(**near, checkpoint=tmp_path / "partial.jsonl")
    whole = tune(searching(hybrid, OracleReranker(answers)), judged, options(**near))
    with pytest.raises(KeyboardInterrupt):
        tune(searching(hybrid, Interrupting(answers, 40 + 3 + 3 + 5)), judged, kept)
    assert len((tmp_path / "partial.jsonl").read_text().splitlines()) == 1 + 40 + 5
    resumed = tune(searching(hybrid, OracleReranker(answers)), judged, kept)
    assert resumed.curves.resumed == 45
    assert without_seconds(resumed.settings) == without_seconds(whole.settings)
    assert resumed.fusion.reason == whole.fusion.reason
    for weight, values in whole.fusion.values.items():
        assert (resumed.fusion.values[weight] == values).all()


def test_both_lists_are_read_once_for_all_weights():
    hybrid, _, index = two_lists()
    hybrid.retrieve_at([0.0, 0.2, 0.9], "ask 1", 10)
    assert index.reads == 2
    alone = [Hybrid(index, NumberEncoder(), depth=40, fusion=share).retrieve("ask 1", 10) for share in (0.0, 0.2, 0.9)]
    assert hybrid.retrieve_at([0.0, 0.2, 0.9], "ask 1", 10) == alone


def test_at_the_ends_one_list_leads_and_the_other_fills_up():
    hybrid, _, index = two_lists(seed=4)
    words = [passage.id for passage, _ in index.matching("ask 1", 40)]
    tuning = [hit.passage.id for hit in hybrid.retrieve_at([0.0], "ask 1", 40)[0]]
    assert tuning[: len(words)] == words
    assert len(tuning) > len(words)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_shares_outside_0_to_1(share):
    with pytest.raises(InvalidInput, match="fusion must be from 0"):
        Hybrid(TwoLists([]), NumberEncoder(), fusion=share)
    hybrid, judged, _ = two_lists()
    with pytest.raises(InvalidInput, match="fusions must be from 0 to 1"):
        tune(searching(hybrid, TextReranker()), judged, options(fusions=(share,)))


def test_the_identical_id_rule_holds_at_every_weight():
    hybrid, judged, _ = two_lists(seed=2)
    queries = {f"d{n}": text for n, text in enumerate(judged.queries.values())}
    retriever = without_own_id(hybrid, queries)
    assert isinstance(retriever, FusesWithoutOwnId)
    assert isinstance(retriever, Fuses)
    for query in queries.values():
        apart = [
            WithoutOwnId(Hybrid(hybrid.index, NumberEncoder(), depth=40, fusion=share), queries).retrieve(query, 12)
            for share in FUSIONS
        ]
        assert retriever.retrieve_at(FUSIONS, query, 12) == apart
        assert retriever.retrieve(query, 12) == apart[FUSIONS.index(0.5)]
    plain = without_own_id(world(queries=2)[0], queries)
    assert not isinstance(plain, Fuses)


def test_nothing_is_tried_where_scores_depend_on_the_pool():
    hybrid, judged, _ = two_lists()
    tuning = tune(searching(hybrid, ListwiseReranker()), judged, options())
    assert (tuning.fusion.values, tuning.threshold.value) == ({}, None)
    assert tuning.fusion.reason == Note("not_tried", setting="fusion", reason="runs_apart")
    assert tuning.threshold.reason == Note("no_threshold", reason="runs_apart")
    assert "each size was run separately" in describe(tuning.fusion.reason)


def test_a_threshold_that_parts_right_from_wrong_is_found_and_one_for_noise_is_not():
    retriever, judged, answers = world(queries=60, first=2)
    tuning = tune(searching(retriever, OracleReranker(answers)), judged, options(sizes=(30,)))
    assert tuning.threshold.value is not None
    assert 6 < tuning.threshold.value <= 106
    assert (tuning.threshold.effect.precision, tuning.threshold.effect.recall) == (1.0, 1.0)
    assert tuning.threshold.baseline.recall == 1.0
    assert tuning.threshold.baseline.precision < 0.4
    assert tuning.settings["min_score"] == tuning.threshold.value
    pools = {query: [replace(hit, signals={}) for hit in pool] for query, pool in retriever.pools.items()}
    flat_found = tune(searching(type(retriever)(pools), constant(1.0)), judged, options())
    assert flat_found.threshold.value is None


def test_of_nothing_shown_nothing_is_wrong_by_a_probability_as_by_a_score():
    scores, relevant = np.array([[2.0, 1.0]]), np.array([[True, False]])
    shown = Results(scores, relevant, np.ones((1, 2), dtype=bool)).effect(9.0, [0])
    (likely,) = thresholds(np.array([0.2, 0.1]), np.array([1.0, 0.0]), np.array([0, 0]), [0.9])
    assert (shown.precision, shown.recall) == (likely.precision, likely.recall) == (1.0, 0.0)
    none = Results(scores, ~relevant & relevant, np.zeros((1, 2), dtype=bool)).effect(0.0, [0])
    assert (none.precision, none.recall, none.left_out, none.empty) == (1.0, 1.0, 0.0, 1)
