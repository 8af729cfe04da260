"""Early exits under a drop rule."""

import json
import math

import numpy as np
import pytest

import tiny
from shortlist import CrossEncoder
from shortlist.errors import InvalidInput
from shortlist.models.packaged import CROSS_ENCODER, ROOT
from shortlist.rerankers.progressive import DropRule, ProgressiveReranker, read_rules
from shortlist.search.pending import Pending
from shortlist.search.search import scores_of
from shortlist.types import Hit, Passage
from staged_models import RUNTIMES, TEXTS, staged_model


@pytest.fixture(params=RUNTIMES)
def model(request, tmp_path, monkeypatch):
    return staged_model(tmp_path, request.param, monkeypatch)


def test_if_every_text_continues_the_scores_are_exact(model):
    everything = ProgressiveReranker(model, DropRule((1.0, 1.0), 1))
    assert everything.score("query", TEXTS) == pytest.approx(model.score("query", TEXTS), abs=1e-6)


def test_texts_that_continue_have_their_exact_logit_and_the_others_are_below(model):
    reranker = ProgressiveReranker(model, DropRule((0.5, 0.3), 1))
    exact = model.score("query", TEXTS)
    scores = reranker.score("query", TEXTS)
    best = sorted(range(len(TEXTS)), key=lambda place: -exact[place])
    assert sorted(range(len(TEXTS)), key=lambda place: -scores[place]) == best
    assert [scores[place] for place in best[:2]] == pytest.approx([exact[place] for place in best[:2]], abs=1e-6)
    assert max(scores[place] for place in best[2:]) < min(scores[place] for place in best[:2])
    assert reranker.score("query", []) == []
    assert reranker.score_progressively("query", [], []) == []


def test_its_info_is_that_of_the_model_but_not_pointwise(model):
    info = ProgressiveReranker(model, DropRule((0.5, 0.3), 1)).info
    assert (info.name, info.window, info.unit) == (model.info.name, model.info.window, "logit")
    assert not info.pointwise
    assert ProgressiveReranker(model, DropRule((0.5, 0.3), 1)).weights_hash() == model.weights_hash()


def test_stage_ones_share_counts_in_the_choice_of_the_texts_that_continue(model):
    exact = model.score("query", TEXTS)
    worst = min(range(len(TEXTS)), key=lambda place: exact[place])
    reranker = ProgressiveReranker(model, DropRule((0.2, 0.2), 1))
    prior = [100.0 if place == worst else 0.0 for place in range(len(TEXTS))]
    left = reranker.score_progressively("query", TEXTS, prior).exits_left
    assert left[worst] == 0
    assert left.count(0) == math.ceil(0.2 * len(TEXTS))


def test_texts_that_stage_one_ranks_low_are_not_scored(model):
    exact = model.score("query", TEXTS)
    prior = [3.0, 1.0, 6.0, 2.0, 5.0, 4.0]
    reranker = ProgressiveReranker(model, DropRule((0.5, 0.5), 1, entering=0.5))
    scores = reranker.score_progressively("query", TEXTS, prior)
    assert scores.exits_left == [3, 3, 0, 3, 0, 0]
    assert [scores[place] for place in (2, 4, 5)] == pytest.approx([exact[place] for place in (2, 4, 5)], abs=1e-6)
    assert [scores[place] for place in (0, 1, 3)] == [0.0, 0.0, 0.0]
    assert scores.truncated == [False] * len(TEXTS)
    assert (reranker.alone.entering, reranker.alone.share) == (1.0, (0.5, 0.5))
    without_prior = reranker.score_progressively("query", TEXTS, [0.0] * len(TEXTS)).exits_left
    assert max(without_prior) == 2  # every text was scored, half of them to the end
    assert without_prior.count(0) == 3


def test_without_stage_ones_share_another_rule_applies(model):
    reranker = ProgressiveReranker(model, DropRule((0.2, 0.2), 1, entering=0.2), DropRule((0.8, 0.6), 1))
    alone = reranker.score_progressively("query", TEXTS, [0.0] * len(TEXTS)).exits_left
    with_share = reranker.score_progressively("query", TEXTS, [1.0] * len(TEXTS)).exits_left
    assert (alone.count(0), with_share.count(0)) == (4, 2)
    with pytest.raises(InvalidInput, match=r"must be 1, not 0\.5: nothing ranks the texts before the first exit"):
        ProgressiveReranker(model, DropRule((1.0, 1.0), 1), DropRule((0.5, 0.5), 1, entering=0.5))


def test_the_packaged_rules_are_read():
    with_share, alone = read_rules(ROOT / CROSS_ENCODER / "drop.json")
    assert with_share.entering < alone.entering == 1.0
    assert len(with_share.share) == len(alone.share) == 2


def test_hits_that_were_not_scored_follow_in_stage_ones_order(model):
    dense = [0.1, 0.9, 0.5, 0.3, 0.7, 0.2]
    pool = [
        Hit(Passage(str(place), text), 0.0, place + 1, 0.0, place + 1, signals={"dense": dense[place]})
        for place, text in enumerate(TEXTS)
    ]
    reranker = ProgressiveReranker(model, DropRule((0.3, 0.3), 1, entering=0.5))
    pending = Pending("query", pool, (), reranker, "ok", 6, 6, {"dense": 100.0})
    ranking = pending.finish(scores_of(pending))
    assert [hit.id for hit in ranking] == ["1", "4", "2", "3", "5", "0"]
    assert [hit.rerank_score is None for hit in ranking] == [False, False, True, True, True, True]
    assert (ranking.scored, ranking.dropped) == (2, 4)


def test_a_rule_out_of_range_is_refused(model, tmp_path):
    with pytest.raises(InvalidInput, match=r"entering must be above 0 and at most 1, not 1\.5"):
        DropRule((0.2,), 1, entering=1.5)
    with pytest.raises(InvalidInput, match="share must fall"):
        DropRule((0.2, 0.4), 1)
    with pytest.raises(InvalidInput, match="least must be at least 1, not 0"):
        DropRule((0.2,), 0)
    with pytest.raises(InvalidInput, match="3 exits, so a drop rule needs 2 shares, not 1"):
        ProgressiveReranker(model, DropRule((0.5,), 1))
    one_file = CrossEncoder(str(tiny.cross_encoder(tmp_path / "plain")), device="cpu")
    assert one_file.stages == 1
    with pytest.raises(InvalidInput, match="no early exits"):
        one_file.begin("query", ["cat"])


def test_a_query_longer_than_those_of_the_training_is_skipped_by_both_forms(tmp_path):
    folder = tiny.staged(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "shortlist_longest_query": 3}))
    model = CrossEncoder(str(folder), device="cpu")
    for reranker in (model, ProgressiveReranker(model, DropRule((1.0, 1.0), 1))):
        assert reranker.skip_reason("cat dog sat") is None
        note = reranker.skip_reason("cat dog sat runs")
        assert note.to_dict() == {
            "code": "rerank_skipped",
            "reason": "query_too_long",
            "tokens": 4,
            "longest": 3,
            "reranker": model.info.name,
        }
    assert np.isfinite(model.score("cat dog sat runs", ["cat"])).all()
