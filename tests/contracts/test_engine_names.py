"""An engine is known to its own folder, to the registry and to its contract suite, and to no other file."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import shortlist
from shortlist import registry

PACKAGE = Path(shortlist.__file__).parent
ALLOWED = ("indexes", "registry.py")
SAME_VENDOR = {"stores/qdrant.py", "stores/qdrant_filters.py", "stores/kinds.py"}
"""The store of the same vendor: collections that others made."""
PLANNER = {"planning/plan.py"}
"""A plan proposes an engine by its name."""


def outside_files():
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] not in ALLOWED:
            yield path


def names_of(engine_folder: Path) -> set[str]:
    """The folder's module name, its classes, and the heavy packages that it imports."""
    names = {f"indexes.{engine_folder.name}"}
    for path in engine_folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.split(".")[0])
    return names - {"shortlist", "numpy"} - set(sys.stdlib_module_names)


NAMES = {*registry.ENGINES, *registry.SERVERS}


def mentions(path: Path, names: set[str], strings: set[str]) -> list[str]:
    """The names in the text of a file, and the string constants that are an engine's name in the registry."""
    text = path.read_text(encoding="utf-8")
    constants = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
    return [*(name for name in names if name in text), *(name for name in strings if name in constants)]


FOLDERS = [folder for folder in (PACKAGE / "indexes").iterdir() if (folder / "__init__.py").is_file()]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_file_outside_names_an_engine(folder):
    names = names_of(folder)
    assert len(names) > 2
    named = [(path.relative_to(PACKAGE).as_posix(), mentions(path, names, NAMES)) for path in outside_files()]
    assert len(named) > 100
    assert [mention for mention in named if mention[1] and mention[0] not in SAME_VENDOR | PLANNER] == []


def test_the_search_for_names_finds_them(tmp_path):
    (folder,) = [folder for folder in FOLDERS if folder.name == "embedded"]
    file = tmp_path / "a.py"
    for line in (
        "from shortlist.indexes.embedded import EmbeddedIndex",
        "import qdrant_edge",
        'engine = "embedded"',
    ):
        file.write_text(line)
        assert mentions(file, names_of(folder), NAMES)
    file.write_text("texts_embedded = 3")
    assert mentions(file, names_of(folder), NAMES) == []


def test_each_engine_takes_one_line_of_the_registry():
    text = (PACKAGE / "registry.py").read_text(encoding="utf-8")
    for name, engine in {**registry.ENGINES, **registry.SERVERS}.items():
        assert text.count(type(engine).__name__) <= 2  # its import and its entry
        assert text.count(f'"{name}"') == 1
