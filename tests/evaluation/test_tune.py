from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shortlist.config import SearchConfig
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput
from shortlist.evaluation.evaluate import evaluate
from shortlist.evaluation.metrics.measures import parse
from shortlist.evaluation.metrics.outcomes import measured
from shortlist.evaluation.query_sets.holdout import halves
from shortlist.evaluation.query_sets.query_set import Judged, QuerySet, resolve
from shortlist.evaluation.replay.checkpoint import Checkpoint
from shortlist.evaluation.replay.replay import recorded_from_json, recorded_to_json
from shortlist.evaluation.replay.scoring_pass import record, retrieval_sizes
from shortlist.evaluation.tuning.options import TuneOptions
from shortlist.evaluation.tuning.tune import tune
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.retrievers import Dense, Hybrid, Lexical
from shortlist.search.search import Search
from shortlist.types import Note, Passage
from shortlist.wording import describe
from worlds import (
    WORDS,
    FixedReranker,
    ListwiseReranker,
    OracleReranker,
    PoolRetriever,
    ShiftingRetriever,
    TextReranker,
    constant,
    hits,
    searching,
    whole_ranking,
    world,
)

WEIGHTS = {"dense": 3.0, "bm25_share": 1.5}
SIZES = (2, 3, 5, 8, 13, 21)
MEASURES = ("nDCG@10", "RR@10", "Success@5", "R@10")


def options(**given):
    return TuneOptions(**({"sizes": SIZES, "measures": MEASURES, "timed": 1} | given))


def separate(retriever, reranker, judged, blend, measure, sizes=SIZES):
    """Each size searched by itself, and measured directly."""
    search = searching(retriever, reranker, WEIGHTS, blend=blend)
    rows = []
    for size in sizes:
        row = []
        for query_id, query in judged.queries.items():
            ranking = whole_ranking(search, query, size)
            ids = list(dict.fromkeys(judged.key(hit) for hit in ranking.hits))
            row.append(parse(measure).of(ids, judged.qrels[query_id]))
        rows.append(row)
    return np.array(rows)


def distinct(retriever, judged, sizes):
    """The sizes whose pools differ from those of the size before."""
    pools = [[ids(retriever.retrieve(query, size)) for query in judged.queries.values()] for size in sizes]
    return tuple(size for place, size in enumerate(sizes) if not place or pools[place] != pools[place - 1])


def ids(pool):
    return [hit.passage.id for hit in pool]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(0, 10_000),
    st.sampled_from([PoolRetriever, ShiftingRetriever]),
    st.lists(st.integers(1, 34), min_size=1, max_size=5, unique=True),
    st.sampled_from([0.0, 0.3, 1.0]),
)
def test_every_number_of_the_sweep_equals_a_separate_run(seed, kind, sizes, blend):
    inner, judged, _ = world(queries=4, passages=30, seed=seed)
    retriever = kind(inner.pools)
    search = searching(retriever, TextReranker(), WEIGHTS, blend=blend)
    tuning = tune(search, judged, options(sizes=tuple(sizes), blends=(0.0, 0.3, 1.0)))
    assert tuning.curves.method.code == "one_pass"
    ordered = distinct(retriever, judged, sorted(sizes))
    for curve in tuning.curves.by_blend:
        assert curve.sizes == ordered
        for measure in MEASURES:
            expected = separate(retriever, TextReranker(), judged, curve.blend, measure, ordered)
            assert (curve.reranked[measure] == expected).all()
    for place, size in enumerate(ordered):
        run = evaluate(
            searching(retriever, TextReranker(), WEIGHTS, blend=tuning.blend),
            judged,
            pool_size=size,
            measures=MEASURES,
        )
        assert tuning.curve.recall[place].tolist() == [outcome.recall for outcome in run.outcomes]
        for measure in MEASURES:
            assert tuning.curve.ceiling[measure][place].tolist() == run.values("ceiling", measure)
            assert tuning.curve.reranked[measure][place].tolist() == run.values("reranked", measure)
    alone = evaluate(searching(retriever), judged, pool_size=10, measures=MEASURES)
    for measure in MEASURES:
        assert tuning.curve.stage_one[measure].tolist() == alone.values("stage one", measure)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A real index, with more passages than a hybrid leg is deep."""
    encoder = HashedEncoder(16)
    rng = np.random.default_rng(0)
    corpus = [Passage(f"p{i}", " ".join(rng.choice(WORDS, 6)) + f" n{i}", f"p{i}") for i in range(160)]
    index = EmbeddedEngine().create(tmp_path_factory.mktemp("index"), dimension=16)
    index.add(corpus, encoder.encode_passages([passage.content for passage in corpus]))
    queries = {f"q{i}": " ".join(rng.choice(WORDS, 3)) for i in range(5)}
    qrels = {key: {f"p{i}": 1 for i in rng.choice(160, 4, replace=False)} for key in queries}
    yield index, encoder, resolve(QuerySet("real", queries, qrels), corpus)
    index.close()


@pytest.mark.parametrize("kind", ["hybrid", "dense", "bm25"])
def test_the_sweep_equals_separate_runs_on_a_real_index_beyond_its_depth(real, kind):
    index, encoder, judged = real
    retriever = {"hybrid": Hybrid(index, encoder), "dense": Dense(index, encoder), "bm25": Lexical(index)}[kind]
    sizes = (3, 10, 40, 90, 120, 150)
    tuning = tune(searching(retriever, TextReranker(), WEIGHTS), judged, options(sizes=sizes, blends=()))
    for measure in MEASURES:
        expected = separate(retriever, TextReranker(), judged, 1.0, measure, sizes)
        assert (tuning.curve.reranked[measure] == expected).all()


def test_the_sweep_equals_separate_runs_where_measures_read_below_the_depth(real):
    index, encoder, judged = real
    measures, sizes = ("R@150", "nDCG@150"), (3, 10, 40, 120)
    search = searching(Hybrid(index, encoder, depth=20), TextReranker(), WEIGHTS)
    tuning = tune(search, judged, options(sizes=sizes, blends=(), measures=measures))
    for measure in measures:
        for place, size in enumerate(sizes):
            run = evaluate(search, judged, pool_size=size, measures=measures)
            assert tuning.curve.reranked[measure][place].tolist() == run.values("reranked", measure)
            assert tuning.curve.recall[place].tolist() == [outcome.recall for outcome in run.outcomes]


def test_a_hybrids_pool_is_the_same_however_deep_the_tail(real):
    index, encoder, judged = real
    search = searching(Hybrid(index, encoder, depth=20), TextReranker())
    for query in judged.queries.values():
        alone = whole_ranking(search, query, 20)
        for k in (21, 60, 150):
            deep = whole_ranking(search, query, 20, k)
            assert deep.hits[:20] == alone.hits
            assert [hit.retrieval_rank for hit in deep.hits[20:]] == list(range(21, k + 1))
            assert len({hit.passage.id for hit in deep.hits}) == k


def test_a_hybrid_is_asked_once_within_its_depth(real):
    index, encoder, _ = real
    hybrid = Hybrid(index, encoder)
    assert retrieval_sizes(hybrid, (5, 50, 100), 10) == [100]
    assert retrieval_sizes(hybrid, (5, 50, 120, 150), 10) == [150, 120, 50]
    assert retrieval_sizes(hybrid, (5, 50), 200) == [200, 50]
    assert retrieval_sizes(Dense(index, encoder), (5, 50, 100), 10) == [100, 50, 10, 5]


def test_one_pass_scores_each_passage_of_the_largest_pool_once():
    retriever, judged, _ = world(queries=50)
    reranker = TextReranker()
    tune(searching(retriever, reranker), judged, options())
    passed, timed, checked = 50 * 21, sum(SIZES[:-1]) + SIZES[0], 3 * 10
    assert reranker.scored == passed + timed + checked


@pytest.mark.parametrize("queries", [15, 20, 24, 40, 60, 100])
def test_at_most_15_percent_more_than_the_pass_is_scored(queries):
    sizes = (5, 10, 20, 30, 50, 75, 100)
    retriever, judged, _ = world(queries=queries, passages=110)
    reranker = TextReranker()
    tuning = tune(searching(retriever, reranker), judged, options(timed=None, sizes=sizes, blends=()))
    assert reranker.scored <= 1.15 * queries * 100
    timed = {size: len(latency.rerank) for size, latency in tuning.latency.items()}
    assert timed == {**dict.fromkeys(sizes[:-1], max(1, int(0.08 * queries * 100 / 190))), 100: queries - 1}


@pytest.mark.parametrize(("given", "timed"), [({}, 3), ({"timed": 1}, 1), ({"timed": 5}, 5)])
def test_a_budget_times_several_queries(given, timed):
    retriever, judged, _ = world(queries=6)
    tuning = tune(searching(retriever, TextReranker()), judged, options(**{"timed": None, "budget_ms": 1e9, **given}))
    assert {tuning.latency[size].searches for size in SIZES[:-1]} == {timed}


def test_runs_at_each_size_are_timed_as_they_are_made():
    retriever, judged, _ = world(queries=4)
    reranker = ListwiseReranker()
    tuning = tune(searching(retriever, reranker), judged, options(timed=None))
    assert reranker.scored == 4 * sum(SIZES)
    assert [len(latency.rerank) for latency in tuning.latency.values()] == [3] * len(SIZES)
    assert tuning.timing == Note("times_of_runs")


@pytest.mark.parametrize("reranker", [TextReranker(), ListwiseReranker(), ListwiseReranker(pointwise=True)])
def test_sizes_above_the_passages_of_every_pool_are_one_search(reranker):
    retriever, judged, _ = world(queries=4, passages=9)
    tuning = tune(searching(retriever, reranker), judged, options(sizes=(3, 5, 12, 20, 50)))
    assert tuning.curve.sizes == tuple(tuning.latency) == (3, 5, 12)
    (note,) = [note for note in tuning.warnings if note.code == "same_pools"]
    assert describe(note) == (
        "pool 20, 50 are not measured: no query has more than 9 passages in its pool, so they are the search of a "
        "smaller size"
    )
    asked = tune(searching(retriever, reranker), judged, options(sizes=(3, 5, 9)))
    assert asked.curve.sizes == (3, 5, 9)
    assert "same_pools" not in [note.code for note in asked.warnings]


def test_a_size_stays_if_one_query_has_more_passages():
    retriever, judged, _ = world(queries=4, passages=9)
    short = PoolRetriever({query: pool[: 9 - place] for place, (query, pool) in enumerate(retriever.pools.items())})
    tuning = tune(searching(short, TextReranker()), judged, options(sizes=(6, 8, 9, 10)))
    assert tuning.curve.sizes == (6, 8, 9)


def test_rows_that_a_retriever_repeats_end_no_sweep():
    """The first 20 rows are 10 passages, and a longer answer has more."""

    class Repeating(PoolRetriever):
        def retrieve(self, query, k, where=None):
            return [hit for hit in self.pools[query] for _ in range(2)][:k]

    retriever, judged, _ = world(queries=4)
    for reranker in (TextReranker(), ListwiseReranker()):
        tuning = tune(searching(Repeating(retriever.pools), reranker), judged, options(sizes=(20, 40, 80)))
        assert tuning.curve.sizes == (20, 40, 80)


@pytest.mark.parametrize("kind", [TextReranker, ListwiseReranker])
def test_progress_counts_the_passages_that_are_scored(kind):
    retriever, judged, _ = world(queries=4, passages=9)
    reranker, told = kind(), []
    tune(searching(retriever, reranker), judged, options(), progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (reranker.scored, reranker.scored)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert all(done <= total for done, total in told)


def test_a_listwise_reranker_runs_at_each_size_and_says_so():
    retriever, judged, _ = world(queries=4)
    tuning = tune(searching(retriever, ListwiseReranker()), judged, options())
    assert tuning.curves.method == Note("listwise", reranker="listwise")
    assert tuning.curves.checked is None
    for measure in MEASURES:
        expected = separate(retriever, ListwiseReranker(), judged, 0.0, measure)
        assert (tuning.curve.reranked[measure] == expected).all()


def test_a_progressive_search_runs_at_each_size_with_its_own_reranker():
    retriever, judged, _ = world(queries=4)
    search = Search(retriever, TextReranker(), SearchConfig(progressive=True), progressive=ListwiseReranker)
    tuning = tune(search, judged, options())
    assert tuning.curves.method == Note("listwise", reranker="listwise")
    assert tuning.config.progressive
    exact = replace(search, progressive=None)
    with pytest.raises(InvalidInput, match="text has no early exits"):
        tune(exact, judged, options())


def test_a_reranker_that_only_claims_to_be_pointwise_is_found_out():
    retriever, judged, _ = world(queries=4)
    tuning = tune(searching(retriever, ListwiseReranker(pointwise=True)), judged, options())
    assert tuning.curves.checked is not None
    assert not tuning.curves.checked.holds
    assert tuning.curves.method.code == "not_pointwise"
    assert "is declared pointwise, but its scores differ by up to" in describe(tuning.curves.method)
    expected = separate(retriever, ListwiseReranker(), judged, 0.0, "nDCG@10")
    assert (tuning.curve.reranked["nDCG@10"] == expected).all()


def test_skipped_queries_keep_stage_one_at_every_size():
    class Skipping(TextReranker):
        def skip_reason(self, query):
            return Note("rerank_skipped", reason="too long")

    retriever, judged, _ = world(queries=4)
    tuning = tune(searching(retriever, Skipping()), judged, options())
    for row in tuning.curve.reranked["nDCG@10"]:
        assert row.tolist() == tuning.curve.stage_one["nDCG@10"].tolist()
    assert not tuning.rerank


def test_the_warning_fires_where_reranking_harms_and_stays_silent_where_it_helps():
    retriever, judged, answers = world(queries=60, first=2)
    helped = tune(searching(retriever, OracleReranker(answers)), judged, options())
    assert not {note.code for note in helped.warnings} & {"harmful", "quality_falls", "no_gain_at_pool"}
    assert helped.rerank
    harmed = tune(searching(retriever, OracleReranker(answers, -1)), judged, options())
    (warning,) = [note for note in harmed.warnings if note.code == "harmful"]
    assert "reranking is worse than no reranking at pool" in describe(warning)
    assert (harmed.rerank, harmed.settings) == (False, {"rerank": False})


def test_quality_that_falls_with_depth_is_noticed():
    class Shallow(TextReranker):
        """Puts the answers first, and texts that end in a number above 4 above those: only deep pools hold many."""

        def __init__(self, pools, answers):
            super().__init__()
            self.rank = {query: {hit.passage.text: hit.rank for hit in hits} for query, hits in pools.items()}
            self.answers = answers

        def values(self, query, texts):
            ranks = self.rank[query]
            return [
                1000.0 + ranks[text]
                if ranks[text] > 8 and text not in self.answers[query]
                else 500.0 * (text in self.answers[query])
                for text in texts
            ]

    retriever, judged, answers = world(queries=60, first=0)
    tuning = tune(searching(retriever, Shallow(retriever.pools, answers)), judged, options(blends=()))
    assert Note("quality_falls", measure="nDCG@10", pool=8) in tuning.warnings
    assert tuning.recommended.size <= 8


def test_rules_choose_on_one_half_and_are_reported_on_the_other():
    retriever, judged, answers = world(queries=60, first=2)
    tuning = tune(searching(retriever, OracleReranker(answers)), judged, options(budget_ms=1e9))
    assert set(tuning.chosen_on).isdisjoint(tuning.reported_on)
    assert sorted([*tuning.chosen_on, *tuning.reported_on]) == sorted(judged.queries)
    assert [pick.rule for pick in tuning.picks] == ["near_best", "most_of_the_gain", "latency_budget"]
    assert tuning.recommended.rule == "latency_budget"
    assert tuning.recommended.size == 21
    for check in tuning.checks:
        places = [tuning.curve.query_ids.index(key) for key in tuning.reported_on]
        row = tuning.curve.reranked["nDCG@10"][tuning.curve.sizes.index(check.size)]
        assert check.value == pytest.approx(row[places].mean())
        assert check.kept == pytest.approx(check.value / check.best)
    efforts = tuning.settings["efforts"]
    assert set(efforts) == {"low", "mid", "high"}
    expected = {"rerank": True, "pool_size": 21, "efforts": efforts, "min_score": tuning.threshold.value}
    assert tuning.settings == expected


def test_a_pool_that_gains_nothing_is_not_recommended():
    retriever, judged, _ = world(queries=60)
    tuning = tune(searching(retriever, constant()), judged, options())
    assert tuning.settings == {"rerank": False}
    assert tuning.warnings == (Note("no_gain_at_pool", pool=2, measure="nDCG@10", gain=0.0),)
    assert describe(tuning.warnings[0]) == "pool 2 gains nothing over stage one: nDCG@10 +0.0000 over all queries"


def at_the_ceiling(queries):
    """The answer is first in stage one's order, and the reranker leaves it there."""
    passages = [Passage(f"p{i}", f"text {i}", f"p{i}") for i in range(30)]
    texts = {f"q{n}": f"ask {n}" for n in range(queries)}
    judged = Judged("easy", texts, {key: {"p0": 1} for key in texts}, "passage")
    retriever = PoolRetriever({text: hits(passages, [{} for _ in passages]) for text in texts.values()})
    return tune(searching(retriever, constant()), judged, options())


@pytest.mark.parametrize(
    ("queries", "words"), [(5, "5 queries are too few to decide"), (24, "nDCG@10 is at the ceiling, 1.0000")]
)
def test_queries_that_can_not_tell_recommend_nothing(queries, words):
    tuning = at_the_ceiling(queries)
    assert words in describe(tuning.undecided)
    assert (tuning.rerank, tuning.settings) == (False, {})


def test_the_smallest_pool_is_not_said_to_beat_smaller_ones():
    pick = at_the_ceiling(24).picks[0]
    assert (pick.size, pick.reason) == (2, Note("best_pool", measure="nDCG@10", value=1.0, reason="smallest_pool"))
    assert describe(pick.reason).endswith("it is the smallest pool tried, and no larger pool is better")


def test_harm_beyond_chance_is_told_by_few_queries_too():
    retriever, judged, answers = world(queries=16, first=0)
    tuning = tune(searching(retriever, OracleReranker(answers, -1)), judged, options(sizes=(21,)))
    assert (tuning.undecided, tuning.settings) == (None, {"rerank": False})


def test_a_longer_ranking_in_the_same_order_scores_the_same():
    """60 documents of three passages each: a larger pool reaches more documents, and R@100 has room for them."""
    passages = [Passage(f"p{i}", f"text {i}", f"d{i % 60}") for i in range(180)]
    order = sorted(passages, key=lambda passage: (passage.document_id, passage.id))
    queries = {f"q{n}": f"ask {n}" for n in range(4)}
    qrels = {f"q{n}": {f"d{59 - n}": 1, f"d{n}": 1} for n in range(4)}
    judged = Judged("documents", queries, qrels, "document")
    retriever = PoolRetriever({text: hits(order, [{} for _ in order]) for text in queries.values()})
    tuning = tune(searching(retriever, constant()), judged, options(sizes=(10, 100, 180), measures=("R@100", "AP@100")))
    for measure in ("R@100", "AP@100"):
        for row in tuning.curve.reranked[measure]:
            assert row.tolist() == tuning.curve.stage_one[measure].tolist()
    assert not tuning.rerank


def test_a_gain_that_the_other_half_does_not_bear_out_is_doubted():
    retriever, judged, answers = world(queries=60, first=2)
    parts = halves(len(judged.queries), options().seed)
    texts = [list(judged.queries.values())[place] for place in (*parts.chosen, *parts.reported)]
    helped, harmed = set(texts[: len(parts.chosen)]), set(texts[-5:])
    right, wrong = OracleReranker(answers), OracleReranker(answers, -1)

    def values(query, texts):
        if query in helped:
            return right.values(query, texts)
        return wrong.values(query, texts) if query in harmed else [0.0] * len(texts)

    tuning = tune(searching(retriever, FixedReranker(values)), judged, options(blends=()))
    (doubt,) = [note for note in tuning.warnings if note.code == "gain_not_confirmed"]
    assert doubt.values["queries"] == len(parts.reported)
    assert doubt.values["unseen_gain"] < 0 < doubt.values["gain"]
    assert f"below stage one on the {len(parts.reported)} queries that did not influence its choice" in describe(doubt)


def test_a_budget_that_nothing_keeps_to():
    retriever, judged, answers = world(queries=30)
    tuning = tune(searching(retriever, OracleReranker(answers)), judged, options(budget_ms=0))
    assert tuning.recommended.size is None
    assert tuning.recommended.reason.code == "over_budget"
    assert tuning.recommended.reason in tuning.warnings
    assert "no pool is within 0 ms" in describe(tuning.recommended.reason)
    assert tuning.recommended.reason.values["queries_needed"] == 20  # all 30 count, not only those that choose
    assert tuning.settings == {"rerank": False}
    (lost,) = [note for note in tuning.warnings if note.code == "lost_to_budget"]
    means, stage_one = tuning.curve.means(tuning.measure), tuning.curve.stage_one[tuning.measure].mean()
    assert lost.values["lost"] == pytest.approx(means.max() - stage_one)
    assert f"the budget costs {means.max() - stage_one:.4f} {tuning.measure}" in describe(lost)


def test_a_budget_costs_nothing_if_no_pool_gains():
    retriever, judged, answers = world(queries=30)
    tuning = tune(searching(retriever, OracleReranker(answers, -1)), judged, options(budget_ms=0))
    assert "lost_to_budget" not in [note.code for note in tuning.warnings]


def test_the_blend_changes_only_where_the_interval_says_so():
    retriever, judged, answers = world(queries=60, first=2)
    oracle = OracleReranker(answers, 1.0)
    stays = tune(searching(retriever, TextReranker(), {"dense": 0.0001}), judged, options())
    assert stays.blend == 1.0
    assert stays.blend_reason.code in ("no_better_setting", "setting_kept")
    moved = tune(searching(retriever, oracle, {"dense": 1000.0}), judged, options())
    assert moved.blend == 0.0
    assert moved.blend_reason.code == "setting_changed"
    assert describe(moved.blend_reason).startswith("0 instead of 1")


def test_without_fitted_weights_a_weight_for_the_cosine_is_tried():
    retriever, judged, answers = world(queries=60, first=2)
    pools = {
        query: [replace(hit, signals={"dense": 0.9 if hit.passage.text in answers[query] else 0.1}) for hit in pool]
        for query, pool in retriever.pools.items()
    }
    telling = PoolRetriever(pools)
    tuning = tune(searching(telling, TextReranker()), judged, options(blends=(0.0, 4.0)))
    assert (tuning.curves.derived, tuning.curves.current, tuning.blend) == (True, 0.0, 4.0)
    weight = tuning.settings["weights"]["dense"]
    blended = {"rerank": True, "pool_size": tuning.recommended.size, "blend": 1.0, "weights": {"dense": weight}}
    assert blended.items() <= tuning.settings.items()
    again = searching(telling, TextReranker(), {"dense": weight})
    for place, size in enumerate(SIZES):
        run = evaluate(again, judged, pool_size=size, measures=MEASURES)
        assert tuning.curve.reranked["nDCG@10"][place].tolist() == run.values("reranked", "nDCG@10")


def test_without_any_cosine_the_blend_stays():
    retriever, judged, _ = world(queries=4)
    bare = PoolRetriever(
        {q: [replace(hit, signals={"bm25": 1.0}) for hit in pool] for q, pool in retriever.pools.items()}
    )
    tuning = tune(searching(bare, TextReranker()), judged, options())
    assert tuning.blend_reason == Note("not_tried", setting="blend", reason="no_signals")
    assert "no signal of stage one that a weight applies to" in describe(tuning.blend_reason)
    assert "blend" not in tuning.settings


def test_a_weight_of_a_signal_that_no_hit_has_is_not_shown_and_alone_it_tries_no_blend():
    retriever, judged, _ = world(queries=4)
    weights = {"dense": 8.0, "bm25_share": 12.0}
    pools = {
        query: [replace(hit, signals={"dense": hit.signals["dense"]}) for hit in pool]
        for query, pool in retriever.pools.items()
    }
    tuning = tune(searching(PoolRetriever(pools), TextReranker(), weights), judged, options())
    assert (tuning.curves.weights, tuning.curves.used_weights) == (weights, {"dense": 8.0})
    alone = tune(searching(PoolRetriever(pools), TextReranker(), {"bm25_share": 12.0}), judged, options())
    assert (len(alone.curves.by_blend), alone.blend) == (1, 1.0)
    assert alone.blend_reason == Note("not_tried", setting="blend", reason="no_signals")


def test_a_reranker_that_depends_on_the_pool_tries_no_blend_and_the_reason_is_given():
    retriever, judged, _ = world(queries=4)
    tuning = tune(searching(retriever, ListwiseReranker()), judged, options())
    assert tuning.blend_reason == Note("not_tried", setting="blend", reason="runs_apart")


def test_few_queries_are_not_split_and_that_is_said():
    retriever, judged, _ = world(queries=6)
    tuning = tune(searching(retriever, TextReranker()), judged, options())
    assert tuning.chosen_on == tuning.reported_on
    assert Note("not_split", queries=6) in tuning.warnings


class Interrupting(TextReranker):
    def __init__(self, after, pointwise=True):
        super().__init__(pointwise=pointwise)
        self.after = after

    def score(self, query, texts):
        self.after -= 1
        if self.after < 0:
            raise KeyboardInterrupt
        return super().score(query, texts)


@pytest.mark.parametrize("pointwise", [True, False])
def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path, pointwise):
    retriever, judged, _ = world(queries=12)
    file = tmp_path / "partial.jsonl"
    stopping = Interrupting(7, pointwise)
    whole, rest = TextReranker(pointwise=pointwise), TextReranker(pointwise=pointwise)
    with pytest.raises(KeyboardInterrupt):
        tune(searching(retriever, stopping, WEIGHTS), judged, options(checkpoint=file))
    assert file.is_file()
    resumed = tune(searching(retriever, rest, WEIGHTS), judged, options(checkpoint=file))
    fresh = tune(searching(retriever, whole, WEIGHTS), judged, options())
    assert resumed.curves.resumed == (7 if pointwise else 12 + 7)
    assert rest.scored < whole.scored
    assert not file.exists()
    for measure in MEASURES:
        assert (resumed.curve.reranked[measure] == fresh.curve.reranked[measure]).all()
    assert resumed.settings == fresh.settings


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    retriever, judged, _ = world(queries=5)
    file = tmp_path / "partial.jsonl"
    with pytest.raises(KeyboardInterrupt):
        tune(searching(retriever, Interrupting(2)), judged, options(checkpoint=file))
    with pytest.raises(InvalidInput, match="of another run"):
        tune(searching(retriever, TextReranker()), judged, options(checkpoint=file, sizes=(3,)))
    file.write_text("notes\n")
    with pytest.raises(InvalidInput, match="does not hold partial results"):
        Checkpoint(file, {})


def test_a_star_in_the_name_gives_every_run_a_file_of_its_own(tmp_path):
    for about in ({"a": 1}, {"a": 2}):
        Checkpoint(tmp_path / "x.*.jsonl", about).put("one", about)
    assert len(list(tmp_path.glob("x.*.jsonl"))) == 2
    assert Checkpoint(tmp_path / "x.*.jsonl", {"a": 2}).get("one") == {"a": 2}


def test_a_line_cut_short_by_a_kill_is_dropped(tmp_path):
    file = tmp_path / "partial.jsonl"
    kept = Checkpoint(file, {"a": 1})
    kept.put("one", {"x": 0.1})
    with file.open("a") as out:
        out.write('["two", {"x"')
    again = Checkpoint(file, {"a": 1})
    assert (again.get("one"), again.get("two"), again.resumed) == ({"x": 0.1}, None, 1)
    again.put("two", 2)
    assert Checkpoint(file, {"a": 1}).get("two") == 2


def test_a_kill_at_any_byte_leaves_a_file_that_goes_on(tmp_path):
    file, about = tmp_path / "partial.jsonl", {"a": "é"}
    kept = Checkpoint(file, about)
    kept.put("one", "naïve")
    kept.put("two", "日本語")
    whole = file.read_bytes()
    for end in range(len(whole)):
        file.write_bytes(whole[:end])
        again = Checkpoint(file, about)
        assert again.resumed == max(0, whole[:end].count(b"\n") - 1)
        again.put("one", "naïve")
        again.put("two", "日本語")
        assert Checkpoint(file, about).get("two") == "日本語"


@pytest.mark.parametrize("line", [b'{"one"', b'["one", "\xff"]', b"3", b'["one"]'])
def test_a_damaged_line_in_the_middle_is_named_and_nothing_is_lost(tmp_path, line):
    file = tmp_path / "partial.jsonl"
    Checkpoint(file, {}).put("two", 2)
    head, two = file.read_bytes().splitlines()
    file.write_bytes(damaged := b"\n".join([head, line, two, b'["thr']))
    with pytest.raises(InvalidInput, match=r"partial\.jsonl line 2 is damaged .* delete the line or the file"):
        Checkpoint(file, {})
    assert file.read_bytes() == damaged


def test_a_recorded_pass_survives_json():
    retriever, judged, _ = world(queries=2)
    recorded = record(searching(retriever, TextReranker(), WEIGHTS), "q0", judged.queries["q0"], SIZES, 10)
    assert recorded_from_json(json.loads(json.dumps(recorded_to_json(recorded)))) == recorded
    ranking = recorded.search(5, 10, WEIGHTS)
    assert measured("q0", ranking, judged, [parse("RR@10")], 10).scored == 5


def test_a_query_that_the_reranker_can_not_take_is_named():
    class Picky(TextReranker):
        def score(self, query, texts):
            raise InvalidInput("Shorten the query")

    retriever, judged, _ = world(queries=2)
    with pytest.raises(InvalidInput, match="query 'q0': Shorten the query"):
        tune(searching(retriever, Picky()), judged, options())


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"sizes": ()}, "sizes must be pool sizes of at least 1"),
        ({"sizes": (0, 5)}, "sizes must be pool sizes of at least 1"),
        ({"sizes": (5, 10**12)}, "sizes is 1000000000000: use at most"),
        ({"blends": (-1.0,)}, "blends must be from 0 to 1,000,000, not -1.0"),
        ({"timed": 99}, "timed must be from 1 to 3 queries"),
        ({"measures": ("x",)}, "measure 'x' is unknown"),
        ({"measures": ("AP",)}, "give a cutoff, such as AP@100"),
    ],
)
def test_bad_options(given_, message):
    retriever, judged, _ = world(queries=3)
    with pytest.raises(InvalidInput, match=message):
        tune(searching(retriever, TextReranker()), judged, options(**given_))


def test_no_reranker():
    retriever, judged, _ = world(queries=3)
    with pytest.raises(InvalidInput, match="has no reranker, so there is nothing to tune"):
        tune(searching(retriever), judged)


def test_progress_reaches_its_total():
    retriever, judged, _ = world(queries=4)
    seen = []
    tune(
        searching(retriever, TextReranker()), judged, options(), progress=lambda done, total: seen.append((done, total))
    )
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
