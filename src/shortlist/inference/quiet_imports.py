"""The runtimes, imported without their telemetry: no data leaves the machine.

OpenVINO sends events to a server of Google Analytics at its import, unless its package openvino_telemetry is missing:
then it uses a stub of its own. Builds of ONNX Runtime for Windows report events to Windows.

Sources: openvino/tools/ovc/telemetry_utils.py of OpenVINO 2026, and docs/Privacy.md of ONNX Runtime.
"""

from __future__ import annotations

import sys
from threading import Lock
from typing import Any

TELEMETRY = "openvino_telemetry"

_importing = Lock()


def import_openvino() -> Any:
    """Return the package openvino. If it was imported before, it stays as it is."""
    if "openvino" in sys.modules:
        return _openvino()
    with _importing:
        before = sys.modules.get(TELEMETRY)
        sys.modules[TELEMETRY] = None  # type: ignore[assignment]  # its import then raises ImportError
        try:
            return _openvino()
        finally:
            if before is None:
                del sys.modules[TELEMETRY]
            else:
                sys.modules[TELEMETRY] = before


def import_onnxruntime() -> Any:
    """Return the package onnxruntime, with its telemetry switched off."""
    import onnxruntime

    if hasattr(onnxruntime, "disable_telemetry_events"):
        onnxruntime.disable_telemetry_events()
    return onnxruntime


def _openvino() -> Any:
    import openvino

    return openvino
