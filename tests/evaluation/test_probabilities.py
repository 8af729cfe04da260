"""Isotonic and Platt curves against brute force and known values, and how they are chosen and shown."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.errors import InvalidInput
from shortlist.evaluation.calibration.isotonic import fit_isotonic, pool_adjacent
from shortlist.evaluation.calibration.platt import fit_platt, sigmoid
from shortlist.evaluation.calibration.probabilities import (
    Labelled,
    fit_probabilities,
    labelled,
    log_loss,
    probabilities,
)
from shortlist.evaluation.metrics.reliability import best_threshold, calibration_error, reliability, thresholds
from shortlist.search.probability import Isotonic, Platt
from worlds import hits, world


def brute_isotonic(values, weights):
    """The best non-decreasing fit over every way to cut the list into stretches of one mean each."""
    best, kept = np.inf, None
    for cuts in itertools.product([False, True], repeat=len(values) - 1):
        edges = [0, *(place + 1 for place, cut in enumerate(cuts) if cut), len(values)]
        fitted = np.concatenate(
            [np.full(b - a, np.average(values[a:b], weights=weights[a:b])) for a, b in itertools.pairwise(edges)]
        )
        if (np.diff(fitted) >= -1e-12).all():
            loss = float((weights * (values - fitted) ** 2).sum())
            if loss < best - 1e-12:
                best, kept = loss, fitted
    return kept


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3)), min_size=1, max_size=8))
def test_pooling_finds_the_best_non_decreasing_fit(rows):
    values = np.array([value / 4 for value, _ in rows])
    weights = np.array([float(weight) for _, weight in rows])
    assert pool_adjacent(values, weights) == pytest.approx(brute_isotonic(values, weights))


def test_pooling_by_hand_and_of_nothing():
    assert pool_adjacent(np.array([1.0, 3, 2, 4, 3, 3]), np.ones(6)).tolist() == pytest.approx(
        [1, 2.5, 2.5, 10 / 3, 10 / 3, 10 / 3]
    )
    assert len(pool_adjacent(np.array([]), np.array([]))) == 0


def test_the_isotonic_curve_shares_ties_and_keeps_off_0_and_1():
    scores, values = fit_isotonic([1, 1, 2, 3, 4, 5], [0, 1, 0, 1, 1, 1])
    # 1 (twice) and 2 violate the order and share 1/3; from 3 on all are relevant, n is 6.
    assert scores.tolist() == [1, 2, 3, 5]
    assert values.tolist() == pytest.approx([1 / 3, 1 / 3, 1 - 1 / 8, 1 - 1 / 8])
    curve = Isotonic(tuple(scores), tuple(values))
    assert [curve.of(score) for score in (-9, 1.5, 3, 99)] == pytest.approx([1 / 3, 1 / 3, 7 / 8, 7 / 8])
    assert curve.of(2.5) == pytest.approx((1 / 3 + 7 / 8) / 2)


@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=1, max_size=30))
def test_an_isotonic_curve_never_falls(rows):
    scores, values = fit_isotonic([float(s) for s, _ in rows], [float(y) for _, y in rows])
    assert (np.diff(scores) > 0).all()
    assert (np.diff(values) >= 0).all()
    curve = Isotonic(tuple(scores), tuple(values))
    values = [curve.of(x) for x in np.linspace(-7, 7, 57)]
    assert all(a <= b + 1e-12 for a, b in itertools.pairwise(values))


def grid_loss(scores, labels, slope, offset):
    ones, zeros = sum(labels), len(labels) - sum(labels)
    targets = np.where(np.array(labels) > 0, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    chances = 1 / (1 + np.exp(-(slope * np.array(scores) + offset)))
    return -(targets * np.log(chances) + (1 - targets) * np.log(1 - chances)).sum()


def test_platt_finds_the_least_loss_of_a_fine_grid():
    scores = [-2.0, -1.5, -0.5, 0.1, 0.3, 1.2, 1.9, 2.5]
    labels = [0, 0, 1, 0, 1, 0, 1, 1]
    slope, offset = fit_platt(scores, labels)
    here = grid_loss(scores, labels, slope, offset)
    around = [(grid_loss(scores, labels, a, b), a, b) for a in np.linspace(0, 3, 76) for b in np.linspace(-2, 2, 101)]
    least, a, b = min(around)
    assert here <= least + 1e-9
    assert (slope, offset) == (pytest.approx(a, abs=0.05), pytest.approx(b, abs=0.05))


def test_platt_recovers_the_curve_that_made_the_labels():
    draw = np.random.default_rng(1)
    scores = draw.normal(3, 4, 40_000)
    labels = (draw.random(40_000) < 1 / (1 + np.exp(-(0.8 * scores - 2)))).astype(float)
    assert fit_platt(scores, labels) == (pytest.approx(0.8, abs=0.03), pytest.approx(-2, abs=0.08))


def test_platt_is_finite_where_a_score_parts_the_labels_and_level_where_it_is_upside_down():
    slope, offset = fit_platt([1.0, 2, 3, 4], [0, 0, 1, 1])
    assert 0 < slope < 10
    # 2 and 2: targets 3/4 and 1/4, so each side is fitted to about its own.
    assert sigmoid(np.array([slope * 4 + offset]))[0] < 0.95
    slope, offset = fit_platt([4.0, 3, 2, 1], [0, 0, 1, 1])
    assert (slope, offset) == (0.0, pytest.approx(0.0))
    assert fit_platt([2.0, 2, 2, 2], [0, 0, 0, 1])[0] == 0.0


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1]])
def test_one_class_gives_no_platt_curve(labels):
    with pytest.raises(InvalidInput, match="a curve needs both kinds"):
        fit_platt([1.0, 2.0, 3.0], labels)


def drawn(queries=60, pool=30, seed=0, slope=1.0, shape="logistic"):
    draw = np.random.default_rng(seed)
    scores = draw.normal(0, 2, queries * pool)
    chances = 1 / (1 + np.exp(-(slope * scores - 3))) if shape == "logistic" else np.where(scores > 1.7, 0.5, 0.02)
    labels = (draw.random(queries * pool) < chances).astype(float)
    return Labelled(scores, labels, np.repeat(np.arange(queries), pool))


def test_the_curve_with_the_smaller_held_out_loss_is_chosen_and_both_beat_the_base_rate():
    smooth, stepped = fit_probabilities(drawn()), fit_probabilities(drawn(200, 60, shape="step"))
    assert (smooth.method, stepped.method) == ("platt", "isotonic")
    for fitted in (smooth, stepped):
        assert fitted.log_loss[fitted.method] < fitted.log_loss["base rate"]
        assert calibration_error(reliability(fitted.held_out, fitted.labelled.labels)) < 0.02
    assert isinstance(fit_probabilities(drawn(), "isotonic").calibration, Isotonic)
    assert isinstance(smooth.calibration, Platt)


def test_held_out_probabilities_never_come_from_a_curve_that_saw_the_query():
    """Turning one query's labels over moves every other fold's curve, and not its own fold's."""
    data = drawn()
    before = fit_probabilities(data, "platt").held_out
    changed = replace(data, labels=np.where(data.queries == 7, 1 - data.labels, data.labels))
    same = fit_probabilities(changed, "platt").held_out == before
    assert same[data.queries == 7].all()
    assert not same.all()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0.0] * 40, "all 40 scored passages are not relevant"),
        ([1.0] * 40, "all 40 scored passages are relevant"),
        ([1.0] * 9 + [0.0] * 31, "9 relevant passages among the 40 scored passages are too few"),
        ([], "no passage was scored and judged"),
    ],
)
def test_too_few_labels_have_a_clear_outcome(labels, message):
    with pytest.raises(InvalidInput, match=message):
        fit_probabilities(Labelled(np.arange(float(len(labels))), np.array(labels), np.arange(len(labels)) // 4))


def test_relevant_passages_of_one_query_are_too_few():
    with pytest.raises(InvalidInput, match="belong to one query"):
        fit_probabilities(Labelled(np.arange(40.0), np.array([1.0] * 10 + [0.0] * 30), np.arange(40) // 20))


def test_other_passages_of_one_query_are_too_few_and_those_of_two_are_dealt_to_two_folds():
    scores, queries = np.random.default_rng(0).normal(size=60), np.tile(np.arange(20), 3)
    labels = np.ones(60)
    labels[queries == 0] = 0
    with pytest.raises(InvalidInput, match="all passages that are not relevant belong to one query"):
        fit_probabilities(Labelled(scores, labels, queries))
    for other in range(1, 20):
        labels = np.where((queries == 0) | (queries == other), 0.0, 1.0)
        for seed in range(5):
            assert np.isfinite(fit_probabilities(Labelled(scores, labels, queries), seed=seed).held_out).all()
    labels[0] = 1.0
    assert np.isfinite(fit_probabilities(Labelled(scores, labels, queries)).held_out).all()


def test_unjudged_passages_count_as_not_relevant_or_are_left_out():
    _, judged, _ = world(queries=2, passages=6)
    query_id = next(iter(judged.queries))
    pool = hits(pool_passages(), [{}] * 4)
    pool = [replace(hit, rerank_score=1.0, score=9.0 - hit.rank) for hit in pool]
    judged = replace(judged, qrels={query_id: {"a": 2, "b": 0}})
    every = labelled([(query_id, pool)], judged)
    assert (every.scores.tolist(), every.labels.tolist(), every.unjudged) == ([8, 7, 6, 5], [1, 0, 0, 0], 2)
    only = labelled([(query_id, pool)], judged, judged_only=True)
    assert (only.labels.tolist(), only.unjudged) == ([1, 0], 0)
    assert (only.left_out.tolist(), only.left_out_queries.tolist()) == ([6, 5], [0, 0])
    documents = replace(judged, level="document", qrels={query_id: {"d": 1}})
    best = labelled([(query_id, pool)], documents)
    assert (best.scores.tolist(), best.labels.tolist()) == ([8, 5], [1, 0])
    unscored = [replace(hit, rerank_score=None) for hit in pool]
    assert not len(labelled([(query_id, unscored)], judged).labels)


def pool_passages():
    from shortlist.types import Passage

    return [Passage("a", "", "d"), Passage("b", "", "d"), Passage("c", "", "d"), Passage("e", "", "f")]


def test_a_query_that_still_shows_an_unjudged_passage_is_not_silent():
    every = drawn()
    judged = every.queries % 6 > 0
    judged &= np.arange(len(judged)) % 3 > 0
    only = replace(
        every,
        scores=every.scores[judged],
        labels=every.labels[judged],
        queries=every.queries[judged],
        left_out=every.scores[~judged],
        left_out_queries=every.queries[~judged],
    )
    fitted = fit_probabilities(only, "platt")
    assert len(fitted.left_out) == (~judged).sum()
    for threshold in thresholds(fitted.held_out, only.labels, only.queries, unlabelled=fitted.unlabelled):
        best = dict.fromkeys(range(60), 0.0)
        for number, chance in zip(only.queries, fitted.held_out, strict=True):
            best[number] = max(best[number], chance)
        labelled_alone = sum(chance < threshold.least for number, chance in best.items() if number % 6)
        for number, chance in zip(only.left_out_queries, fitted.left_out, strict=True):
            best[number] = max(best[number], chance)
        assert threshold.silent == sum(chance < threshold.least for chance in best.values())
        assert threshold.kept == (fitted.held_out >= threshold.least).sum()
        if threshold.least == 0.5:
            assert threshold.silent < labelled_alone


def test_a_left_out_passage_gets_its_probability_from_a_curve_that_did_not_see_its_query():
    data = drawn()
    with_left_out = replace(
        data, left_out=data.scores[data.queries == 7], left_out_queries=data.queries[data.queries == 7]
    )
    fitted = fit_probabilities(with_left_out, "platt")
    assert fitted.left_out.tolist() == fitted.held_out[data.queries == 7].tolist()
    assert fitted.held_out.tolist() == fit_probabilities(data, "platt").held_out.tolist()


def test_reliability_and_its_error_by_hand():
    chances, labels = np.array([0.05, 0.08, 0.5, 0.55, 1.0]), np.array([0.0, 1, 1, 0, 1])
    bins = reliability(chances, labels)
    assert [(part.low, part.passages, part.relevant) for part in bins] == [(0.0, 2, 0.5), (0.5, 2, 0.5), (0.9, 1, 1.0)]
    expected = (2 * abs(0.065 - 0.5) + 2 * abs(0.525 - 0.5) + 0) / 5
    assert calibration_error(bins) == pytest.approx(expected)
    assert calibration_error([]) == 0.0


def test_thresholds_by_hand():
    chances = np.array([0.9, 0.4, 0.6, 0.1, 0.3, 0.2])
    labels = np.array([1.0, 0, 0, 1, 0, 0])
    queries = np.array([0, 0, 1, 1, 2, 2])
    (threshold,) = thresholds(chances, labels, queries, [0.5])
    assert (threshold.kept, threshold.precision, threshold.recall) == (2, 0.5, 0.5)
    assert (threshold.silent, threshold.silent_precision, threshold.silent_recall) == (1, 1.0, 1.0)
    (all_gone,) = thresholds(chances, labels, queries, [0.95])
    assert (all_gone.kept, all_gone.precision, all_gone.recall, all_gone.silent) == (0, 1.0, 0.0, 3)
    assert all_gone.silent_precision == pytest.approx(1 / 3)


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=25))
def test_the_best_threshold_has_the_highest_f1(rows):
    chances = np.array([chance / 10 for chance, _ in rows])
    labels = np.array([float(label) for _, label in rows])
    queries = np.arange(len(rows)) % 3
    every = thresholds(chances, labels, queries, sorted(set(chances.tolist())))
    assert best_threshold(chances, labels, queries).f1 == pytest.approx(max(threshold.f1 for threshold in every))


def test_log_loss_of_certainty_is_finite():
    assert log_loss(np.array([0.0, 1.0]), np.array([0.0, 1.0])) == pytest.approx(0, abs=1e-9)
    assert np.isfinite(log_loss(np.array([1.0]), np.array([0.0])))
    assert probabilities(Platt(1.0, 0.0), np.array([0.0, 800.0, -800.0])).tolist() == [0.5, 1.0, 0.0]
