"""The adaptive pool: what a trace says is what a search does, and the fitted threshold keeps its risk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.errors import InvalidInput
from shortlist.evaluation.calibration.adaptive import Risk, effect, fit_stop_rule
from shortlist.evaluation.calibration.calibrate import CalibrateOptions, calibrate
from shortlist.evaluation.calibration.risk import hoeffding_bentkus
from shortlist.evaluation.calibration.traces import Trace, trace_of
from shortlist.evaluation.evaluate import evaluate
from shortlist.evaluation.metrics.measures import parse
from shortlist.evaluation.replay.checkpoint import Checkpoint
from shortlist.evaluation.replay.scoring_pass import record
from shortlist.search.stopping import Guarantee, StopRule
from shortlist.types import Note
from shortlist.wording import describe
from worlds import ListwiseReranker, OracleReranker, TextReranker, searching, whole_ranking, world

WEIGHTS = {"dense": 3.0, "bm25_share": 1.5}


class FixedRule:
    """Fits with one stop rule for all weights."""

    def __init__(self, rule):
        self.rule = rule

    def stop_rule(self, weights, expand=None):
        return self.rule, []


def with_rule(search, rule):
    return replace(search, fits=FixedRule(rule))


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
        fitted = fit_stop_rule([traces[i] for i in order[:200]], StopRule(100, 10, None), Risk("nDCG@10", 0.1, 0.05))
        loss, size = effect([traces[i] for i in order[200:]], fitted.rule.threshold)
        kept += loss <= 0.1
        stopped += fitted.certified
        sizes.append(size)
    assert kept >= 95
    assert stopped == 100
    assert np.mean(sizes) < 80


def losses_at(traces, thresholds, kind="losses"):
    """The mean loss at each threshold, counted over all traces at once."""
    demands = np.array([trace.demands for trace in traces])
    losses = np.array([getattr(trace, kind) for trace in traces])
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
    fitted = [
        fit_stop_rule(traces, StopRule(100, 10, None), Risk("nDCG@10", 0.1, 0.1)).rule.threshold for traces in draws
    ]
    assert None not in fitted
    assert (losses_at(truth, fitted) > 0.1).sum() <= 6


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
    fitted = fit_stop_rule(traces, StopRule(100, 10, None), Risk("nDCG@10", alpha, 0.1))
    seen = sorted({float(demand) for trace in traces for demand in trace.demands[:-1]})
    fine = [hoeffding_bentkus(float(loss), 50, alpha) <= 0.1 for loss in losses_at(traces, seen, "worst")]
    allowed = [threshold for place, threshold in enumerate(seen) if all(fine[place:])]
    assert fitted.rule.threshold == (min(allowed) if allowed else None)
    if fitted.rule.threshold is not None:
        assert fitted.loss <= alpha


def test_too_few_queries_certify_nothing_and_the_whole_pool_stays():
    fitted = fit_stop_rule(drawn(58, 0), StopRule(100, 10, None), Risk("nDCG@10", 0.05, 0.05))
    assert not fitted.certified
    assert fitted.rule.threshold is None
    assert fitted.rule.guarantee == Guarantee("nDCG@10", 0.05, 0.05, 58, 59)
    assert (fitted.note.values["result"], fitted.note.values["queries_needed"]) == ("too_few_queries", 59)
    assert "needs at least 59 queries" in describe(fitted.note)
    assert (fitted.loss, fitted.scored) == (0.0, 100.0)
    assert fit_stop_rule([], StopRule(100, 10, None), Risk("nDCG@10")).rule.threshold is None


@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 10_000),
    st.floats(-2, 4),
    st.integers(1, 7),
    st.integers(1, 6),
    st.sampled_from(["nDCG@5", "overlap"]),
)
def test_a_trace_equals_a_search(seed, threshold, block, top_k, measure):
    retriever, judged, _ = world(queries=4, passages=24, seed=seed)
    rule = StopRule(20, top_k, threshold, block)
    search = with_rule(searching(retriever, TextReranker(), WEIGHTS), rule)
    for query_id, query in judged.queries.items():
        trace = trace_of(record(search, query_id, query, (20,), 20), judged, measure, rule, WEIGHTS)
        if trace is None:
            continue
        stop = trace.stop(threshold)
        ranking = whole_ranking(search, query, "auto", 24)
        whole = whole_ranking(search, query, 20, 24)
        assert ranking.scored == trace.sizes[stop]
        assert [hit.rank for hit in ranking.hits] == list(range(1, 25))
        ids, others = ([judged.key(hit) for hit in ranking] for ranking in (ranking, whole))
        if measure == "overlap":
            assert trace.losses[stop] == pytest.approx(1 - len(set(ids[:top_k]) & set(others[:top_k])) / top_k)
        else:
            grades = judged.qrels[query_id]
            lost = parse(measure).of(others, grades) - parse(measure).of(ids, grades)
            assert trace.losses[stop] == pytest.approx(max(lost, 0.0))


def test_losses_bound_by_the_worst_never_rise_with_the_size():
    for trace in drawn(50, 1):
        assert (np.diff(trace.worst) <= 0).all()
        assert (trace.worst >= trace.losses).all()


def test_calibrate_from_one_pass_and_its_rule_scores_less(tmp_path):
    retriever, judged, answers = world(queries=80, passages=30)
    reranker = OracleReranker(answers)
    search = searching(retriever, reranker, WEIGHTS)
    reports = []
    options = CalibrateOptions(30, top_k=3, block=3, measure="nDCG@3", alpha=0.2, checkpoint=tmp_path / "partial.jsonl")
    rules = calibrate(search, judged, options, progress=lambda *counts: reports.append(counts))
    assert reranker.scored <= 80 * 30 + 30  # the pass, and the pairs that are scored again
    assert reports[-1] == (80 * 30, 80 * 30)
    assert rules.stop_rule.certified
    assert rules.stop_rule.scored < rules.stop_rule.whole == 30
    assert rules.probabilities.log_loss["isotonic"] < rules.probabilities.log_loss["base rate"]
    assert not (tmp_path / "partial.jsonl").exists()
    adaptive = with_rule(search, rules.stop_rule.rule)
    measured = evaluate(adaptive, judged, pool_size="auto", measures=("nDCG@3",), cutoff=3)
    whole = evaluate(search, judged, pool_size=30, measures=("nDCG@3",), cutoff=3)
    assert measured.pool_size == whole.pool_size == 30
    lost = np.maximum(np.array(whole.values("reranked", "nDCG@3")) - measured.values("reranked", "nDCG@3"), 0)
    assert lost.mean() == pytest.approx(rules.stop_rule.loss)
    assert np.mean([outcome.scored for outcome in measured.outcomes]) == pytest.approx(rules.stop_rule.scored)
    assert not any(
        outcome.failure.kind == "ranked out" for outcome in measured.outcomes if outcome.failure.final_rank == 30
    )


class Skipping(OracleReranker):
    def skip_reason(self, query):
        return Note("rerank_skipped", reason="too long") if query.endswith(("1", "3")) else None


def test_skipped_queries_and_those_without_an_answer_have_no_part():
    retriever, judged, answers = world(queries=80, passages=30)
    first = next(key for key, query in judged.queries.items() if query.endswith("0"))
    judged = replace(judged, qrels={**judged.qrels, first: {"p1": 0}})
    rules = calibrate(searching(retriever, Skipping(answers)), judged, CalibrateOptions(30, top_k=3, block=3))
    assert (rules.skipped, rules.without_relevant, rules.queries) == (16, 1, 80)
    assert rules.stop_rule.queries == 80 - 16 - 1
    overlap = calibrate(
        searching(retriever, Skipping(answers)), judged, CalibrateOptions(30, top_k=3, measure="overlap")
    )
    assert (overlap.stop_rule.queries, overlap.stop_rule.risk.measure) == (64, "overlap@3")


def test_an_interrupted_pass_goes_on(tmp_path):
    retriever, judged, answers = world(queries=20, passages=30)
    options = CalibrateOptions(30, top_k=3, checkpoint=tmp_path / "partial.jsonl")

    def interrupt(done, total):
        if done >= 7 * 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        calibrate(searching(retriever, OracleReranker(answers)), judged, options, progress=interrupt)
    reranker = OracleReranker(answers)
    rules = calibrate(searching(retriever, reranker), judged, options)
    assert rules.resumed == 7
    assert reranker.scored == 13 * 30 + 30
    assert not (tmp_path / "partial.jsonl").exists()
    few = world(queries=2, passages=30)
    with pytest.raises(InvalidInput, match="too few"):
        calibrate(searching(few[0], OracleReranker(few[2])), few[1], options)
    assert not (tmp_path / "partial.jsonl").exists()
    Checkpoint(tmp_path / "partial.jsonl", {}).put("x", 1)
    with pytest.raises(InvalidInput, match="another run"):
        calibrate(searching(retriever, OracleReranker(answers)), judged, options)


@pytest.mark.parametrize(
    ("reranker", "options", "message"),
    [
        (None, CalibrateOptions(), "no reranker, so there are no scores to calibrate"),
        (ListwiseReranker(), CalibrateOptions(), "scores a pool as a whole"),
        (ListwiseReranker(pointwise=True), CalibrateOptions(30), "its scores differ by up to"),
        (
            TextReranker(),
            CalibrateOptions(5, top_k=6),
            "the largest pool must hold the first 6: a pool_size of 5 is too small",
        ),
        (TextReranker(), CalibrateOptions(30, alpha=0), "alpha must be between 0 and 1"),
        (TextReranker(), CalibrateOptions(30, delta=1), "delta must be between 0 and 1"),
        (TextReranker(), CalibrateOptions(30, measure="mrr"), "measure 'mrr' is called RR here"),
        (TextReranker(), CalibrateOptions(10**12), "pool_size is 1000000000000: use at most"),
        (TextReranker(), CalibrateOptions(30, block=0), "block of at least 1"),
    ],
)
def test_what_can_not_be_fitted_is_said(reranker, options, message):
    retriever, judged, _ = world(queries=6)
    with pytest.raises(InvalidInput, match=message):
        calibrate(searching(retriever, reranker), judged, options)
