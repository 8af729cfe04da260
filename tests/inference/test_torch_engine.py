"""torch as the runtime: with a stand-in that has a GPU, and with the real torch on the CPU if it is installed."""

from __future__ import annotations

import importlib.util
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from onnx import TensorProto, helper

import shortlist
import standin_torch
import tiny
from shortlist import CrossEncoder
from shortlist.errors import InvalidInput, MissingExtra, ModelError
from shortlist.inference import devices, torch_engine
from shortlist.inference.torch_graph import Graph
from shortlist.rerankers.progressive import DropRule, ProgressiveReranker

TEXTS = ["cat", "green " * 9, "the dog sat", ""]
REAL = importlib.util.find_spec("torch") is not None


@pytest.fixture(params=["stand-in", pytest.param("real", marks=pytest.mark.skipif(not REAL, reason="needs torch"))])
def device(request):
    """The device of the stand-in's GPU, or of the real torch's CPU."""
    if request.param == "real":
        yield "torch:cpu"
    else:
        with standin_torch.installed():
            yield "torch:cuda"


@pytest.fixture
def gpu():
    with standin_torch.installed() as torch:
        yield torch


@pytest.fixture
def cross_encoder(tmp_path):
    return str(tiny.cross_encoder(tmp_path / "cross"))


@pytest.fixture
def exact(cross_encoder):
    return CrossEncoder(cross_encoder, precision="exact", device="cpu").score("query", TEXTS)


def test_a_file_in_fp32_has_the_scores_of_onnx_runtime(cross_encoder, exact, device):
    reranker = shortlist.load_reranker(cross_encoder, precision="exact", device=device)
    assert reranker.score("query", TEXTS) == pytest.approx(exact, abs=1e-5)
    assert reranker.score("query", []) == []


@pytest.mark.parametrize(("precision", "tolerance"), [("fp16", 0.02), ("bf16", 0.1)])
def test_half_precision_is_close(cross_encoder, exact, device, precision, tolerance):
    reranker = shortlist.load_reranker(cross_encoder, precision=precision, device=device)
    assert reranker.runtime.precision == precision
    assert reranker.score("query", TEXTS) == pytest.approx(exact, abs=tolerance)


@pytest.mark.parametrize(
    ("given", "precision", "shown"),
    [
        ("torch:cuda", "auto", "torch fp16 on cuda"),
        ("Torch:CUDA:1", "fast", "torch fp16 on cuda:1"),
        ("torch:cuda", "exact", "torch fp32 on cuda"),
        ("torch:cuda", "bf16", "torch bf16 on cuda"),
        ("torch:cpu", "auto", "torch fp32"),
        ("torch:cpu", "bf16", "torch bf16"),
    ],
)
def test_the_precision_of_each_device(gpu, cross_encoder, given, precision, shown):
    assert CrossEncoder(cross_encoder, device=given, precision=precision).runtime.shown == shown


def test_batches_on_a_gpu_are_large_and_lengths_multiples_of_8(gpu, cross_encoder):
    reranker = CrossEncoder(cross_encoder, device="torch:cuda")
    assert reranker.batch_rows == torch_engine.GPU_ROWS
    assert len(reranker.plan([20] * 300 + [8] * 200)) == 1
    lengths = [512] * 100
    assert [len(rows) for rows in reranker.plan(lengths)] == [64, 36]
    seen = []
    engine = reranker._session._engine
    model = engine._model
    engine._model = lambda tensors: seen.append(tensors["input_ids"].shape) or model(tensors)
    reranker.score("query", TEXTS)
    assert seen == [(4, 16)]


def test_the_encoder(tmp_path, device):
    folder = str(tiny.encoder(tmp_path / "bi"))
    own = shortlist.load_encoder(folder, device=device, precision="exact")
    expected = shortlist.load_encoder(folder, device="cpu", precision="exact").encode_passages(TEXTS)
    assert np.abs(own.encode_passages(TEXTS) - expected).max() < 1e-5


def test_stages_run_as_one_model_and_early_exits_as_several(tmp_path, device):
    folder = str(tiny.staged(tmp_path))
    expected = CrossEncoder(folder, precision="exact", device="cpu").score("query", TEXTS)
    model = CrossEncoder(folder, precision="exact", device=device)
    assert len(model._session._engines._engines) == 1
    assert model.score("query", TEXTS) == pytest.approx(expected, abs=1e-4)
    progressive = ProgressiveReranker(model, DropRule((1.0, 1.0), 1))
    assert progressive.score("query", TEXTS) == pytest.approx(expected, abs=1e-4)


def test_stored_states(tmp_path, device):
    folder = str(tiny.staged(tmp_path, apart=True))
    expected = CrossEncoder(folder, precision="exact", device="cpu")
    model = CrossEncoder(folder, precision="exact", device=device)
    states = dict(zip(TEXTS, model.states_of(TEXTS), strict=True))
    assert states == dict(zip(TEXTS, expected.states_of(TEXTS), strict=True))

    def lookup(texts):
        return [states[text] for text in texts]

    scores = model.with_states(lookup).score("query", TEXTS)
    assert scores == pytest.approx(expected.with_states(lookup).score("query", TEXTS), abs=1e-4)


@pytest.mark.slow
def test_the_packaged_models(device):
    from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER

    texts = ["Income tax is due in April.", "Cats sleep most of the day. " * 8]
    exact = CrossEncoder(CROSS_ENCODER, precision="exact", device="cpu").score("when is tax due", texts)
    own = CrossEncoder(CROSS_ENCODER, precision="exact", device=device).score("when is tax due", texts)
    assert own == pytest.approx(exact, abs=1e-3)
    half = CrossEncoder(CROSS_ENCODER, precision="fp16", device=device).score("when is tax due", texts)
    assert half == pytest.approx(exact, abs=0.05)
    vectors = shortlist.load_encoder(BI_ENCODER, precision="fp16", device=device).encode_passages(texts)
    assert np.abs(vectors - shortlist.load_encoder(BI_ENCODER, device="cpu").encode_passages(texts)).max() < 0.005


def test_the_fingerprint_differs(cross_encoder, gpu):
    prints = {CrossEncoder(cross_encoder, device="torch:cuda", precision=name).fingerprint for name in ("fp16", "bf16")}
    assert len(prints | {CrossEncoder(cross_encoder, device="cpu", precision="exact").fingerprint}) == 3


def masked(folder, mask_value, tiny_number=1e-12):
    """Write a model whose mask and smallest number have no fp16 form."""
    nodes = [
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["one", "mask"], ["hidden"]),
        helper.make_node("Mul", ["hidden", "big"], ["bias"]),
        helper.make_node("Add", ["bias", "one"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["shares"], axis=-1),
        helper.make_node("Mul", ["shares", "zero"], ["nothing"]),
        helper.make_node("Max", ["nothing", "small"], ["safe"]),
        helper.make_node("Div", ["nothing", "safe"], ["zeros"]),
        helper.make_node("Add", ["shares", "zeros"], ["logits"]),
    ]
    constants = {
        name: np.array([value], dtype=np.float32)
        for name, value in (("one", 1.0), ("big", mask_value), ("zero", 0.0), ("small", tiny_number))
    }
    tiny.save(folder, nodes, constants, "logits", "model.onnx")
    return folder / "model.onnx"


@pytest.mark.parametrize("value", [-10000.0, -3.4e38])
def test_a_mask_that_fp16_cannot_hold_does_not_become_nan(tmp_path, gpu, value):
    graph = Graph(masked(tmp_path, value), gpu.float16, "cuda")
    ids, mask = np.ones((1, 4), dtype=np.int64), np.array([[1, 1, 0, 0]])
    feed = {"input_ids": gpu.from_numpy(ids).to("cuda"), "attention_mask": gpu.from_numpy(mask).to("cuda")}
    (shares,) = graph(feed)
    assert (shares.dtype, str(shares.device)) == ("float16", "cuda")
    assert shares.array.tolist() == [[0.5, 0.5, 0.0, 0.0]]


def test_an_operator_that_is_not_known_is_an_error_that_names_it(tmp_path, gpu):
    nodes = [helper.make_node("Erf", ["x"], ["y"]), helper.make_node("Cos", ["y"], ["logits"])]
    tiny.save(tmp_path, nodes, {"x": np.zeros((1, 1), dtype=np.float32)}, "logits", "model.onnx")
    with pytest.raises(ModelError, match=r"operators Cos, Erf .*model\.safetensors, or device cuda"):
        Graph(tmp_path / "model.onnx", gpu.float32, "cpu")


def test_a_damaged_file_is_an_error(tmp_path, gpu):
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelError, match="torch cannot load"):
        Graph(tmp_path / "model.onnx", gpu.float32, "cpu")


def test_without_onnx_the_error_has_the_pip_line(cross_encoder, gpu, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtra, match=r"pip install 'shortlist\[gpu\]'"):
        CrossEncoder(cross_encoder, device="torch:cuda")


def test_attention_and_linear_layers_are_one_call_each(gpu):
    from shortlist.models.packaged import CROSS_ENCODER, packaged_folder

    graph = Graph(packaged_folder(CROSS_ENCODER) / "stage-4.onnx", gpu.float32, "cpu", ["logits"])
    operators = [step.operator for step, _, _ in graph._steps]
    assert (operators.count("Attention"), operators.count("Linear")) == (2, 15)
    assert operators.count("Softmax") == 1  # that of the head


def test_without_torch_the_error_has_the_pip_line(monkeypatch, cross_encoder):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InvalidInput, match=r"device torch:cuda is not available: torch is not installed.*Available"):
        CrossEncoder(cross_encoder, device="torch:cuda")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("torch:tpu", "torch:tpu is not available: torch cannot use it .Expected one of"),
        ("torch:mps", "torch:mps is not available: torch cannot use it"),
        ("torch:cuda", "torch:cuda is not available: torch finds no GPU"),
    ],
)
def test_devices_that_torch_does_not_have(cross_encoder, name, message):
    with standin_torch.installed(gpus=0), pytest.raises(InvalidInput, match=message) as caught:
        CrossEncoder(cross_encoder, device=name)
    assert caught.value.field == "device"


def test_no_other_device_imports_torch(monkeypatch, cross_encoder):
    monkeypatch.setattr(devices, "_has_cuda_library", lambda: False)
    monkeypatch.setitem(sys.modules, "torch", None)
    for device in ("auto", "cpu"):
        assert shortlist.load_reranker(cross_encoder, device=device).score("query", ["cat"])


class Classifier:
    """A model of transformers: the score of a pair is the mean of its token ids."""

    def __init__(self, labels=1, types=2):
        self.config = SimpleNamespace(num_labels=labels, type_vocab_size=types)
        self.moves = []

    def to(self, **target):
        self.moves.append((str(target["device"]), target["dtype"]))
        return self

    def eval(self):
        return self

    def forward(self, input_ids, attention_mask, token_type_ids=None):
        """See `__call__`."""

    def __call__(self, input_ids, attention_mask, **types):
        self.inputs = ["input_ids", "attention_mask", *types]
        shape = (len(input_ids.array), self.config.num_labels)
        logits = (input_ids.array * attention_mask.array).sum(axis=1) / attention_mask.array.sum(axis=1)
        return SimpleNamespace(logits=standin_torch.from_numpy(np.broadcast_to(logits[:, None], shape).astype("f4")))


@pytest.fixture
def with_weights(tmp_path, monkeypatch, gpu):
    """A folder with an ONNX file and with weights of transformers."""

    def make(**options):
        folder = tiny.cross_encoder(tmp_path / "both")
        (folder / "model.safetensors").write_bytes(b"weights")
        config = json.loads((folder / "config.json").read_text()) | {"architectures": ["BertForSequenceClassification"]}
        (folder / "config.json").write_text(json.dumps(config))
        model = Classifier(**options)
        loader = SimpleNamespace(from_pretrained=lambda name, **given: loader.given.append(given) or model, given=[])
        monkeypatch.setitem(sys.modules, "transformers", SimpleNamespace(AutoModelForSequenceClassification=loader))
        return str(folder), model, loader

    return make


def test_weights_of_transformers_are_preferred_to_the_onnx_file(with_weights, exact):
    folder, model, loader = with_weights()
    reranker = shortlist.load_reranker(folder, device="torch:cuda", precision="bf16")
    assert isinstance(reranker, CrossEncoder)
    assert reranker.score("query", TEXTS) == pytest.approx(exact, abs=1e-4)
    assert model.moves == [("cuda", "bfloat16")]
    assert model.inputs == ["input_ids", "attention_mask", "token_type_ids"]
    assert loader.given == [{"local_files_only": True, "trust_remote_code": False}]
    on_cpu = shortlist.load_reranker(folder, device="cpu")
    assert on_cpu.weights_hash() != reranker.weights_hash()


def test_a_model_without_segments_gets_none(with_weights):
    folder, model, _ = with_weights(types=1)
    shortlist.load_reranker(folder, device="torch:cuda").score("query", TEXTS)
    assert model.inputs == ["input_ids", "attention_mask"]


def test_two_labels_are_an_error(with_weights):
    folder, _, _ = with_weights(labels=2)
    with pytest.raises(ModelError, match="not a cross-encoder with one label"):
        shortlist.load_reranker(folder, device="torch:cuda")


def test_weights_that_transformers_cannot_load_are_an_error(with_weights):
    folder, _, loader = with_weights()
    loader.from_pretrained = lambda *_, **__: (_ for _ in ()).throw(OSError("no file named"))
    with pytest.raises(ModelError, match=r"torch cannot load .*both: no file named"):
        shortlist.load_reranker(folder, device="torch:cuda")


def test_without_transformers_the_error_has_the_pip_line(with_weights, monkeypatch):
    folder, _, _ = with_weights()
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtra, match=r"shortlist\[torch\]"):
        shortlist.load_reranker(folder, device="torch:cuda")
