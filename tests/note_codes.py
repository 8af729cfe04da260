"""The codes of notes: those of a table in a docstring, and those of the notes that files make."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import shortlist

PACKAGE = Path(shortlist.__file__).parent


def codes_of_table(module: ModuleType) -> set[str]:
    """The codes in the first column of the table in the docstring of a module."""
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    lines = (ast.get_docstring(ast.parse(source)) or "").splitlines()
    cells = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
    assert cells[0] == "code"
    assert len(set(cells)) == len(cells)
    return set(cells[1:])


def codes_of_notes(*paths: Path) -> set[str]:
    """The codes of all notes that these files and the files in these folders make."""
    files: Iterable[Path] = (file for path in paths for file in ([path] if path.is_file() else path.rglob("*.py")))
    calls = (
        node
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Note" and node.args
    )
    return {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}
