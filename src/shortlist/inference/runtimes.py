"""Which runtime and precision run here, and why."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from shortlist.errors import InvalidInput

PRECISIONS = ("auto", "exact", "fast")


@dataclass(frozen=True, slots=True)
class Runtime:
    """`engine` is "openvino" or "onnxruntime", `precision` "fp32" or "bf16", `why` one sentence for people.

    `int8` names the calibration under which linear layers multiply in int8 and the rest in `precision`; None where
    everything runs in `precision`.
    """

    engine: str
    precision: str
    why: str
    int8: Path | None = None

    @property
    def shown(self) -> str:
        """Both in a few words, such as "openvino int8 and bf16"."""
        return f"{self.engine} {'int8 and ' if self.int8 else ''}{self.precision}"


def choose(precision: str = "auto", int8: Path | None = None) -> Runtime:
    """The runtime for `precision`: "exact" is fp32, "fast" the fastest that keeps quality, "auto" the default.

    `int8` is the model's calibration for int8, if it has one.

    Raises:
        InvalidInput: An unknown precision.
    """
    if precision not in PRECISIONS:
        raise InvalidInput(f"precision {precision!r} is unknown; choose one of {', '.join(PRECISIONS)}")
    if precision == "exact":
        return Runtime("onnxruntime", "fp32", "exact was asked for: fp32 on ONNX Runtime")
    if importlib.util.find_spec("openvino") is None:
        return Runtime("onnxruntime", "fp32", "OpenVINO is not installed on this platform, so fp32 on ONNX Runtime")
    flags = _flags(CPUINFO)
    bf16 = _has_bf16(flags)
    if int8 is not None and _has_int8(flags):
        rest = "bf16" if bf16 else "fp32"
        return Runtime("openvino", rest, f"this CPU multiplies int8 fast: OpenVINO in int8 and {rest}", int8)
    if bf16:
        return Runtime("openvino", "bf16", "this CPU has bf16 instructions: OpenVINO in bf16")
    return Runtime("onnxruntime", "fp32", "this CPU has no bf16 instructions, so fp32 on ONNX Runtime")


CPUINFO = Path("/proc/cpuinfo")
BF16_FLAGS = {"avx512_bf16", "amx_bf16", "avx_ne_convert"}
"""What Linux calls the instructions that OpenVINO's bf16 needs."""
INT8_FLAGS = {"avx512_vnni", "amx_int8"}
"""Those with which int8 is worth it. Held to AVX-512 with VNNI and no bf16, 50 pairs took .58 of fp32's time on ONNX
Runtime; held to AVX2 with VNNI, 1.1 to 1.2 of it; on a Zen 3 machine, which has neither, int8 was slower too."""


def _has_bf16(flags: set[str] | None) -> bool:
    if flags is not None and BF16_FLAGS.isdisjoint(flags):
        return False  # known without loading OpenVINO, which takes a third of a second
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _has_int8(flags: set[str] | None) -> bool:
    """False where the CPU's flags can't be read."""
    return not INT8_FLAGS.isdisjoint(flags or set())


def _flags(cpuinfo: Path) -> set[str] | None:
    """The CPU's flags; None where the file lists none."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return next((set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")), None)
