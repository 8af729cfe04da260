"""Every reason for content that was not read is a code of the table, and has words."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import shortlist
from shortlist.documents.notes import CODES
from shortlist.documents.source import Skipped
from shortlist.types import Note
from shortlist.wording import NOT_READ

PACKAGE = Path(shortlist.__file__).parent


def note_codes(folder: Path) -> set[str]:
    """The codes of all notes that the files in a folder make."""
    calls = (
        node
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Note"
    )
    return {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}


def test_the_table_the_words_and_the_readers_have_the_same_codes():
    in_readers = note_codes(PACKAGE / "documents")
    in_others = set().union(*(note_codes(PACKAGE / room) for room in ("collection", "stores", "search"))) & set(CODES)
    assert in_readers | in_others == set(CODES) == set(NOT_READ)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (None, "part of this file: add the file again, or prune if the file no longer exists"),
        ("a", "part of this document: add the document again, or remove it"),
    ],
)
def test_half_written_content_has_a_remedy(document, words):
    reason = Skipped("a.md", "", Note("half_written", document=document)).reason
    assert reason == f"a run was interrupted, so the index may have only a {words}"


def test_a_reason_is_a_fact_with_words():
    skipped = Skipped("a.jsonl", "line 3", Note("repeated_id", id="x", first="line 1"))
    assert skipped.reason == "the id 'x' is already used at line 1"
    assert skipped.to_dict() == {
        "path": "a.jsonl",
        "place": "line 3",
        "reason": "the id 'x' is already used at line 1",
        "note": {"code": "repeated_id", "id": "x", "first": "line 1"},
    }
