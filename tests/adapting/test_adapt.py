"""A whole adaptation: what it keeps, what it refuses, and what it writes."""

import json
from dataclasses import replace

import numpy as np
import pytest

import shortlist as sl
from shortlist.adapting import adapt as adapting
from shortlist.adapting.learn import Recipe
from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.query_set import QuerySet
from shortlist.protocols import Reranker
from shortlist.registry import load_reranker
from shortlist.search.search import Search
from shortlist.types import RerankerInfo, Scores
from worlds_to_learn import POOL, DrawnPools, passages, perfect_set, query_set, search_with

OPTIONS = {"pool_size": POOL, "measure": "nDCG@5"}


@pytest.fixture
def fast(monkeypatch):
    """Rates for a model with few weights."""
    recipe = Recipe(epochs=6, layer_rate=0.01, head_rate=0.01, blend_rate=0.05)
    monkeypatch.setattr(adapting, "Recipe", lambda: recipe)


@pytest.fixture
def search(tmp_path):
    return search_with(tmp_path / "model")


def files(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_better_model_is_saved_and_loaded(search, tmp_path, fast):
    parts = []
    adaptation = sl.adapt(
        search,
        query_set(),
        level="layer",
        **OPTIONS,
        progress=lambda part, done, total: parts.append((part, done, total)),
    )
    report = adaptation.report
    assert adaptation.better
    assert report.paired.difference.mean > 0.05
    assert report.after.mean == pytest.approx(report.before.mean + report.paired.difference.mean)
    assert list(dict.fromkeys(part for part, _, _ in parts)) == ["pairs", "inner splits", "held-out queries"]
    assert all((part, total, total) in parts for part, _, total in parts)

    place = adaptation.save(tmp_path / "adapted")
    model = load_reranker(str(place), precision="exact")
    assert model.weights_hash() != search.reranker.weights_hash()
    assert model.info.name != search.reranker.info.name
    before, after = files(tmp_path / "model"), files(place)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"stage-3.onnx"}
    assert set(after) - set(before) == {"adapted.json", "blend.json", "manifest.json"}
    about = json.loads(after["adapted.json"])
    assert about["base_weights"] == search.reranker.weights_hash()
    assert about["level"] == "layer"
    assert about["report"]["paired"]["p"] == report.paired.p
    assert not (tmp_path / "adapted.part").exists()

    again = Search(search.retriever, model)
    assert again.weights == adaptation.weights != search.weights
    evaluated = [
        sl.evaluate(each, held_out(), pool_size=POOL, measures=["nDCG@5"]).estimate("reranked", "nDCG@5").mean
        for each in (search, again)
    ]
    assert evaluated == pytest.approx([report.before.mean, report.after.mean])


def held_out():
    from shortlist.adapting.split import by_hash

    whole = query_set()
    kept = by_hash(whole.queries)[30:]
    return QuerySet("held out", {key: whole.queries[key] for key in kept}, {key: whole.qrels[key] for key in kept})


def test_the_weights_alone_leave_the_model_as_it_is(search, tmp_path):
    adaptation = sl.adapt(search, query_set(), level="weights", **OPTIONS)
    assert adaptation.choice.level == "weights"
    assert adaptation.weights.get("dense", 0.0) < 1.0
    adaptation.model.write(tmp_path / "adapted", None)
    before, after = files(tmp_path / "model"), files(tmp_path / "adapted")
    assert all(before[name] == after[name] for name in before)


def test_what_is_not_better_is_not_written(search, tmp_path):
    adaptation = sl.adapt(search, query_set(), level="weights", **OPTIONS)
    report = adaptation.report
    for chance in (
        replace(report.paired, p=0.051),
        replace(report.paired, p=0.001, difference=replace(report.paired.difference, mean=-0.1)),
    ):
        worse = replace(adaptation, report=replace(report, paired=chance))
        assert not worse.better
        with pytest.raises(InvalidInput, match="does not beat the unadapted one on the held-out queries"):
            worse.save(tmp_path / "adapted")
    assert not (tmp_path / "adapted").exists()


def test_without_a_better_level_the_held_out_half_is_not_read(search, tmp_path):
    perfect = replace(search, weights={"dense": 1000.0})
    parts = set()
    adaptation = sl.adapt(perfect, perfect_set(), **OPTIONS, progress=lambda part, done, total: parts.add(part))
    assert adaptation.choice.before == 1.0
    assert (adaptation.choice.level, adaptation.report, adaptation.better) == (None, None, False)
    assert "held-out queries" not in parts
    assert "better=False" in repr(adaptation)
    with pytest.raises(InvalidInput, match="nothing is written"):
        adaptation.save(tmp_path / "adapted")


def test_two_runs_give_the_same_result(search, fast):
    first, second = (sl.adapt(search, query_set(), level="head", **OPTIONS) for _ in range(2))
    assert first.report == second.report
    assert first.weights == second.weights
    weights = [each.model.learned.weights for each in (first, second)]
    assert all(np.array_equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_a_limit_leaves_queries_out_and_counts_them(search):
    adaptation = sl.adapt(search, query_set(50), level="weights", most_queries=16, **OPTIONS)
    assert adaptation.left_out == 18
    assert adaptation.learned + adaptation.untaught + adaptation.skipped == 16


def test_interrupted_nothing_is_left(search, tmp_path, monkeypatch):
    import tempfile

    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))

    def interrupt(part, done, total):
        if part == "held-out queries":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sl.adapt(search, query_set(), **OPTIONS, progress=interrupt)
    assert list(place.iterdir()) == []


def test_settings_name_the_folder(search):
    adaptation = sl.adapt(search, query_set(), level="weights", **OPTIONS)
    assert adaptation.settings("adapted") == {"reranker": "adapted", "blend": None, "weights": None}
    assert adaptation.lines("adapted") == '[search]\nreranker = "adapted"'


def test_settings_hold_the_weights_if_the_bi_encoder_has_no_name(search, tmp_path):
    class Unnamed:
        def retrieve(self, query, k, where=None):
            return DrawnPools(passages()).retrieve(query, k)

    unnamed = Search(Unnamed(), search.reranker, weights={"dense": 1.0})
    adaptation = sl.adapt(unnamed, query_set(), level="weights", **OPTIONS)
    assert adaptation.settings("adapted")["weights"] == dict(adaptation.weights)
    file = tmp_path / "shortlist.toml"
    file.write_text("[search]\nblend = 2.0\ntop_k = 3\n")
    assert adaptation.write("adapted", tmp_path) == file
    assert "blend" not in file.read_text()
    assert "top_k = 3" in file.read_text()
    assert 'reranker = "adapted"' in file.read_text()


def test_few_queries_are_an_error(search):
    with pytest.raises(InvalidInput, match="has 29 judged queries: an adaptation needs at least 30"):
        sl.adapt(search, query_set(29), **OPTIONS)


def test_pools_without_an_answer_are_an_error(search):
    whole = query_set()
    unknown = QuerySet("set", whole.queries, {key: {"no such passage": 1} for key in whole.queries})
    with pytest.raises(InvalidInput, match="0 of 30 queries to learn from have a relevant passage"):
        sl.adapt(search, unknown, allow_unknown=True, **OPTIONS)


class Words:
    info = RerankerInfo("words", pointwise=True)

    def score(self, query, texts):
        return Scores([float(len(text)) for text in texts])


@pytest.mark.parametrize(("reranker", "name"), [(None, "missing"), (Words(), "words")])
def test_another_reranker_is_an_error(reranker: Reranker | None, name):
    with pytest.raises(InvalidInput, match=f"the reranker is {name}: only a local cross-encoder") as caught:
        sl.adapt(Search(DrawnPools(passages()), reranker), query_set(), **OPTIONS)
    assert caught.value.field == "reranker"


def test_probabilities_are_an_error(search, tmp_path):
    model = sl.CrossEncoder(str(tmp_path / "model"), activation="sigmoid", precision="exact")
    with pytest.raises(InvalidInput, match="returns no logits"):
        sl.adapt(Search(search.retriever, model), query_set(), **OPTIONS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": "all"}, "level is 'all': give auto, weights, head, layer"),
        ({"measure": "nDCG"}, "give a cutoff"),
        ({"pool_size": 5, "measure": "nDCG@10"}, "pool_size is 5, and nDCG@10 reads 10 results"),
        ({"most_queries": 3}, "most_queries is 3: give at least 15"),
    ],
)
def test_bad_options_are_errors(search, options, message):
    with pytest.raises(InvalidInput, match=message):
        sl.adapt(search, query_set(), **options)
