"""The adaptive pool: what a trace says is what a search does, and the fitted threshold keeps its risk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.errors import InvalidInput
from shortlist.evaluation.calibration.adaptive import Risk, fit, outcome
from shortlist.evaluation.calibration.calibrate import Wanted, calibrate
from shortlist.evaluation.calibration.risk import hoeffding_bentkus
from shortlist.evaluation.calibration.traces import Trace, trace
from shortlist.evaluation.evaluate import evaluate
from shortlist.evaluation.metrics.measures import parse
from shortlist.evaluation.replay.checkpoint import Checkpoint
from shortlist.evaluation.replay.scoring_pass import record
from shortlist.search.pipeline import Shortlist
from shortlist.search.stopping import StopRule
from worlds import ListwiseReranker, OracleReranker, TextReranker, world

WEIGHTS = {"dense": 3.0, "bm25_share": 1.5}


def drawn(queries, seed):
    """Synthetic traces: a stop loses more where the demand is low, and now and then whatever the demand is."""
    draw = np.random.default_rng(seed)
    sizes = np.array([16, 32, 48, 64, 80, 96, 100])
    out = []
    for number in range(queries):
        demands = np.append(draw.normal(1, 1) + np.linspace(0, 2, 6) + draw.normal(0, 0.5, 6), -np.inf)
        odds = np.append(np.exp(-np.maximum(demands[:-1], 0)) * 0.5, 0)
        losses = np.where(draw.random(7) < odds, draw.choice([0.1, 0.3, 1.0], 7), 0.0)
        losses[-1] = 0.0
        out.append(Trace(f"q{number}", demands, sizes, losses, np.maximum.accumulate(losses[::-1])[::-1]))
    return out


def test_the_risk_is_kept_in_at_least_95_of_100_random_splits():
    traces, draw = drawn(400, 3), np.random.default_rng(0)
    kept, stopped, sizes = 0, 0, []
    for _ in range(100):
        order = draw.permutation(len(traces))
        made = fit([traces[i] for i in order[:200]], StopRule(100, 10, None), Risk("nDCG@10", 0.1, 0.05))
        loss, size = outcome([traces[i] for i in order[200:]], made.rule.threshold)
        kept += loss <= 0.1
        stopped += made.certified
        sizes.append(size)
    assert kept >= 95
    assert stopped == 100
    assert np.mean(sizes) < 80


def losses_at(traces, thresholds, kind="losses"):
    """The mean loss at each threshold, counted over all traces at once."""
    demands = np.array([one.demands for one in traces])
    losses = np.array([getattr(one, kind) for one in traces])
    rows = np.arange(len(traces))
    out = []
    for threshold in thresholds:
        reached = demands >= threshold
        reached[:, -1] = True
        out.append(losses[rows, reached.argmax(axis=1)].mean())
    return np.array(out)


@pytest.fixture(scope="module")
def fits():
    """60 draws of 120 queries, and many other queries that stand for the truth."""
    return [drawn(120, 1000 + seed) for seed in range(60)], drawn(3000, 99)


def test_a_wrong_certificate_is_as_rare_as_delta_says(fits):
    draws, truth = fits
    made = [fit(traces, StopRule(100, 10, None), Risk("nDCG@10", 0.1, 0.1)).rule.threshold for traces in draws]
    assert None not in made
    assert (losses_at(truth, made) > 0.1).sum() <= 6


def test_a_threshold_that_ignores_the_bound_would_break_the_promise(fits):
    """The test above can fail: the smallest threshold with mean loss alpha on the fit itself is wrong more often."""
    draws, truth = fits
    naive = []
    for traces in draws:
        seen = np.linspace(-1, 4, 100)
        naive.append(seen[losses_at(traces, seen) <= 0.1].min())
    assert (losses_at(truth, naive) > 0.1).sum() > 6


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.05, 0.1, 0.3]))
def test_the_fitted_threshold_is_the_smallest_that_is_allowed(seed, alpha):
    traces = drawn(50, seed)
    made = fit(traces, StopRule(100, 10, None), Risk("nDCG@10", alpha, 0.1))
    seen = sorted({float(one) for trace_ in traces for one in trace_.demands[:-1]})
    fine = [hoeffding_bentkus(float(loss), 50, alpha) <= 0.1 for loss in losses_at(traces, seen, "worst")]
    allowed = [threshold for place, threshold in enumerate(seen) if all(fine[place:])]
    assert made.rule.threshold == (min(allowed) if allowed else None)
    if made.rule.threshold is not None:
        assert made.loss <= alpha


def test_too_few_queries_certify_nothing_and_the_whole_pool_stays():
    made = fit(drawn(58, 0), StopRule(100, 10, None), Risk("nDCG@10", 0.05, 0.05))
    assert not made.certified
    assert made.rule.threshold is None
    assert "nothing can be certified: 58 queries" in made.rule.promise
    assert "needs at least 59" in made.rule.promise
    assert (made.loss, made.scored) == (0.0, 100.0)
    assert fit([], StopRule(100, 10, None), Risk("nDCG@10")).rule.threshold is None


@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 10_000),
    st.floats(-2, 4),
    st.integers(1, 7),
    st.integers(1, 6),
    st.sampled_from(["nDCG@5", "overlap"]),
)
def test_what_a_trace_says_is_what_a_search_does(seed, threshold, block, k, measure):
    retriever, judged, _ = world(queries=4, passages=24, seed=seed)
    shortlist = Shortlist(retriever, TextReranker(), weights=WEIGHTS)
    rule = StopRule(20, k, threshold, block)
    for query_id, query in judged.queries.items():
        made = trace(record(shortlist, query_id, query, (20,), 20), judged, measure, rule, WEIGHTS)
        if made is None:
            continue
        stop = made.stop(threshold)
        found = shortlist.search(query, pool_size=rule, k=24, tail=True)
        whole = shortlist.search(query, pool_size=20, k=24, tail=True)
        assert found.scored == made.sizes[stop]
        assert [hit.rank for hit in found.hits] == list(range(1, 25))
        ids, others = ([judged.key(hit) for hit in one.hits] for one in (found, whole))
        if measure == "overlap":
            assert made.losses[stop] == pytest.approx(1 - len(set(ids[:k]) & set(others[:k])) / k)
        else:
            grades = judged.qrels[query_id]
            lost = parse(measure).of(others, grades) - parse(measure).of(ids, grades)
            assert made.losses[stop] == pytest.approx(max(lost, 0.0))


def test_losses_bound_by_the_worst_never_rise_with_the_size():
    for one in drawn(50, 1):
        assert (np.diff(one.worst) <= 0).all()
        assert (one.worst >= one.losses).all()


def test_calibrate_from_one_pass_and_its_rule_scores_less(tmp_path):
    retriever, judged, answers = world(queries=80, passages=30)
    reranker = OracleReranker(answers)
    shortlist = Shortlist(retriever, reranker, weights=WEIGHTS)
    told = []
    wanted = Wanted(30, k=3, block=3, measure="nDCG@3", alpha=0.2, checkpoint=tmp_path / "partial.jsonl")
    found = calibrate(shortlist, judged, wanted, progress=lambda *one: told.append(one))
    assert reranker.scored <= 80 * 30 + 30  # the pass, and the pairs that are scored again
    assert told[-1] == (80 * 30, 80 * 30)
    assert found.adaptive.certified
    assert found.adaptive.scored < found.adaptive.whole == 30
    assert found.calibrated.log_loss["isotonic"] < found.calibrated.log_loss["base rate"]
    assert not (tmp_path / "partial.jsonl").exists()
    measured = evaluate(shortlist, judged, pool_size=found.adaptive.rule, measures=("nDCG@3",), k=3)
    whole = evaluate(shortlist, judged, pool_size=30, measures=("nDCG@3",), k=3)
    lost = np.maximum(np.array(whole.values("reranked", "nDCG@3")) - measured.values("reranked", "nDCG@3"), 0)
    assert lost.mean() == pytest.approx(found.adaptive.loss)
    assert np.mean([one.scored for one in measured.outcomes]) == pytest.approx(found.adaptive.scored)
    assert not any(one.failure.kind == "ranked out" for one in measured.outcomes if one.failure.final_rank == 30)


class Declining(OracleReranker):
    def declines(self, query):
        return "too long" if query.endswith(("1", "3")) else ""


def test_declined_queries_and_those_without_an_answer_have_no_part():
    retriever, judged, answers = world(queries=80, passages=30)
    first = next(key for key, query in judged.queries.items() if query.endswith("0"))
    judged = replace(judged, qrels={**judged.qrels, first: {"p1": 0}})
    found = calibrate(Shortlist(retriever, Declining(answers)), judged, Wanted(30, k=3, block=3))
    assert (found.declined, found.barren, found.queries) == (16, 1, 80)
    assert found.adaptive.queries == 80 - 16 - 1
    overlap = calibrate(Shortlist(retriever, Declining(answers)), judged, Wanted(30, k=3, measure="overlap"))
    assert (overlap.adaptive.queries, overlap.adaptive.risk.measure) == (64, "overlap@3")


def test_an_interrupted_pass_goes_on(tmp_path):
    retriever, judged, answers = world(queries=20, passages=30)
    wanted = Wanted(30, k=3, checkpoint=tmp_path / "partial.jsonl")

    def interrupt(done, total):
        if done >= 7 * 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        calibrate(Shortlist(retriever, OracleReranker(answers)), judged, wanted, progress=interrupt)
    reranker = OracleReranker(answers)
    found = calibrate(Shortlist(retriever, reranker), judged, wanted)
    assert found.resumed == 7
    assert reranker.scored == 13 * 30 + 30
    assert not (tmp_path / "partial.jsonl").exists()
    few = world(queries=2, passages=30)
    with pytest.raises(InvalidInput, match="too few"):
        calibrate(Shortlist(few[0], OracleReranker(few[2])), few[1], wanted)
    assert not (tmp_path / "partial.jsonl").exists()
    Checkpoint(tmp_path / "partial.jsonl", {}).put("x", 1)
    with pytest.raises(InvalidInput, match="another run"):
        calibrate(Shortlist(retriever, OracleReranker(answers)), judged, wanted)


@pytest.mark.parametrize(
    ("reranker", "wanted", "message"),
    [
        (None, Wanted(), "no reranker whose scores could be calibrated"),
        (ListwiseReranker(), Wanted(), "scores a pool as a whole"),
        (ListwiseReranker(pointwise=True), Wanted(30), "its scores move by up to"),
        (TextReranker(), Wanted(5, k=6), "the largest pool has to hold the first 6: 5 is too small"),
        (TextReranker(), Wanted(30, alpha=0), "alpha must lie between 0 and 1"),
        (TextReranker(), Wanted(30, delta=1), "delta must lie between 0 and 1"),
        (TextReranker(), Wanted(30, measure="mrr"), "measure 'mrr' is called RR here"),
        (TextReranker(), Wanted(30, block=0), "block from 1"),
    ],
)
def test_what_can_not_be_fitted_is_said(reranker, wanted, message):
    retriever, judged, _ = world(queries=6)
    with pytest.raises(InvalidInput, match=message):
        calibrate(Shortlist(retriever, reranker), judged, wanted)
