"""The choice of runtime and precision on the CPU. `test_devices` covers the other devices."""

from __future__ import annotations

from pathlib import Path

import pytest

from shortlist.errors import InvalidInput
from shortlist.inference import runtimes


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("processor : 0\nflags\t\t: fpu avx2 avx512_bf16\nflags : other\n", {"fpu", "avx2", "avx512_bf16"}),
        ("flags :", set()),
        ("Features : fp asimd bf16", None),  # lists no x86 flags: only OpenVINO knows
        ("", None),
    ],
)
def test_the_cpus_flags(tmp_path, text, flags):
    file = tmp_path / "cpuinfo"
    file.write_text(text)
    assert runtimes._flags(file) == flags


def test_without_cpuinfo_there_are_no_flags(tmp_path):
    assert runtimes._flags(tmp_path / "nothing") is None


INT8 = Path("int8.npz")
BF16, VNNI, BOTH, NEITHER = "avx512_bf16", "avx512_vnni", "avx512_bf16 avx512_vnni", "avx2 avx_vnni"


@pytest.mark.parametrize(
    ("flags", "int8", "shown"),
    [
        (BOTH, INT8, "openvino int8 and bf16"),
        (BOTH, None, "openvino bf16"),
        (BF16, INT8, "openvino bf16"),
        (VNNI, INT8, "openvino int8 and fp32"),
        (VNNI, None, "onnxruntime fp32"),
        (NEITHER, INT8, "onnxruntime fp32"),
    ],
)
def test_the_default_is_the_fastest_that_the_cpu_and_the_model_allow(monkeypatch, tmp_path, flags, int8, shown):
    file = tmp_path / "cpuinfo"
    file.write_text(f"flags : fpu {flags}\n")
    openvino = pytest.importorskip("openvino")
    monkeypatch.setattr(runtimes, "CPUINFO", file)
    monkeypatch.setattr(openvino.Core, "get_property", lambda *_: ["FP32", "BF16"])
    assert runtimes.choose(int8=int8, device="cpu").shown == shown
    assert runtimes.choose("exact", int8, "cpu").shown == "onnxruntime fp32"


@pytest.mark.parametrize(
    ("flags", "shown"), [(BOTH, "openvino int8 and bf16 on CPU"), (NEITHER, "openvino fp32 on CPU")]
)
def test_openvino_on_the_cpu_by_name(monkeypatch, tmp_path, flags, shown):
    file = tmp_path / "cpuinfo"
    file.write_text(f"flags : fpu {flags}\n")
    openvino = pytest.importorskip("openvino")
    monkeypatch.setattr(runtimes, "CPUINFO", file)
    monkeypatch.setattr(openvino.Core, "get_property", lambda *_: ["FP32", "BF16"])
    assert runtimes.choose("fast", INT8, "openvino:cpu").shown == shown
    assert runtimes.choose("exact", INT8, "openvino:cpu").shown == "openvino fp32 on CPU"


def test_without_flags_openvino_decides_on_bf16_and_int8_is_not_used(monkeypatch, tmp_path):
    openvino = pytest.importorskip("openvino")
    monkeypatch.setattr(runtimes, "CPUINFO", tmp_path / "nothing")
    monkeypatch.setattr(openvino.Core, "get_property", lambda *_: ["FP32", "INT8"])
    assert runtimes.choose(int8=INT8, device="cpu").shown == "onnxruntime fp32"
    monkeypatch.setattr(openvino.Core, "get_property", lambda *_: ["FP32", "INT8", "BF16"])
    assert runtimes.choose(int8=INT8, device="cpu").shown == "openvino bf16"


def test_without_openvino_the_precision_is_fp32(monkeypatch):
    monkeypatch.setattr(runtimes.importlib.util, "find_spec", lambda name: None)
    runtime = runtimes.choose(device="cpu")
    assert (runtime.shown, runtime.reason) == ("onnxruntime fp32", "OpenVINO is not installed: fp32 on ONNX Runtime")


def test_an_unknown_precision():
    with pytest.raises(InvalidInput, match="'half' is unknown; choose one of auto, exact, fast, fp16, bf16"):
        runtimes.choose("half")


@pytest.mark.parametrize("device", ["cpu", "openvino:CPU"])
def test_bf16_by_name_needs_a_cpu_that_has_it_and_fp16_is_for_gpus(monkeypatch, tmp_path, device):
    file = tmp_path / "cpuinfo"
    openvino = pytest.importorskip("openvino")
    monkeypatch.setattr(runtimes, "CPUINFO", file)
    monkeypatch.setattr(openvino.Core, "get_property", lambda *_: ["FP32", "BF16"])
    file.write_text(f"flags : {BOTH}\n")
    assert runtimes.choose("bf16", INT8, device).shown.startswith("openvino bf16")
    with pytest.raises(InvalidInput, match=f"fp16 is not available on {device}: this CPU has bf16"):
        runtimes.choose("fp16", INT8, device)
    file.write_text(f"flags : {NEITHER}\n")
    for precision in ("bf16", "fp16"):
        with pytest.raises(InvalidInput, match=f"{precision} is not available on {device}: use auto, fast or exact"):
            runtimes.choose(precision, INT8, device)
