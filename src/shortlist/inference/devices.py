"""The devices that models run on: the CPU, an NVIDIA GPU through CUDA, and the devices of OpenVINO and of torch."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import io
import platform
import sys
import threading
from functools import cache
from pathlib import Path
from typing import NamedTuple

from shortlist.errors import InvalidInput
from shortlist.inference.quiet_imports import import_onnxruntime, import_openvino

AUTO, CPU, CUDA, OPENVINO, TORCH = "auto", "cpu", "cuda", "openvino:", "torch:"
FORMS = "auto, cpu, cuda, openvino:NAME such as openvino:GPU, or torch:NAME such as torch:cuda"
CUDA_PROVIDER = "CUDAExecutionProvider"
PIP_CUDA = "pip uninstall onnxruntime; pip install 'onnxruntime-gpu[cuda,cudnn]'"
"""Both packages install the same module, so the one without CUDA must go first."""

SILENT = 4
"""ONNX Runtime's log level for fatal errors alone."""
IDENTITY = bytes.fromhex(
    "08083a370a100a017812017922084964656e746974791201705a0f0a0178120a0a08080112040a020801620f0a0179120a0a080801"
    "12040a02080142040a001011"
)
"""An ONNX model of one Identity node. A session of this model shows whether CUDA starts."""

_probing = threading.Lock()


class Device(NamedTuple):
    """A device of this machine. `name` is the value for `device`, and `hardware` the name of the hardware."""

    name: str
    hardware: str


def checked_device(device: str) -> str:
    """Return the device in its usual spelling: "auto", "cpu", "cuda", "openvino:" or "torch:" with a name.

    The names of OpenVINO are in capitals, and those of torch in small letters.

    Raises:
        InvalidInput: The name has none of these forms.
    """
    if not isinstance(device, str):
        raise InvalidInput(f"device must be {FORMS}, not {device!r:.80}", field="device")
    kind, colon, name = device.strip().partition(":")
    kind = kind.lower()
    if colon and f"{kind}:" == OPENVINO and name:
        return f"{OPENVINO}{name.upper()}"
    if colon and f"{kind}:" == TORCH and name:
        return f"{TORCH}{name.lower()}"
    if colon or kind not in (AUTO, CPU, CUDA):
        raise InvalidInput(f"device must be {FORMS}, not {device!r:.80}", field="device")
    return kind


def is_torch(device: str) -> bool:
    """Return whether a device is one of torch: "torch:NAME"."""
    return checked_device(device).startswith(TORCH)


def cuda_starts() -> bool:
    """Return whether ONNX Runtime has its CUDA provider and the provider starts on this machine."""
    return _has_cuda_library() and _has_cuda_provider() and not _cuda_failure()


def require_cuda() -> None:
    """Check that ONNX Runtime can use CUDA.

    Raises:
        InvalidInput: The machine has no GPU, ONNX Runtime has no CUDA provider, or the provider does not start.
    """
    if not _has_gpu():
        raise InvalidInput(
            f"this machine has no visible GPU for CUDA, so device {CUDA} is not available. For a GPU, check the driver "
            f"with nvidia-smi, and install: {PIP_CUDA}. Available here: {_names()}",
            field="device",
        )
    if not _has_cuda_provider():
        raise _absent(CUDA, f"this ONNX Runtime has no CUDA provider. Install one: {PIP_CUDA}")
    if failure := _cuda_failure():
        raise _absent(CUDA, f"{failure}. Check the driver with nvidia-smi, and the libraries: {PIP_CUDA}")


def openvino_device(device: str) -> str:
    """Return OpenVINO's name of the device, such as "GPU" for "openvino:GPU".

    Raises:
        InvalidInput: OpenVINO is not installed, or finds no such device.
    """
    name = device.removeprefix(OPENVINO)
    if not _has_openvino():
        raise _absent(device, "OpenVINO is not installed. Install it: pip install openvino")
    if not any(known == name or known.startswith(f"{name}.") for known in _openvino_devices()):
        raise _absent(device, "OpenVINO finds no such device. Check its driver, or use another device")
    return name


def torch_device(device: str, model: str) -> str | None:
    """Return torch's name of the device for a model under sentence-transformers. None lets torch choose.

    Raises:
        InvalidInput: An unknown device, a device that torch does not have, or the device belongs to OpenVINO, which
            cannot run a `model` without an ONNX file.
    """
    name = checked_device(device)
    if name.startswith(OPENVINO):
        raise InvalidInput(
            f"{model} has no ONNX file that OpenVINO can run on {name}: use auto, cpu, cuda or torch:NAME",
            field="device",
        )
    return None if name == AUTO else require_torch(name)


def require_torch(device: str) -> str:
    """Return torch's name of a device, such as "cuda" for "torch:cuda". Imports torch.

    Raises:
        InvalidInput: torch is not installed, does not know the name, or finds no such device.
    """
    name = device.removeprefix(TORCH)
    try:
        import torch
    except ImportError as error:
        raise _absent(device, "torch is not installed. Install it: pip install 'shortlist[torch]'") from error
    if name.partition(":")[0] == CUDA and not torch.cuda.is_available():
        raise InvalidInput(
            f"device {device} is not available: torch finds no GPU. Check the driver with nvidia-smi, and install a "
            "torch with CUDA from https://pytorch.org/get-started/locally",
            field="device",
        )
    if name in (CPU, CUDA):
        return name
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise _absent(device, f"torch cannot use it ({str(error)[:80]})") from error
    return name


def available() -> list[Device]:
    """Return the devices of this machine, the CPU first."""
    others = _openvino_devices()
    devices = [Device(CPU, others.pop("CPU", "") or platform.processor() or platform.machine())]
    if cuda_starts():
        devices.append(Device(CUDA, "an NVIDIA GPU, through ONNX Runtime"))
    return devices + [Device(f"{OPENVINO}{name}", hardware) for name, hardware in others.items()]


def _absent(device: str, reason: str) -> InvalidInput:
    return InvalidInput(f"device {device} is not available: {reason}. Available here: {_names()}", field="device")


def _names() -> str:
    return ", ".join(known.name for known in available())


def _has_gpu() -> bool:
    """Whether the driver of CUDA is installed and sees a GPU."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


def _has_openvino() -> bool:
    return importlib.util.find_spec("openvino") is not None


def _openvino_devices() -> dict[str, str]:
    """OpenVINO's name of each device, and the name of its hardware; no devices if OpenVINO is not installed."""
    if not _has_openvino():
        return {}
    openvino = import_openvino()

    core = openvino.Core()
    return {name: str(core.get_property(name, "FULL_DEVICE_NAME")) for name in core.available_devices}


def _has_cuda_library() -> bool:
    """Whether the CUDA provider is among ONNX Runtime's files. The import of ONNX Runtime would take 0.2 s."""
    spec = importlib.util.find_spec("onnxruntime")
    folders = (spec.submodule_search_locations if spec is not None else None) or ()
    return any(any(Path(folder).glob("capi/*onnxruntime_providers_cuda.*")) for folder in folders)


def _has_cuda_provider() -> bool:
    onnxruntime = import_onnxruntime()

    return CUDA_PROVIDER in onnxruntime.get_available_providers()


def _cuda_failure() -> str:
    with _probing:
        return _probed()


@cache
def _probed() -> str:
    """Why the CUDA provider does not start, or an empty string.

    ONNX Runtime lists the provider also on a machine without a GPU, and falls back to the CPU without an error.
    """
    onnxruntime = import_onnxruntime()

    options = onnxruntime.SessionOptions()
    options.log_severity_level = SILENT
    try:
        if hasattr(onnxruntime, "preload_dlls"):
            with contextlib.redirect_stdout(io.StringIO()):  # prints the libraries that it does not find
                onnxruntime.preload_dlls(msvc=False, directory="")
        session = onnxruntime.InferenceSession(IDENTITY, options, providers=[CUDA_PROVIDER], enable_fallback=0)
    except Exception as error:  # noqa: BLE001 - its errors share no base but Exception
        return f"the CUDA provider does not start ({error})"
    return "" if CUDA_PROVIDER in session.get_providers() else "the CUDA provider does not start"
