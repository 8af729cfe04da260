"""Which runtime and precision run here, and why."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from shortlist.errors import InvalidInput

PRECISIONS = ("auto", "exact", "fast")


@dataclass(frozen=True, slots=True)
class Runtime:
    """`engine` is "openvino" or "onnxruntime", `precision` "fp32" or "bf16", `why` one sentence for people."""

    engine: str
    precision: str
    why: str


def choose(precision: str = "auto") -> Runtime:
    """The runtime for `precision`: "exact" is fp32, "fast" the fastest that keeps quality, "auto" the default.

    Raises:
        InvalidInput: An unknown precision.
    """
    if precision not in PRECISIONS:
        raise InvalidInput(f"precision {precision!r} is unknown; choose one of {', '.join(PRECISIONS)}")
    if precision == "exact":
        return Runtime("onnxruntime", "fp32", "exact was asked for: fp32 on ONNX Runtime")
    if importlib.util.find_spec("openvino") is None:
        return Runtime("onnxruntime", "fp32", "OpenVINO is not installed on this platform, so fp32 on ONNX Runtime")
    if not _has_bf16():
        return Runtime("onnxruntime", "fp32", "this CPU has no bf16 instructions, so fp32 on ONNX Runtime")
    return Runtime("openvino", "bf16", "this CPU has bf16 instructions: OpenVINO in bf16, the fastest that keeps nDCG")


BF16_FLAGS = {"avx512_bf16", "amx_bf16", "avx_ne_convert"}
"""What Linux calls the instructions that OpenVINO's bf16 needs."""


def _has_bf16() -> bool:
    if not _may_have_bf16(Path("/proc/cpuinfo")):
        return False  # known without loading OpenVINO, which takes a third of a second
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _may_have_bf16(cpuinfo: Path) -> bool:
    """False only where the file lists the CPU's flags and none of them is one for bf16."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return True
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), None)
    return flags is None or not BF16_FLAGS.isdisjoint(flags)
