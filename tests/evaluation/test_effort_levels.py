"""The effort levels of a tuning."""

from dataclasses import replace

import numpy as np
import pytest

from shortlist import config
from shortlist.evaluation.tuning.efforts import effort_levels
from shortlist.evaluation.tuning.latency import Latency
from shortlist.evaluation.tuning.options import TuneOptions
from shortlist.evaluation.tuning.recommend import within_budget
from shortlist.evaluation.tuning.sweep import Curve
from shortlist.evaluation.tuning.tune import tune
from shortlist.wording import describe
from worlds import OracleReranker, searching, world

MEASURE = "nDCG@10"
SIZES = (5, 10, 20, 40)


def curve(means, stage_one=0.2, sizes=SIZES):
    """A curve whose queries all have the same values."""
    rows = np.array([[mean] * 4 for mean in means])
    values = {MEASURE: rows}
    return Curve(1.0, sizes, ("a", "b", "c", "d"), {MEASURE: np.array([stage_one] * 4)}, values, values, rows)


LATENCY = {size: Latency((0.0,) * 4, (size / 1000,) * 4) for size in SIZES}


def levels(means, budget_ms=None, **given):
    found = effort_levels(curve(means, **given), curve(means, **given), MEASURE, LATENCY, budget_ms)
    return {level.name: level.size for level in found}


def test_high_is_best_mid_is_near_it_and_low_has_most_of_the_gain():
    assert levels([0.5, 0.56, 0.599, 0.6]) == {"low": 10, "mid": 40, "high": 40}
    varied = curve([0.5, 0.58, 0.6, 0.61])
    noise = np.array([0.05, -0.05, 0.05, -0.05])
    values = {MEASURE: varied.reranked[MEASURE] + np.outer([0, 1, 1, -1], noise)}
    varied = replace(varied, reranked=values)
    sizes = {level.name: level.size for level in effort_levels(varied, varied, MEASURE, LATENCY, None)}
    assert sizes == {"low": 10, "mid": 20, "high": 40}


def test_low_is_never_larger_than_mid():
    found = levels([0.60, 0.601, 0.602, 0.61], stage_one=0.59)
    assert found["low"] <= found["mid"] <= found["high"]


def test_a_budget_leaves_out_larger_pools():
    assert levels([0.5, 0.56, 0.59, 0.6], budget_ms=20)["high"] == 20
    assert levels([0.5, 0.56, 0.59, 0.6], budget_ms=1) == {}


def test_one_slow_search_rejects_no_pool():
    slow = {size: Latency((0.0,) * 3, (0.001, 0.001, 9.0)) for size in SIZES}
    means = curve([0.5, 0.56, 0.59, 0.6])
    assert effort_levels(means, means, MEASURE, slow, 20)[2].size == 40
    pick = within_budget(means, MEASURE, slow, 20, 8)
    assert (pick.size, pick.reason.values["searches"], pick.reason.values["p95_ms"]) == (40, 3, None)


@pytest.mark.parametrize(("searches", "known"), [(1, False), (19, False), (20, True), (100, True)])
def test_a_percentile_needs_enough_timed_searches(searches, known):
    latency = Latency((0.0,) * searches, tuple(float(place) for place in range(searches)))
    assert (latency.p95 is not None) == known
    assert latency.decisive == pytest.approx(0.95 * (searches - 1) if known else 0.5 * (searches - 1))


def test_nothing_is_a_level_if_no_size_gains():
    assert levels([0.2, 0.19, 0.18, 0.2]) == {}


def test_a_level_has_its_quality_on_other_queries_and_its_time():
    found = effort_levels(curve([0.5, 0.56, 0.59, 0.6]), curve([0.4, 0.41, 0.42, 0.43]), MEASURE, LATENCY, None)
    assert found[0].table == {
        "pool_size": 20 if found[0].size == 20 else 10,
        "measure": MEASURE,
        "value": pytest.approx(0.42 if found[0].size == 20 else 0.41),
        "seconds": found[0].size / 1000,
    }
    assert found[2].value == pytest.approx(0.43)


def test_tune_writes_the_levels_and_removes_them_if_nothing_gains(tmp_path):
    retriever, judged, answers = world(queries=40, first=3)
    options = TuneOptions(sizes=(2, 5, 13), measures=(MEASURE,), timed=1)
    tuning = tune(searching(retriever, OracleReranker(answers)), judged, options)
    assert [level.name for level in tuning.efforts] == ["low", "mid", "high"]
    tuning.write(tmp_path)
    stored = config.read(tmp_path)
    assert {name: table["pool_size"] for name, table in stored["efforts"].items()} == {
        level.name: level.size for level in tuning.efforts
    }
    assert all(set(table) == {"pool_size", "measure", "value", "seconds"} for table in stored["efforts"].values())
    config.write({"effort": "low"}, tmp_path)
    worse = tune(searching(retriever, OracleReranker(answers, gain=-1.0)), judged, options)
    assert worse.settings["rerank"] is False
    worse.write(tmp_path)
    assert not {"effort", "efforts"} & set(config.read(tmp_path))


@pytest.mark.parametrize(
    ("searches", "queries", "advised"),
    [(3, 8, False), (3, 19, False), (3, 20, True), (19, 20, False), (3, 300, True), (20, 300, False)],
)
def test_more_timed_queries_are_advised_only_if_the_set_has_them(searches, queries, advised):
    latency = {size: Latency((0.0,) * searches, (0.001,) * searches) for size in SIZES}
    for budget_ms in (20, 0):
        reason = within_budget(curve([0.5, 0.56, 0.59, 0.6]), MEASURE, latency, budget_ms, queries).reason
        assert ("time at least 20 queries (timed, or --timed on the command line)" in describe(reason)) == advised
