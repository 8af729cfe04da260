"""Comma-separated values and their kin: one document a row."""

from __future__ import annotations

from collections.abc import Iterator

from shortlist.documents.source import Found, Skipped, Source

_DELIMITERS = ",;\t|"
_IDS = ("id", "_id")
_TEXTS = ("text", "content", "body")


def read(source: Source) -> Iterator[Found | Skipped]:
    """One document a row, the first row naming the columns.

    A column "text" (or "content" or "body") is the text, "id" the id, "title" the title, and the others are
    metadata, as strings. With no text column a row becomes lines "column: value" and its cells metadata too.
    """
    rows = _Rows(source)
    header = next(rows.read(), None)
    if header is None:
        return
    if isinstance(header, Skipped):
        yield header
        return
    columns = _columns(header)
    for number, row in enumerate(rows.read(), start=1):
        place = f"row {number}"
        if isinstance(row, Skipped):
            yield row
        elif len(row) > len(columns):
            reason = f"{len(row)} cells, but the first row names {len(columns)} columns"
            yield Skipped(source.name, place, reason)
        else:
            yield Found(place, _document(source, number, dict(zip(columns, row, strict=False)), rows.take_replaced()))
