"""Which runtime and precision run here, and why."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

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


def _has_bf16() -> bool:
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
