"""The runtime, precision and device that a model runs with on this machine, and the reason."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from shortlist.errors import InvalidInput
from shortlist.inference.devices import (
    AUTO,
    CPU,
    CUDA,
    OPENVINO,
    TORCH,
    checked_device,
    cuda_starts,
    openvino_device,
    require_cuda,
    require_torch,
)
from shortlist.inference.quiet_imports import import_openvino

PRECISIONS = ("auto", "exact", "fast", "fp16", "bf16")
CPUINFO = Path("/proc/cpuinfo")
BF16_FLAGS = {"avx512_bf16", "amx_bf16", "avx_ne_convert"}
"""Linux's names of the instructions that OpenVINO needs for bf16."""
INT8_FLAGS = {"avx512_vnni", "amx_int8"}
"""Linux's names of the instructions that make int8 faster.

50 pairs took 0.58 of the time of fp32 on ONNX Runtime with AVX-512, VNNI and no bf16, and 1.1 to 1.2 of that time with
AVX2 and VNNI. A Zen 3 machine has neither, and int8 was slower there, too.
"""


@dataclass(frozen=True, slots=True)
class Runtime:
    """How a model runs.

    `engine` is "openvino", "onnxruntime" or "torch". `precision` is "fp32", "tf32", "fp16" or "bf16". `reason` is one
    sentence for people. `int8` is the file with the activation ranges if linear layers multiply in int8 and the rest
    runs in `precision`; None if everything runs in `precision`. `device` is "cpu", "cuda", or the name of a device of
    OpenVINO or torch, such as "GPU" or "cuda:1". With `as_worker`, the model is that of one of several workers. Its
    batches, and so the last digits of its outputs, do not depend on the number of threads, and no thread is bound to a
    core.
    """

    engine: str
    precision: str
    reason: str
    int8: Path | None = None
    device: str = CPU
    as_worker: bool = False

    @property
    def joins_stages(self) -> bool:
        """Whether a model in stages becomes one model, in which token states stay where they are computed."""
        return self.engine in ("openvino", "torch") or self.precision == "fp16"

    @property
    def shown(self) -> str:
        """Engine, precision and device in a few words: "openvino int8 and bf16", "onnxruntime tf32 on cuda"."""
        where = "" if self.device == CPU else f" on {self.device}"
        return f"{self.engine} {'int8 and ' if self.int8 else ''}{self.precision}{where}"


def choose(precision: str = "auto", int8: Path | None = None, device: str = AUTO) -> Runtime:
    """Return the runtime for a precision on a device.

    Args:
        precision: "exact" is fp32, "fast" the fastest precision that keeps the quality, "auto" the default. "fp16" and
            "bf16" are that type, on the devices that have it.
        int8: The model's file with activation ranges for int8, if there is one.
        device: "auto", "cpu", "cuda", "openvino:NAME" or "torch:NAME". "auto" is CUDA if it starts here, and the CPU
            otherwise.

    Raises:
        InvalidInput: An unknown precision or device, a device that is not available, or a precision that the device
            does not have. The message names the available ones.
    """
    checked_precision(precision)
    name = checked_device(device)
    if name.startswith(TORCH):
        return _on_torch(precision, name)
    if name == CUDA:
        require_cuda()
    if name == CUDA or (name == AUTO and cuda_starts()):
        return _on_cuda(precision)
    if name.startswith(OPENVINO):
        return _on_openvino(precision, int8, openvino_device(name))
    return _on_cpu(precision, int8)


def torch_precision(precision: str, device: str) -> str:
    """Return "fp32", "fp16" or "bf16" for a model under torch.

    "auto" and "fast" are fp16 on a GPU by the name "torch:NAME", and fp32 elsewhere.

    Raises:
        InvalidInput: An unknown precision or device.
    """
    name = checked_device(device)
    if checked_precision(precision) in ("fp16", "bf16"):
        return precision
    return "fp16" if precision != "exact" and name.startswith(TORCH) and name != f"{TORCH}{CPU}" else "fp32"


def checked_precision(precision: str) -> str:
    """Return the precision.

    Raises:
        InvalidInput: It is not one of PRECISIONS.
    """
    if precision not in PRECISIONS:
        raise InvalidInput(
            f"precision {precision!r} is unknown; choose one of {', '.join(PRECISIONS)}", field="precision"
        )
    return precision


def _on_torch(precision: str, device: str) -> Runtime:
    chosen, name = torch_precision(precision, device), require_torch(device)
    return Runtime("torch", chosen, f"torch was requested: {chosen} on {name}", device=name)


def _on_cuda(precision: str) -> Runtime:
    if precision == "bf16":
        raise _no_precision(precision, CUDA, "ONNX Runtime has fp16 there. Use fp16, or device torch:cuda")
    if precision == "fp16":
        return Runtime("onnxruntime", "fp16", "precision fp16: fp16 on ONNX Runtime with CUDA", device=CUDA)
    if precision == "exact":
        return Runtime("onnxruntime", "fp32", "precision exact: fp32 on ONNX Runtime with CUDA", device=CUDA)
    return Runtime("onnxruntime", "tf32", "CUDA is available: ONNX Runtime with CUDA", device=CUDA)


def _on_openvino(precision: str, int8: Path | None, device: str) -> Runtime:
    if precision == "exact":
        return Runtime("openvino", "fp32", f"precision exact: fp32 on OpenVINO's device {device}", device=device)
    if device != "CPU":
        if precision == "bf16":
            raise _no_precision(precision, f"{OPENVINO}{device}", "OpenVINO runs fp16 there. Use fp16 or auto")
        return Runtime("openvino", "fp16", f"OpenVINO's device {device} in fp16", device=device)
    if precision in ("fp16", "bf16"):
        return Runtime("openvino", _half_on_cpu(precision, f"{OPENVINO}CPU"), "bf16 was requested", device=device)
    flags = _flags(CPUINFO)
    rest = "bf16" if _has_bf16(flags) else "fp32"
    return Runtime("openvino", rest, "OpenVINO on the CPU was requested", int8 if _has_int8(flags) else None, device)


def _no_precision(precision: str, device: str, advice: str) -> InvalidInput:
    return InvalidInput(f"precision {precision} is not available on {device}: {advice}", field="precision")


def _half_on_cpu(precision: str, device: str) -> str:
    """Return "bf16", if the CPU has it. No CPU of today multiplies in fp16 fast."""
    has = importlib.util.find_spec("openvino") is not None and _has_bf16(_flags(CPUINFO))
    if precision == "bf16" and has:
        return "bf16"
    advice = "this CPU has bf16: use bf16 or auto" if has else "use auto, fast or exact"
    raise _no_precision(precision, device, advice)


def _on_cpu(precision: str, int8: Path | None) -> Runtime:
    if precision == "exact":
        return Runtime("onnxruntime", "fp32", "precision exact: fp32 on ONNX Runtime")
    if precision in ("fp16", "bf16"):
        return Runtime("openvino", _half_on_cpu(precision, CPU), "bf16 was requested: OpenVINO in bf16")
    if importlib.util.find_spec("openvino") is None:
        return Runtime("onnxruntime", "fp32", "OpenVINO is not installed: fp32 on ONNX Runtime")
    flags = _flags(CPUINFO)
    bf16 = _has_bf16(flags)
    if int8 is not None and _has_int8(flags):
        rest = "bf16" if bf16 else "fp32"
        return Runtime("openvino", rest, f"this CPU multiplies int8 fast: OpenVINO in int8 and {rest}", int8)
    if bf16:
        return Runtime("openvino", "bf16", "this CPU has bf16 instructions: OpenVINO in bf16")
    return Runtime("onnxruntime", "fp32", "this CPU has no bf16 instructions: fp32 on ONNX Runtime")


def _has_bf16(flags: set[str] | None) -> bool:
    if flags is not None and BF16_FLAGS.isdisjoint(flags):
        return False  # the flags decide: the import of OpenVINO takes 0.3 s
    openvino = import_openvino()

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _has_int8(flags: set[str] | None) -> bool:
    """False if the CPU's flags cannot be read."""
    return not INT8_FLAGS.isdisjoint(flags or set())


def _flags(cpuinfo: Path) -> set[str] | None:
    """The CPU's flags, or None if the file lists none."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return next((set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")), None)
