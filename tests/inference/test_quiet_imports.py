"""No runtime reports anything to anybody."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import shortlist

PACKAGE = Path(shortlist.__file__).parent
SCORE = """
import multiprocessing, socket, sys, threading

def refuse(*arguments, **options):
    raise AssertionError("a process or a connection was started")

multiprocessing.Process.start = socket.create_connection = socket.socket.connect = refuse
import shortlist

print(len(shortlist.load_reranker().score("when is tax due", ["Tax is due in April.", "Cats sleep."])))
print("openvino_telemetry" in sys.modules)
"""


def test_a_reranker_starts_no_process_and_no_connection():
    done = subprocess.run([sys.executable, "-c", SCORE], capture_output=True, text=True, timeout=300)
    assert done.stdout.split() == ["2", "False"], done.stderr


def test_openvino_uses_its_own_stub():
    pytest.importorskip("openvino")
    code = (
        "from shortlist.inference.quiet_imports import import_openvino; import sys; import_openvino();"
        "print('openvino_telemetry' in sys.modules); from openvino.tools.ovc import telemetry_utils as t;"
        "print(t.tm.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stdout.split() == ["False", "openvino.tools.ovc.telemetry_stub"], done.stderr


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_the_runtimes_are_imported_in_one_place(path):
    if path.name != "quiet_imports.py":
        text = path.read_text(encoding="utf-8").replace("if TYPE_CHECKING:\n    import openvino\n", "")
        assert re.findall(r"^\s+import (?:openvino|onnxruntime)\b", text, re.MULTILINE) == []
