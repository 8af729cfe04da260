"""What a tuning puts into shortlist.toml, and what it removes."""

import pytest

from shortlist import config as config_file
from shortlist.config import SearchConfig
from shortlist.evaluation.tuning.options import TuneOptions
from shortlist.evaluation.tuning.settings import file_values
from shortlist.evaluation.tuning.tune import tune
from worlds import OracleReranker, constant, searching, world

FOUND = {"rerank": True, "pool_size": 20, "blend": 1.0}


@pytest.mark.parametrize(
    ("tuned", "config", "file", "expected"),
    [
        (FOUND, {}, {}, {**FOUND, "weights": None, "min_score": None}),
        ({**FOUND, "min_score": 2.5}, {}, {"min_score": 9.0}, {**FOUND, "weights": None, "min_score": 2.5}),
        ({"rerank": False}, {}, {}, {"rerank": False, "blend": None, "weights": None, "min_score": None}),
        (
            {"rerank": False},
            {},
            {"pool_size": 50, "top_k": 40},
            {"rerank": False, "blend": None, "weights": None, "min_score": None, "pool_size": None},
        ),
    ],
)
def test_a_setting_that_was_not_found_again_is_removed(tuned, config, file, expected):
    values = file_values(tuned, SearchConfig(**config), None, file)
    assert {name: value for name, value in values.items() if name != "min_probability"} == expected


def test_weights_of_the_file_stay_if_the_blend_scales_them_and_derived_weights_replace_them():
    own = {"dense": 8.0}
    assert file_values(FOUND, SearchConfig(weights=own), own, {"weights": own})["weights"] == own
    derived = {**FOUND, "weights": {"dense": 3.0}}
    assert file_values(derived, SearchConfig(), None, {"weights": own})["weights"] == {"dense": 3.0}


@pytest.mark.parametrize("name", ["retriever", "reranker", "fusion"])
def test_a_part_is_written_if_the_file_names_another(name):
    other = {"retriever": "bm25", "reranker": "other/model", "fusion": 0.25}[name]
    assert file_values(FOUND, SearchConfig(**{name: other}), None, {})[name] == other
    assert name not in file_values(FOUND, SearchConfig(), None, {})
    back = file_values(FOUND, SearchConfig(), None, {name: other})
    assert back[name] == getattr(SearchConfig(), name)


def test_a_found_fusion_weight_is_written_and_not_the_current_one():
    assert file_values({**FOUND, "fusion": 0.75}, SearchConfig(fusion=0.25), None, {})["fusion"] == 0.75


@pytest.mark.parametrize(
    ("tuned", "file", "kept"),
    [
        (FOUND, {"min_probability": 0.2}, True),
        (FOUND, {"min_probability": 0.2, "blend": 1.0}, True),
        ({**FOUND, "blend": 2.0}, {"min_probability": 0.2}, False),
        ({**FOUND, "blend": 2.0}, {"min_probability": 0.2, "blend": 2.0}, True),
        ({**FOUND, "weights": {"dense": 1.0}}, {"min_probability": 0.2}, False),
        ({**FOUND, "fusion": 0.75}, {"min_probability": 0.2}, False),
        ({**FOUND, "fusion": 0.75}, {"min_probability": 0.2, "fusion": 0.75}, True),
        ({"rerank": False}, {"min_probability": 0.2}, False),
    ],
)
def test_the_smallest_probability_stays_only_if_pools_and_final_scores_stay(tuned, file, kept):
    config = SearchConfig(fusion=file.get("fusion", 0.5))
    values = file_values(tuned, config, None, file)
    assert ("min_probability" not in values) == kept


def test_an_answer_longer_than_the_new_pool_is_shortened():
    assert file_values({**FOUND, "pool_size": 5}, SearchConfig(), None, {"top_k": 10})["top_k"] == 5
    assert "top_k" not in file_values(FOUND, SearchConfig(), None, {"top_k": 10})


def tuning_of(reranker_gain=1.0, **config):
    retriever, judged, answers = world(queries=60, first=2)
    search = searching(retriever, OracleReranker(answers, reranker_gain), **config)
    return tune(search, judged, TuneOptions(sizes=(5, 20), timed=1, measures=("nDCG@10",)))


def test_write_changes_the_file_and_keeps_the_rest_of_it(tmp_path):
    file = tmp_path / config_file.FILE
    file.write_text("# mine\n[search]\ntop_k = 3\nblend = 4.0\nmin_probability = 0.5\n", encoding="utf-8")
    tuning = tuning_of()
    assert tuning.write(tmp_path) == file
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# mine\n[search]\ntop_k = 3\n")
    settings = config_file.read(tmp_path)
    assert list(settings.pop("efforts")) == ["low", "mid", "high"]
    assert settings == {"top_k": 3, "rerank": True, "pool_size": 20, "min_score": tuning.threshold.value}
    assert all(line in text for line in tuning.lines(tmp_path).splitlines())


def test_write_and_lines_use_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    harmful = tuning_of(-1.0)
    assert harmful.lines() == "[search]\nrerank = false"
    assert harmful.write() == tmp_path / config_file.FILE
    assert config_file.read() == {"rerank": False}


def test_nothing_is_written_if_nothing_is_decided(tmp_path):
    retriever, judged, _ = world(queries=6)
    undecided = tune(searching(retriever, constant()), judged, TuneOptions(sizes=(5,), timed=1))
    assert undecided.undecided is not None
    assert (undecided.write(tmp_path), undecided.lines(tmp_path)) == (None, "")
    assert list(tmp_path.iterdir()) == []


def test_the_settings_of_a_store_are_written_and_those_of_an_index_are_not():
    own = {"words": True, "fields": {"text": "blurb"}, "bi_encoder": "hashed-64"}
    values = file_values(FOUND, SearchConfig(retriever="chroma:notes@./chroma", **own), None, {})
    assert {name: values.get(name) for name in own} == own
    assert set(own).isdisjoint(file_values(FOUND, SearchConfig(bi_encoder="hashed-64"), None, {}))
