"""A cross-encoder in stages: all stages in order, early exits, and what is loaded when."""

import pytest

from shortlist.errors import InvalidInput
from shortlist.inference import stage_engines
from shortlist.rerankers.progressive import DropRule, ProgressiveReranker
from staged_models import RUNTIMES, TEXTS, mean_state, staged_model


@pytest.fixture(params=RUNTIMES)
def model(request, tmp_path, monkeypatch):
    return staged_model(tmp_path, request.param, monkeypatch)


def test_all_stages_run_in_order(model):
    assert model.stages == 3
    assert model.score("query", TEXTS) == pytest.approx([4 * mean_state("query", t) for t in TEXTS], abs=1e-5)
    assert model.score("query", []) == []


def test_a_pool_of_more_batches_than_run_together(model):
    texts = TEXTS * 60
    assert model.score("query", texts) == pytest.approx([4 * mean_state("query", t) for t in texts], abs=1e-5)


def test_only_the_rows_that_continue_change(model):
    scoring, cut = model.begin("query", TEXTS)
    early = [mean_state("query", text) for text in TEXTS]
    assert scoring.logits.tolist() == pytest.approx(early, abs=1e-5)
    assert cut == [False] * len(TEXTS)
    scoring.advance([4, 0])
    expected = [2 * value if place in {0, 4} else value for place, value in enumerate(early)]
    assert scoring.logits.tolist() == pytest.approx(expected, abs=1e-5)
    assert scoring.reached.tolist() == [2, 1, 1, 1, 2, 1]
    with pytest.raises(InvalidInput, match="pair 2 of 6 was dropped after stage 1"):
        scoring.advance([1])
    scoring.advance([4])
    assert scoring.done
    assert scoring.logits[4] == pytest.approx(4 * early[4], abs=1e-5)
    with pytest.raises(InvalidInput, match="all 3 stages have run"):
        scoring.advance([4])


JOINED, SEPARATE = [3], [1, 1, 1]
"""How many files each load reads."""


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("early_exits", [False, True])
def test_each_form_is_loaded_once_and_only_if_it_is_used(tmp_path, monkeypatch, runtime, early_exits):
    loads, load = [], stage_engines.load
    monkeypatch.setattr(stage_engines, "load", lambda files, *rest: loads.append(len(files)) or load(files, *rest))
    model = staged_model(tmp_path, runtime, monkeypatch, early_exits=early_exits)
    first = SEPARATE if early_exits or runtime.engine == "onnxruntime" else JOINED
    assert loads == first
    assert model.plan([5, 3, 4])
    assert model.batch_rows == 8
    progressive = ProgressiveReranker(model, DropRule((1.0, 1.0), 1))
    for _ in range(2):
        if early_exits:
            progressive.score("query", TEXTS)
        else:
            model.score("query", TEXTS)
    assert loads == first
    assert progressive.score("query", TEXTS) == pytest.approx(model.score("query", TEXTS), abs=1e-6)
    others = [] if runtime.engine == "onnxruntime" else JOINED if early_exits else SEPARATE
    assert loads == first + others


def test_threads_below_one_are_refused(tmp_path, monkeypatch):
    with pytest.raises(InvalidInput, match="threads must be at least 1, not 0"):
        staged_model(tmp_path, RUNTIMES[0].values[0], monkeypatch, threads=0)
