"""Stop rules and probability curves in a folder: they come back the same, and are refused for another search."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import WordReranker
from shortlist.collection.fits import CALIBRATION, STOP_RULE, VERSION, StoredFits
from shortlist.errors import IndexWriteFailed, NotFitted
from shortlist.search.probability import Isotonic, Platt
from shortlist.search.stopping import Guarantee, StopRule
from shortlist.types import Note

WEIGHTS = {"dense": 12.0}
RULE = StopRule(100, 10, 1.25, 16, Guarantee("ndcg", 0.01, 0.1, 80))


class WeightedReranker(WordReranker):
    """A reranker whose weights have a hash."""

    def __init__(self, weights: str) -> None:
        super().__init__()
        self.weights = weights

    def weights_hash(self) -> str:
        return self.weights


def fits(folder, *, bi_encoder="a", retriever="hybrid", reranker=None, passages=50):
    return StoredFits(folder, bi_encoder, retriever, reranker or WordReranker(), lambda: passages)


@pytest.mark.parametrize("rule", [RULE, replace(RULE, threshold=None), replace(RULE, guarantee=None)])
def test_a_stop_rule_comes_back_the_same(tmp_path, rule):
    file = fits(tmp_path).save_stop_rule(rule, WEIGHTS, {"queries": 3})
    assert fits(tmp_path).stop_rule(WEIGHTS) == (rule, [])
    assert json.loads(file.read_text())["about"] == {"queries": 3}
    assert [path.name for path in tmp_path.iterdir()] == [STOP_RULE]


@pytest.mark.parametrize("curve", [Platt(0.1, -3.7), Isotonic((0.1, 0.30000000000000004), (1e-5, 0.5))])
def test_a_curve_comes_back_the_same(tmp_path, curve):
    fits(tmp_path).save_calibration(curve, WEIGHTS, {})
    assert fits(tmp_path).calibration(WEIGHTS) == (curve, [])


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0, 1)), min_size=1, max_size=9))
def test_any_curve_comes_back_the_same(tmp_path_factory, knots):
    folder = tmp_path_factory.mktemp("fits")
    scores, values = zip(*sorted(knots), strict=True)
    fits(folder).save_calibration(Isotonic(scores, values), {}, {})
    assert fits(folder).calibration({})[0] == Isotonic(scores, values)


def test_a_missing_rule_is_a_note_and_a_missing_curve_an_error(tmp_path):
    assert fits(tmp_path).stop_rule(WEIGHTS) == (None, [Note("no_stop_rule", reason="not_fitted")])
    with pytest.raises(NotFitted, match=r"has no calibration\.json.*make it with: shortlist calibrate"):
        fits(tmp_path).calibration(WEIGHTS)


@pytest.mark.parametrize(
    ("change", "weights", "message"),
    [
        ({"bi_encoder": "z"}, WEIGHTS, "was made for bi_encoder a, and this search has z"),
        ({"retriever": "bm25"}, WEIGHTS, "was made for retriever hybrid, and this search has bm25"),
        ({}, {}, "was made for weights 12 x dense, and this search has none"),
        ({}, {"dense": 2.0, "bm25": 0.5}, r"this search has 2 x dense \+ 0\.5 x bm25"),
        ({"reranker": WeightedReranker("7")}, WEIGHTS, "was made for reranker_weights 1, and this search has 7"),
    ],
)
def test_a_fit_for_another_search_is_refused(tmp_path, change, weights, message):
    own = WeightedReranker("1")
    fits(tmp_path, reranker=own).save_stop_rule(RULE, WEIGHTS, {})
    fits(tmp_path, reranker=own).save_calibration(Platt(1.0, 0.0), WEIGHTS, {})
    other = fits(tmp_path, **{"reranker": own, **change})
    for read in (other.stop_rule, other.calibration):
        with pytest.raises(NotFitted, match=message):
            read(weights)


def test_a_fit_without_a_reranker_is_not_for_a_reranker(tmp_path):
    StoredFits(tmp_path, "a", "hybrid", None, lambda: 1).save_calibration(Platt(1.0, 0.0), {}, {})
    with pytest.raises(NotFitted, match="was made for reranker none, and this search has words"):
        fits(tmp_path).calibration({})


def test_another_number_of_passages_is_a_note(tmp_path):
    fits(tmp_path, passages=50).save_stop_rule(RULE, WEIGHTS, {})
    fits(tmp_path, passages=50).save_calibration(Platt(1.0, 0.0), WEIGHTS, {})
    later = fits(tmp_path, passages=60)
    assert later.stop_rule(WEIGHTS)[1] == [Note("fit_outdated", fit="stop_rule", fitted_on=50, passages=60)]
    assert later.calibration(WEIGHTS)[1] == [Note("fit_outdated", fit="calibration", fitted_on=50, passages=60)]
    unknown = StoredFits(tmp_path, "a", "hybrid", WordReranker(), lambda: None)
    assert unknown.stop_rule(WEIGHTS) == (RULE, [])


DAMAGED = [
    "",
    "[]",
    "{}",
    '{"version": VERSION}',
    '{"version": VERSION, "made_for": MADE_FOR}',
    '{"version": VERSION, "made_for": MADE_FOR, "method": "isotonic", "scores": [], "values": []}',
    '{"version": VERSION, "made_for": MADE_FOR, "method": "isotonic", "scores": [1], "values": [1, 2]}',
    '{"version": VERSION, "made_for": MADE_FOR, "method": "other", "scores": [1], "values": [1]}',
    '{"version": VERSION, "made_for": MADE_FOR, "pool_size": 5, "top_k": 9, "block": 1, "threshold": 1}',
]


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_file_is_reported_with_the_remedy(tmp_path, text):
    here = fits(tmp_path)
    content = text.replace("VERSION", str(VERSION)).replace("MADE_FOR", json.dumps(here.made_for(WEIGHTS)))
    for name, read in ((STOP_RULE, here.stop_rule), (CALIBRATION, here.calibration)):
        Path(tmp_path / name).write_text(content)
        with pytest.raises(NotFitted, match=rf"{name} is damaged .*: make it with: shortlist calibrate"):
            read(WEIGHTS)


def test_another_format_is_refused(tmp_path):
    (tmp_path / STOP_RULE).write_text('{"version": 99, "made_for": {}}')
    with pytest.raises(NotFitted, match=f"has format 99, and this version reads {VERSION}: make it with"):
        fits(tmp_path).stop_rule(WEIGHTS)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(IndexWriteFailed, match="file cannot be made"):
        fits(tmp_path / "file").save_stop_rule(RULE, WEIGHTS, {})
