"""Where a passage is, for people: the name of its source, and its place there."""

from __future__ import annotations

from shortlist.types import Passage

EXTRACTED = ("html", "docx")
"""Formats whose text is extracted. A position in the extracted text is not a position in the file."""


def source_name(passage: Passage) -> str:
    """Return the file, as the index names it, or the id of a document that comes from no file."""
    return str(passage.metadata.get("source") or passage.document_id or passage.id)


def place_in_source(passage: Passage, end: int | None = None) -> str:
    """Return the place of a passage in its source, or of the text from its start to the character `end`.

    The place is a page, the row or line of a record without an id, the id of a record with an id, or the characters of
    a text file. If the text was extracted from a file (HTML, Word), the place is in the extracted text. The passages of
    stores have no place: an empty string.
    """
    name, document = source_name(passage), passage.document_id or passage.id
    if document.startswith(f"{name}#"):
        return document[len(name) + 1 :].replace("=", " ", 1)
    if document != name:
        return f"id {document}"
    if not passage.end:
        return ""
    before = passage.metadata.get("text_start", 0)
    before = before if isinstance(before, int) else 0
    characters = f"chars {passage.start + before}-{(passage.end if end is None else end) + before}"
    return f"text {characters}" if passage.metadata.get("format") in EXTRACTED else characters


def source_and_place(passage: Passage, end: int | None = None) -> str:
    """Return the name of the source and the place in it, such as "docs/tax.md chars 0-70"."""
    return f"{source_name(passage)} {place_in_source(passage, end)}".rstrip()
