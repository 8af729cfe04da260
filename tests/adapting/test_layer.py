"""The last layer in numpy: its derivatives against numerical differences, and its logits against ONNX Runtime."""

import numpy as np
import pytest

from pair_models import pair_model
from shortlist import CrossEncoder
from shortlist.adapting.last_stage import SCALE, LastStage
from shortlist.adapting.layer import Inputs, forward, head_backward, head_forward, layer_backward, layer_forward
from shortlist.adapting.states import LowerLayers
from shortlist.inference.runtimes import choose
from shortlist.models import cross_encoder_spec

EPSILON = 1e-12
WIDTH, HEADS, WIDE, PAIRS = 8, 2, 12, 5
SIZES = {
    "value.weight": (WIDTH, WIDTH),
    "value.bias": (WIDTH,),
    "mix.weight": (WIDTH, WIDTH),
    "mix.bias": (WIDTH,),
    "first_norm.weight": (WIDTH,),
    "first_norm.bias": (WIDTH,),
    "widen.weight": (WIDTH, WIDE),
    "widen.bias": (WIDE,),
    "shrink.weight": (WIDE, WIDTH),
    "shrink.bias": (WIDTH,),
    "last_norm.weight": (WIDTH,),
    "last_norm.bias": (WIDTH,),
    "dense.weight": (WIDTH, WIDTH),
    "dense.bias": (WIDTH,),
    "out.weight": (WIDTH, 1),
    "out.bias": (1,),
    SCALE: (2,),
}


@pytest.fixture
def layer():
    """Weights and inputs in float64, and the derivatives of a loss by the logits."""
    draw = np.random.default_rng(0)
    weights = {name: draw.normal(size=size) * 0.5 for name, size in SIZES.items()}
    inputs = Inputs(
        draw.normal(size=(PAIRS, WIDTH)), draw.normal(size=(PAIRS, HEADS, WIDTH)), draw.normal(size=(PAIRS, 2))
    )
    return weights, inputs, draw.normal(size=PAIRS)


def derivatives(weights, inputs, by_logit):
    state, layer = layer_forward(weights, inputs, EPSILON)
    _, head = head_forward(weights, state, inputs.likenesses)
    by, by_state = head_backward(weights, head, by_logit)
    return {**by, **layer_backward(weights, layer, by_state)}


@pytest.mark.parametrize("name", SIZES)
def test_derivatives_equal_numerical_differences(layer, name):
    weights, inputs, by_logit = layer
    exact = derivatives(weights, inputs, by_logit)[name]
    step = 1e-4
    numerical = np.zeros_like(exact)
    for place in np.ndindex(exact.shape):
        before = weights[name][place]
        losses = []
        for value in (before + step, before - step):
            weights[name][place] = value
            losses.append(forward(weights, inputs, EPSILON) @ by_logit)
        weights[name][place] = before
        numerical[place] = (losses[0] - losses[1]) / (2 * step)
    assert np.abs(exact).max() > 1e-3
    assert np.allclose(exact, numerical, atol=1e-5)


FORMS = [
    pytest.param({}, id="two layers in the last stage"),
    pytest.param({"exits": (2, 3)}, id="one layer in the last stage"),
    pytest.param({"exits": (1, 2, 3)}, id="three stages"),
    pytest.param({"apart": 1}, id="layers apart"),
    pytest.param({"storage": "fp16"}, id="fp16"),
]


@pytest.mark.parametrize("form", FORMS)
def test_logits_equal_those_of_the_model(form, tmp_path):
    folder = pair_model(tmp_path / "model", **form)
    model, spec = CrossEncoder(str(folder), precision="exact"), cross_encoder_spec(str(folder))
    query, texts = "red cat", ["the dog sat", "a cat runs not", "server local file red", "blue"]
    stage = LastStage(spec)
    finished = []
    layers = LowerLayers(spec, stage, choose("exact", None, "cpu"), threads=1)
    inputs = layers.inputs(model.pairs(query, texts)[0], 0, finished.append)
    first, means = inputs.first.astype(np.float32), inputs.means.astype(np.float32)
    logits = forward(stage.weights, Inputs(first, means, inputs.likenesses), stage.epsilon)
    exact = model.score(query, texts)
    assert sum(finished) == len(texts)
    assert np.ptp(exact) > 0.1
    assert np.allclose(logits, exact, atol=0.02 * np.ptp(exact))  # states are kept in fp16
    assert list(np.argsort(logits)) == list(np.argsort(exact))
