"""Every reason for content that was not read is a code of the table, and has words."""

from __future__ import annotations

import pytest

from note_codes import PACKAGE, codes_of_notes, codes_of_table
from shortlist.documents import notes
from shortlist.documents.source import Skipped
from shortlist.types import Note
from shortlist.wording import NOT_READ


def test_the_table_the_words_and_the_readers_have_the_same_codes():
    codes = codes_of_table(notes)
    elsewhere = codes_of_notes(*(PACKAGE / room for room in ("collection", "stores", "search"))) & codes
    assert codes_of_notes(PACKAGE / "documents") | elsewhere == codes == set(NOT_READ)


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
