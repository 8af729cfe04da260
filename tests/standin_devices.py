"""Stand-ins for devices that the test machine lacks. Everything runs on the CPU, and reports what was requested."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import ClassVar

import onnxruntime
import pytest

from shortlist.inference import devices

CUDA = "CUDAExecutionProvider"


class CudaSession:
    """An ONNX Runtime session that reports CUDA. `settings` lists the settings of each CUDA session of a file."""

    starts = True
    """Whether CUDA starts at all."""
    takes_models = True
    """Whether CUDA takes a session of a file, rather than of the small model that tests CUDA."""
    settings: ClassVar[list[dict[str, str]]] = []
    real = onnxruntime.InferenceSession

    def __init__(self, model, options, *, providers, enable_fallback):
        assert enable_fallback == 0
        names = [name if isinstance(name, str) else name[0] for name in providers]
        is_file = model != devices.IDENTITY
        self._session = type(self).real(model, options, providers=["CPUExecutionProvider"])
        self._on_cuda = CUDA in names and self.starts and (self.takes_models or not is_file)
        if self._on_cuda and is_file:
            self.settings.append(providers[0][1])

    def get_providers(self):
        return [CUDA, "CPUExecutionProvider"] if self._on_cuda else ["CPUExecutionProvider"]

    def __getattr__(self, name):
        return getattr(self._session, name)


@contextlib.contextmanager
def cuda(*, starts: bool = True, takes_models: bool = True) -> Iterator[type[CudaSession]]:
    """ONNX Runtime with a CUDA provider. CUDA starts as the arguments tell."""
    session = type("Session", (CudaSession,), {"starts": starts, "takes_models": takes_models, "settings": []})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(devices, "_has_cuda_library", lambda: True)
        patch.setattr(devices, "_has_gpu", lambda: True)
        patch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, "CPUExecutionProvider"])
        patch.setattr(onnxruntime, "InferenceSession", session)
        devices._probed.cache_clear()
        yield session
    devices._probed.cache_clear()


@contextlib.contextmanager
def openvino_with(*names: str) -> Iterator[list[tuple[str, dict[str, object]]]]:
    """OpenVINO with these devices beside the CPU. Yields the device and the settings of each compiled model."""
    openvino = pytest.importorskip("openvino")
    compiled: list[tuple[str, dict[str, object]]] = []

    class Core(openvino.Core):
        @property
        def available_devices(self):
            return ["CPU", *names]

        def get_property(self, device, name):
            return f"The {device}" if name == "FULL_DEVICE_NAME" else super().get_property("CPU", name)

        def compile_model(self, model, device, settings):
            compiled.append((device, settings))
            return super().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(openvino, "Core", Core)
        yield compiled
