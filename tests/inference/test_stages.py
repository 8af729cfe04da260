import json
import math
from importlib.util import find_spec

import numpy as np
import pytest

import tiny
from shortlist import CrossEncoder
from shortlist.errors import InvalidInput
from shortlist.inference.runtimes import Runtime
from shortlist.models.packaged import CROSS_ENCODER, ROOT
from shortlist.rerankers import cross_encoder
from shortlist.rerankers.progressive import DropRule, ProgressiveReranker, read_rules
from shortlist.search.pipeline import rerank_pool
from shortlist.types import Hit, Passage

TEXTS = ["cat", "green " * 9, "the dog sat", "", "red blue", "server local file " * 5]


OPENVINO = pytest.param(
    Runtime("openvino", "fp32", "a test"),
    id="openvino",
    marks=pytest.mark.skipif(find_spec("openvino") is None, reason="OpenVINO has no wheel for this platform"),
)


@pytest.fixture(params=[pytest.param(Runtime("onnxruntime", "fp32", "a test"), id="onnxruntime"), OPENVINO])
def model(request, tmp_path, monkeypatch):
    monkeypatch.setattr(cross_encoder, "choose", lambda *_: request.param)
    return CrossEncoder(str(tiny.staged(tmp_path)))


def mean_state(query, text):
    words = {word: i for i, word in enumerate(tiny.WORDS)}
    ids = [2, *(words[w] for w in query.split()), 3, *(words[w] for w in text.split()), 3]
    return float(tiny.table()[ids].mean())


def test_all_stages_one_after_the_other(model):
    assert model.stages == 3
    assert model.score("query", TEXTS) == pytest.approx([4 * mean_state("query", t) for t in TEXTS], abs=1e-5)
    assert model.score("query", []) == []


def test_a_pool_larger_than_what_is_held_at_a_time(model):
    texts = TEXTS * 60
    assert model.score("query", texts) == pytest.approx([4 * mean_state("query", t) for t in texts], abs=1e-5)


def test_early_logits_and_only_the_carried_rows_move(model):
    scoring, cut = model.begin("query", TEXTS)
    early = [mean_state("query", text) for text in TEXTS]
    assert scoring.logits.tolist() == pytest.approx(early, abs=1e-5)
    assert cut == [False] * len(TEXTS)
    scoring.advance([4, 0])
    expected = [2 * value if place in {0, 4} else value for place, value in enumerate(early)]
    assert scoring.logits.tolist() == pytest.approx(expected, abs=1e-5)
    assert scoring.reached.tolist() == [2, 1, 1, 1, 2, 1]
    with pytest.raises(InvalidInput, match="pair 1 was left behind at stage 1"):
        scoring.advance([1])
    scoring.advance([4])
    assert scoring.done
    assert scoring.logits[4] == pytest.approx(4 * early[4], abs=1e-5)
    with pytest.raises(InvalidInput, match="all 3 stages have run"):
        scoring.advance([4])


def test_carrying_everything_on_gives_the_exact_scores(model):
    everything = ProgressiveReranker(model, DropRule((1.0, 1.0), 1))
    assert everything.score("query", TEXTS) == pytest.approx(model.score("query", TEXTS), abs=1e-6)


def test_survivors_have_their_exact_logit_and_the_rest_stand_below(model):
    rule = ProgressiveReranker(model, DropRule((0.5, 0.3), 1))
    exact = model.score("query", TEXTS)
    scores = rule.score("query", TEXTS)
    best = sorted(range(len(TEXTS)), key=lambda place: -exact[place])
    assert sorted(range(len(TEXTS)), key=lambda place: -scores[place]) == best
    assert [scores[place] for place in best[:2]] == pytest.approx([exact[place] for place in best[:2]], abs=1e-6)
    assert not rule.pointwise
    assert rule.score("query", []) == []


def test_the_prior_has_a_say_in_what_goes_on(model):
    exact = model.score("query", TEXTS)
    worst = min(range(len(TEXTS)), key=lambda place: exact[place])
    rule = ProgressiveReranker(model, DropRule((0.2, 0.2), 1))
    prior = [100.0 if place == worst else 0.0 for place in range(len(TEXTS))]
    _, left, _ = rule.score_progressively("query", TEXTS, prior)
    assert left[worst] == 0
    assert sum(exits == 0 for exits in left) == math.ceil(0.2 * len(TEXTS))


def test_what_stage_one_puts_far_down_is_not_read(model):
    exact = model.score("query", TEXTS)
    prior = [3.0, 1.0, 6.0, 2.0, 5.0, 4.0]
    rule = ProgressiveReranker(model, DropRule((0.5, 0.5), 1, entering=0.5))
    scores, left, cut = rule.score_progressively("query", TEXTS, prior)
    assert left == [3, 3, 0, 3, 0, 0]
    assert [scores[place] for place in (2, 4, 5)] == pytest.approx([exact[place] for place in (2, 4, 5)], abs=1e-6)
    assert [scores[place] for place in (0, 1, 3)] == [0.0, 0.0, 0.0]
    assert cut == [False] * len(TEXTS)
    assert (rule.alone.entering, rule.alone.share) == (1.0, (0.5, 0.5))
    by_its_own_scores = rule.score_progressively("query", TEXTS, [0.0] * len(TEXTS))
    assert max(by_its_own_scores[1]) == 2  # all were read, half of them to the end
    assert by_its_own_scores[1].count(0) == 3


def test_by_the_models_scores_alone_a_rule_of_its_own_holds(model):
    rules = ProgressiveReranker(model, DropRule((0.2, 0.2), 1, entering=0.2), DropRule((0.8, 0.6), 1))
    _, alone, _ = rules.score_progressively("query", TEXTS, [0.0] * len(TEXTS))
    _, beside, _ = rules.score_progressively("query", TEXTS, [1.0] * len(TEXTS))
    assert (alone.count(0), beside.count(0)) == (4, 2)
    with pytest.raises(InvalidInput, match="nothing to choose"):
        ProgressiveReranker(model, DropRule((1.0, 1.0), 1), DropRule((0.5, 0.5), 1, entering=0.5))


def test_the_packaged_rules_are_read():
    beside, alone = read_rules(ROOT / CROSS_ENCODER / "drop.json")
    assert beside.entering < alone.entering == 1.0
    assert len(beside.share) == len(alone.share) == 2


def test_hits_that_were_not_read_follow_in_stage_ones_order(model):
    words = [0.1, 0.9, 0.5, 0.3, 0.7, 0.2]
    passages = [Passage(str(place), text) for place, text in enumerate(TEXTS)]
    pool = [Hit(one, 0.0, i, 0.0, i, signals={"dense": words[i - 1]}) for i, one in enumerate(passages, start=1)]
    rule = ProgressiveReranker(model, DropRule((0.3, 0.3), 1, entering=0.5))
    ranked = rerank_pool(rule, "query", pool, {"dense": 100.0})
    assert [hit.passage.id for hit in ranked] == ["1", "4", "2", "3", "5", "0"]
    assert [hit.rerank_score is None for hit in ranked] == [False, False, True, True, True, True]


def test_a_rule_that_makes_no_sense_is_refused(model, tmp_path):
    with pytest.raises(InvalidInput, match="above 0 and at most 1"):
        DropRule((0.2,), 1, entering=1.5)
    with pytest.raises(InvalidInput, match="must fall"):
        DropRule((0.2, 0.4), 1)
    with pytest.raises(InvalidInput, match="at least one text"):
        DropRule((0.2,), 0)
    with pytest.raises(InvalidInput, match="3 exits, so the rule needs 2 shares, not 1"):
        ProgressiveReranker(model, DropRule((0.5,), 1))
    plain = CrossEncoder(str(tiny.cross_encoder(tmp_path / "plain")))
    assert plain.stages == 1
    with pytest.raises(InvalidInput, match="no early exits"):
        plain.begin("query", ["cat"])


def test_a_query_longer_than_the_model_is_made_for_is_declined(tmp_path):
    folder = tiny.staged(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "shortlist_longest_query": 3}))
    model = CrossEncoder(str(folder))
    assert model.declines("cat dog sat") == ""
    assert "has 4 tokens" in model.declines("cat dog sat runs")
    assert "up to 3" in ProgressiveReranker(model, DropRule((1.0, 1.0), 1)).declines("cat dog sat runs")
    assert np.isfinite(model.score("cat dog sat runs", ["cat"])).all()
