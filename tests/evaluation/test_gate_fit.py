"""The fit of the gate keeps its risk, and its calls are saved in searches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shortlist.collection.fits import GATE, StoredFits
from shortlist.errors import InvalidInput, NotFitted
from shortlist.evaluation.calibration.adaptive import Risk
from shortlist.evaluation.calibration.calibrate import CalibrateOptions, calibrate, check_values
from shortlist.evaluation.calibration.gate import GateTrace, fit_gate
from shortlist.search.gate import SIGNALS, Gate
from shortlist.search.stopping import Guarantee
from shortlist.types import Note
from shortlist.wording import describe
from worlds import TextReranker, searching, world

RISK = Risk("nDCG@10", 0.05, 0.05)


def drawn(queries, seed):
    """Queries that lose rarely if the margin is high. The words tell nothing."""
    draw = np.random.default_rng(seed)
    margins = draw.random(queries)
    losses = np.where(draw.random(queries) < (1 - margins) * 0.6, draw.choice([0.1, 0.5, 1.0], queries), 0.0)
    words = draw.random(queries)
    return [
        GateTrace({"cosine_margin": m, "agreed_margin": m if w > 0.3 else -np.inf, "words_margin": w}, float(loss))
        for m, w, loss in zip(margins, words, losses, strict=True)
    ]


def test_the_risk_is_kept_in_at_least_95_of_100_random_splits():
    traces, draw = drawn(2000, 3), np.random.default_rng(0)
    kept, saved = 0, []
    for _ in range(100):
        order = draw.permutation(len(traces))
        fit = fit_gate([traces[i] for i in order[:600]], 100, RISK)
        unseen = [traces[i] for i in order[600:]]
        skipped = [trace for trace in unseen if trace.certainty[fit.gate.signal] >= (fit.gate.threshold or np.inf)]
        kept += sum(trace.loss for trace in skipped) / len(unseen) <= RISK.alpha
        saved.append(fit.saved)
    assert kept >= 95
    assert np.mean(saved) > 0.2


def test_the_gate_is_the_one_that_saves_the_most():
    fit = fit_gate(drawn(1000, 1), 100, RISK)
    assert fit.gate.signal == "cosine_margin"
    assert fit.certified
    assert 0 < fit.saved < 1
    assert fit.loss < RISK.alpha
    assert "of the calls of stage two are saved by cosine_margin" in describe(fit.note)


def test_a_signal_that_no_query_has_is_never_used():
    traces = [GateTrace({"cosine_margin": -np.inf, "agreed_margin": -np.inf, "words_margin": -np.inf}, 0.0)] * 500
    fit = fit_gate(traces, 100, RISK)
    assert fit.gate.threshold is None
    assert fit.note.values["result"] == "no_skip"
    assert "it never skips: no share" in describe(fit.note)


def test_queries_that_lose_everything_give_no_threshold():
    fit = fit_gate([GateTrace(dict.fromkeys(SIGNALS, 0.5), 1.0)] * 500, 100, RISK)
    assert (fit.gate.threshold, fit.saved) == (None, 0.0)


@pytest.mark.parametrize("queries", [0, 79])
def test_too_few_queries_certify_nothing(queries):
    fit = fit_gate([GateTrace(dict.fromkeys(SIGNALS, 0.5), 0.0)] * queries, 100, RISK)
    assert fit.gate.threshold is None
    assert fit.gate.guarantee.queries_needed == 80
    assert "nothing can be certified" in describe(fit.note)
    assert "at least 80 queries" in describe(fit.note)


def test_eighty_queries_without_a_loss_certify_everything():
    fit = fit_gate([GateTrace(dict.fromkeys(SIGNALS, 0.5), 0.0)] * 80, 100, RISK)
    assert (fit.gate.threshold, fit.saved, fit.gate.guarantee.queries_needed) == (0.5, 1.0, 0)


def test_calibrate_stores_a_gate_that_a_search_uses(tmp_path):
    retriever, judged, _ = world(queries=120)
    reranker = TextReranker()
    fits = StoredFits(tmp_path, "none", "mine", reranker, lambda: 7)
    search = replace(searching(retriever, reranker, {"dense": 3.0}), fits=fits)
    options = CalibrateOptions(pool_size=20, top_k=5, measure="nDCG@5", alpha=0.5, gate_alpha=0.5)
    rules = calibrate(search, judged, options)
    assert rules.gate.queries <= 120
    assert str(tmp_path / GATE) in map(str, rules.save())
    stored, notes = fits.gate({"dense": 3.0})
    assert stored == rules.gate.gate
    assert notes == []
    assert rules.gate.certified, "a loss of 0.5 is allowed"
    config = search.config.override({"gate": True, "pool_size": 20, "top_k": 5})
    statuses = [search.run(query, config=config).status for query in judged.queries.values()]
    share = statuses.count("skipped") / len(statuses)
    assert share == pytest.approx(rules.gate.saved, abs=0.05)


def test_a_calibration_with_the_gate_on_scores_every_query(tmp_path):
    retriever, judged, _ = world(queries=30)
    reranker = TextReranker()
    fits = StoredFits(tmp_path, "none", "mine", reranker, lambda: 7)
    fits.save_gate(Gate("cosine_margin", -1.0, 20), {"dense": 3.0}, {})
    search = replace(searching(retriever, reranker, {"dense": 3.0}, gate=True), fits=fits)
    rules = calibrate(search, judged, CalibrateOptions(pool_size=20, top_k=5, measure="nDCG@5"))
    assert rules.skipped == 0


def test_a_stored_gate_belongs_to_its_search(tmp_path):
    fits = StoredFits(tmp_path, "a", "hybrid", TextReranker(), lambda: 9)
    assert fits.gate({}) == (None, [Note("no_gate", reason="not_fitted")])
    gate = Gate("agreed_margin", 0.2, 100, Guarantee("nDCG@10", 0.01, 0.05, 500))
    fits.save_gate(gate, {"dense": 1.0}, {"saved": 0.4})
    assert fits.gate({"dense": 1.0}) == (gate, [])
    with pytest.raises(NotFitted, match="weights"):
        fits.gate({"dense": 2.0})
    (note,) = replace(fits, count=lambda: 12).gate({"dense": 1.0})[1]
    assert describe(note).startswith("the gate was fitted on 9 passages, and there are now 12")
    (tmp_path / GATE).write_text("{}", encoding="utf-8")
    with pytest.raises(NotFitted, match="damaged"):
        fits.gate({"dense": 1.0})


def test_a_bad_level_is_an_error():
    with pytest.raises(InvalidInput, match="gate_alpha must be between 0 and 1"):
        check_values(CalibrateOptions(gate_alpha=0))
