"""The device of a model, with stand-ins for CUDA and for the devices of OpenVINO."""

import sys

import onnx
import onnxruntime
import pytest

import shortlist
import standin_devices
import tiny
from shortlist import CrossEncoder
from shortlist.errors import InvalidInput, MissingExtra, ModelError
from shortlist.inference import devices
from shortlist.inference.devices import Device, checked_device
from shortlist.rerankers.progressive import DropRule, ProgressiveReranker

TEXTS = ["cat", "green " * 9, "the dog sat", ""]


@pytest.fixture(autouse=True)
def no_real_gpu(monkeypatch):
    monkeypatch.setattr(devices, "_has_cuda_library", lambda: False)


@pytest.fixture
def cross_encoder(tmp_path):
    return str(tiny.cross_encoder(tmp_path / "cross"))


@pytest.fixture
def exact(cross_encoder):
    return CrossEncoder(cross_encoder, precision="exact", device="cpu").score("query", TEXTS)


@pytest.mark.parametrize("device", ["auto", "cuda", " CUDA "])
def test_auto_and_cuda_run_on_cuda_if_it_starts(cross_encoder, exact, device, tmp_path):
    with standin_devices.cuda() as session:
        reranker = shortlist.load_reranker(cross_encoder, device=device)
        assert reranker.runtime.shown == "onnxruntime tf32 on cuda"
        assert reranker.score("query", TEXTS) == pytest.approx(exact, abs=1e-5)
        assert reranker.batch_rows == 64
        encoder = shortlist.load_encoder(str(tiny.encoder(tmp_path / "bi")), device=device)
        assert (encoder.runtime.device, encoder.encode_queries(["cat"]).shape) == ("cuda", (1, tiny.WIDTH))
        assert session.settings == [{"use_tf32": "1"}] * 2


def test_exact_on_cuda_is_fp32(cross_encoder):
    with standin_devices.cuda() as session:
        reranker = shortlist.load_reranker(cross_encoder, precision="exact", device="cuda")
        assert (reranker.runtime.precision, session.settings) == ("fp32", [{"use_tf32": "0"}])


def test_fp16_on_cuda_is_close_and_runs_stages_as_one_model(cross_encoder, exact, tmp_path):
    folder = str(tiny.staged(tmp_path / "staged"))
    expected = CrossEncoder(folder, precision="exact", device="cpu").score("query", TEXTS)
    with standin_devices.cuda() as session:
        reranker = shortlist.load_reranker(cross_encoder, precision="fp16", device="cuda")
        assert (reranker.runtime.shown, session.settings) == ("onnxruntime fp16 on cuda", [{"use_tf32": "0"}])
        assert reranker.score("query", TEXTS) == pytest.approx(exact, abs=0.02)
        model = CrossEncoder(folder, precision="fp16", device="cuda")
        assert model.score("query", TEXTS) == pytest.approx(expected, abs=0.02)
        assert len(session.settings) == 2
        progressive = ProgressiveReranker(model, DropRule((1.0, 1.0), 1))
        assert progressive.score("query", TEXTS) == pytest.approx(expected, abs=0.02)
        assert len(session.settings) == 5


def test_weights_in_int8_are_whole_before_the_conversion_to_fp16():
    from shortlist.inference.onnx_half import half_model
    from shortlist.models.packaged import CROSS_ENCODER, packaged_folder

    graph = onnx.load_from_string(half_model([packaged_folder(CROSS_ENCODER) / "stage-6.onnx"])).graph
    types = {constant.data_type for constant in graph.initializer if constant.dims and max(constant.dims) > 100}
    assert types == {onnx.TensorProto.FLOAT16}
    assert next(port.type.tensor_type.elem_type for port in graph.input) == onnx.TensorProto.FLOAT


def test_fp16_on_cuda_needs_onnx(cross_encoder, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with standin_devices.cuda(), pytest.raises(MissingExtra, match=r"pip install 'shortlist\[gpu\]'"):
        CrossEncoder(cross_encoder, precision="fp16", device="cuda")


def test_a_file_that_has_no_fp16_form_is_an_error(cross_encoder, tmp_path):
    (tmp_path / "cross" / "onnx" / "model.onnx").write_bytes(b"not a model")
    with standin_devices.cuda(), pytest.raises(ModelError, match="cannot be converted to fp16"):
        CrossEncoder(cross_encoder, precision="fp16", device="cuda")


def test_bf16_on_cuda_is_an_error_that_names_torch(cross_encoder):
    with standin_devices.cuda(), pytest.raises(InvalidInput, match=r"bf16 is not available on cuda.*torch:cuda") as e:
        CrossEncoder(cross_encoder, precision="bf16", device="cuda")
    assert e.value.field == "precision"


def test_bf16_on_a_gpu_of_openvino_is_an_error(cross_encoder):
    with standin_devices.openvino_with("GPU") as compiled:
        assert CrossEncoder(cross_encoder, precision="fp16", device="openvino:GPU").runtime.precision == "fp16"
        with pytest.raises(InvalidInput, match="bf16 is not available on openvino:GPU: OpenVINO runs fp16 there"):
            CrossEncoder(cross_encoder, precision="bf16", device="openvino:GPU")
        assert len(compiled) == 1


def test_the_fingerprint_on_cuda_differs(cross_encoder):
    on_cpu = CrossEncoder(cross_encoder, precision="exact", device="cpu")
    with standin_devices.cuda():
        assert CrossEncoder(cross_encoder, precision="exact", device="cuda").fingerprint != on_cpu.fingerprint


def test_cpu_stays_on_the_cpu(cross_encoder):
    with standin_devices.cuda() as session:
        assert shortlist.load_reranker(cross_encoder, device="cpu").runtime.device == "cpu"
        assert session.settings == []


def test_stages_and_early_exits_run_on_cuda(tmp_path):
    folder = str(tiny.staged(tmp_path))
    with standin_devices.cuda() as session:
        model = CrossEncoder(folder, device="cuda")
        progressive = ProgressiveReranker(model, DropRule((1.0, 1.0), 1))
        assert progressive.score("query", TEXTS) == pytest.approx(model.score("query", TEXTS), abs=1e-6)
        assert len(session.settings) == 3


def test_a_listed_provider_that_does_not_start_is_an_error_and_auto_takes_the_cpu(cross_encoder):
    with standin_devices.cuda(starts=False):
        assert shortlist.load_reranker(cross_encoder, device="auto").runtime.device == "cpu"
        with pytest.raises(
            InvalidInput, match=r"the CUDA provider does not start.*nvidia-smi.*Available here: cpu"
        ) as e:
            shortlist.load_reranker(cross_encoder, device="cuda")
        assert e.value.field == "device"


def test_the_error_of_the_provider_is_shown(monkeypatch, cross_encoder):
    with standin_devices.cuda() as session:
        monkeypatch.setattr(session, "__init__", lambda *_, **__: 1 / 0)
        with pytest.raises(InvalidInput, match=r"does not start \(division by zero\)"):
            CrossEncoder(cross_encoder, device="cuda")


def test_a_model_that_cuda_does_not_take_is_an_error(cross_encoder):
    with (
        standin_devices.cuda(takes_models=False),
        pytest.raises(ModelError, match=r"cannot load .* on cuda: it fell back to the CPU"),
    ):
        CrossEncoder(cross_encoder, device="cuda")


def test_without_a_gpu_the_error_begins_with_that_fact(monkeypatch, cross_encoder):
    monkeypatch.setattr(devices, "_has_gpu", lambda: False)
    message = r"^this machine has no visible GPU for CUDA, so device cuda is not available.*Available here: cpu"
    with pytest.raises(InvalidInput, match=message) as caught:
        CrossEncoder(cross_encoder, device="cuda")
    assert caught.value.field == "device"


def test_a_gpu_is_one_that_the_driver_counts(monkeypatch):
    class Driver:
        gpus = 0

        def cuInit(self, flags):
            return 0

        def cuDeviceGetCount(self, count):
            count._obj.value = self.gpus
            return 0

    monkeypatch.setattr(devices.ctypes, "CDLL", lambda name: Driver())
    assert not devices._has_gpu()
    monkeypatch.setattr(Driver, "gpus", 1)
    assert devices._has_gpu()

    def missing(name):
        raise OSError(name)

    monkeypatch.setattr(devices.ctypes, "CDLL", missing)
    assert not devices._has_gpu()


def test_without_the_provider_the_error_names_the_devices_and_the_pip_line(monkeypatch, cross_encoder):
    monkeypatch.setattr(devices, "_has_gpu", lambda: True)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    message = r"device cuda is not available: .*pip install 'onnxruntime-gpu\[cuda,cudnn\]'.*Available here: cpu"
    with pytest.raises(InvalidInput, match=message):
        CrossEncoder(cross_encoder, device="cuda")


def test_the_test_model_is_a_model_that_onnx_runtime_loads():
    session = onnxruntime.InferenceSession(devices.IDENTITY, providers=["CPUExecutionProvider"])
    assert session.run(None, {session.get_inputs()[0].name: [1.0]})[0].tolist() == [1.0]


def test_openvino_compiles_on_the_device_in_fp16(cross_encoder, exact, tmp_path):
    with standin_devices.openvino_with("GPU.0", "GPU.1") as compiled:
        reranker = shortlist.load_reranker(cross_encoder, device="openvino:GPU")
        assert reranker.runtime.shown == "openvino fp16 on GPU"
        assert reranker.score("query", TEXTS) == pytest.approx(exact, abs=1e-4)
        shortlist.load_encoder(str(tiny.encoder(tmp_path / "bi")), precision="exact", device="openvino:gpu.1")
        settings = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": "f16"}
        assert compiled == [("GPU", settings), ("GPU.1", {**settings, "INFERENCE_PRECISION_HINT": "f32"})]


def test_openvino_on_the_cpu_uses_its_cores(cross_encoder):
    with standin_devices.openvino_with() as compiled:
        CrossEncoder(cross_encoder, precision="exact", device="openvino:CPU", threads=2)
        assert compiled[0][0] == "CPU"
        assert (compiled[0][1]["NUM_STREAMS"], compiled[0][1]["INFERENCE_NUM_THREADS"]) == (2, 2)


def test_a_device_that_openvino_does_not_find_is_an_error(cross_encoder):
    with (
        standin_devices.openvino_with("GPU"),
        pytest.raises(InvalidInput, match=r"openvino:NPU is not available.*Available here: cpu, openvino:GPU"),
    ):
        CrossEncoder(cross_encoder, device="openvino:NPU")


def test_without_openvino_the_error_has_the_pip_line(monkeypatch, cross_encoder):
    monkeypatch.setattr(devices, "_has_openvino", lambda: False)
    with pytest.raises(InvalidInput, match=r"OpenVINO is not installed\. Install it: pip install openvino"):
        CrossEncoder(cross_encoder, device="openvino:GPU")
    assert [device.name for device in devices.available()] == ["cpu"]


@pytest.mark.parametrize("device", ["tpu", "", "cuda:1", "openvino:", "openvino", "torch", "torch:", 3, None])
def test_a_device_of_another_form_is_refused(device):
    with pytest.raises(
        InvalidInput, match=r"device must be auto, cpu, cuda, openvino:NAME such as openvino:GPU, or torch:NAME .*, not"
    ):
        checked_device(device)


def test_the_devices_of_this_machine():
    with standin_devices.openvino_with("GPU"), standin_devices.cuda():
        assert devices.available() == [
            Device("cpu", "The CPU"),
            Device("cuda", "an NVIDIA GPU, through ONNX Runtime"),
            Device("openvino:GPU", "The GPU"),
        ]


def test_the_cuda_library_is_found_without_an_import(monkeypatch, tmp_path):
    monkeypatch.undo()
    assert devices._has_cuda_library() is (devices.CUDA_PROVIDER in onnxruntime.get_available_providers())
    (tmp_path / "capi").mkdir()
    (tmp_path / "capi" / "libonnxruntime_providers_cuda.so").touch()
    spec = type("Spec", (), {"submodule_search_locations": [str(tmp_path)]})
    monkeypatch.setattr(devices.importlib.util, "find_spec", lambda name: spec)
    assert devices._has_cuda_library()
