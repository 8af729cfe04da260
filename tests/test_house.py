"""What holds for the package as a whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import shortlist

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "shortlist"
HEAVY = {"torch", "transformers", "sentence_transformers", "onnxruntime", "openvino", "qdrant_edge", "huggingface_hub"}


def test_all_is_true():
    assert sorted(shortlist.__all__) == shortlist.__all__ or set(shortlist.__all__) <= set(dir(shortlist))
    assert all(hasattr(shortlist, name) for name in shortlist.__all__)


def loaded_by(code):
    code = f"import sys, importlib, shortlist.cli; {code}; print(' '.join(sys.modules))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_importing_loads_nothing_heavy():
    every = "from shortlist.cli.command_table import NAMES; "
    every += "[importlib.import_module('shortlist.cli.commands.' + n) for n in NAMES]"
    loaded = loaded_by(every)
    assert "shortlist.cli.commands.tune" in loaded
    assert not HEAVY & loaded


def test_a_search_does_not_wait_for_what_other_commands_import():
    loaded = loaded_by("import shortlist.cli.commands.search")
    assert not [name for name in loaded if name.startswith(("shortlist.evaluation", "shortlist.server", "pydantic"))]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_files_stay_small(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_architecture_names_every_room():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = {p.name for p in PACKAGE.iterdir() if p.suffix == ".py" or p.is_dir()} - {"__pycache__", "__main__.py"}
    assert not {room for room in rooms if room not in text}


def test_weights_have_a_licence_and_notice():
    for folder in (PACKAGE / "models" / "packaged").iterdir():
        assert (folder / "LICENSE").is_file()
        assert (folder / "NOTICE").is_file()
