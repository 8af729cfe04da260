"""The weights of the last stage: read, written, and refused if the model has another form."""

import json

import numpy as np
import onnx
import pytest

import tiny
from pair_models import pair_model
from shortlist import CrossEncoder
from shortlist.adapting.last_stage import SCALE, LastStage
from shortlist.errors import InvalidInput, ModelError
from shortlist.models import cross_encoder_spec

QUERY, TEXTS = "red cat", ["the dog sat", "a cat runs not", "server local file red", "blue"]


def stage_of(folder):
    return LastStage(cross_encoder_spec(str(folder)))


def scores(folder):
    return np.array(CrossEncoder(str(folder), precision="exact").score(QUERY, TEXTS))


@pytest.mark.parametrize("form", [{}, {"exits": (2, 3)}, {"storage": "fp16"}, {"apart": 1}])
def test_the_same_weights_give_the_same_scores(form, tmp_path):
    folder = pair_model(tmp_path / "model", **form)
    before, stage = scores(folder), stage_of(folder)
    stage.file.write_bytes(stage.written(stage.weights))
    assert np.allclose(scores(folder), before, atol=2e-3)  # fp16
    onnx.checker.check_model(stage.file, full_check=True)


def test_both_scales_change_alone(tmp_path):
    """Both scales of the tiny model are 1, one constant of the file, which other nodes read, too."""
    folder = pair_model(tmp_path / "model")
    stage, before = stage_of(folder), scores(folder)
    assert stage.weights[SCALE].tolist() == [1, 1]
    stage.file.write_bytes(stage.written({**stage.weights, SCALE: np.array([3.0, 1.0])}))
    first = scores(folder)
    changed = stage_of(folder)
    assert changed.weights[SCALE].tolist() == [3, 1]
    changed.file.write_bytes(changed.written({**changed.weights, SCALE: np.array([1.0, 3.0])}))
    second = scores(folder)
    assert not np.allclose(first, second, atol=1e-2)
    assert np.all(np.abs(first - before) <= 2.01)  # a likeness is at most 1
    changed.file.write_bytes(changed.written({**changed.weights, SCALE: np.array([1.0, 1.0])}))
    assert np.allclose(scores(folder), before, atol=2e-3)  # fp16


def test_other_weights_are_read_back(tmp_path):
    folder = pair_model(tmp_path / "model")
    stage = stage_of(folder)
    draw = np.random.default_rng(1)
    weights = {name: value + 0.001 * draw.normal(size=value.shape) for name, value in stage.weights.items()}
    stage.file.write_bytes(stage.written(weights))
    again = stage_of(folder).weights
    for name, value in weights.items():
        largest = np.abs(value).max()
        assert np.allclose(again[name], value, atol=0.0005 * largest), name  # fp16; a step of int8 is 0.008
    assert (tmp_path / "model" / "stage-1.onnx").read_bytes()  # the lower stage stays


def test_a_model_in_one_file_is_refused(tmp_path):
    folder = tiny.cross_encoder(tmp_path)
    with pytest.raises(InvalidInput, match="cannot be adapted: it is not in stages"):
        stage_of(folder)


def test_another_activation_is_refused(tmp_path):
    folder = pair_model(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "hidden_act": "relu"}))
    with pytest.raises(InvalidInput, match="its activation is 'relu', not 'gelu'"):
        stage_of(folder)


def test_other_stages_are_refused(tmp_path):
    folder = tiny.staged(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    more = {"hidden_act": "gelu", "num_hidden_layers": 3, "num_attention_heads": 2, "layer_norm_eps": 1e-12}
    (folder / "config.json").write_text(json.dumps({**config, **more}))
    with pytest.raises(InvalidInput, match="does not add two scaled likenesses"):
        stage_of(folder)


def test_a_damaged_file_is_an_error(tmp_path):
    folder = pair_model(tmp_path / "model")
    file = folder / "stage-3.onnx"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"stage-3\.onnx cannot be read as an ONNX file"):
        stage_of(folder)
