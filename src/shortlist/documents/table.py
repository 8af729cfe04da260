"""CSV and TSV files: one document a row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from shortlist.documents.parts import Skipped, Source, decode, make, notes
from shortlist.types import Document

TEXT_COLUMNS = ("text", "content", "body", "passage")
SAMPLE = 64 * 1024


def read(source: Source) -> Iterator[Document | Skipped]:
    """Each row as a document.

    A column named text, content, body or passage is the text, and then `id` and `title` are what they say and
    the rest is metadata. Without one, the row is written out as "column: value" lines.
    """
    decoded = decode(source.path.read_bytes())
    if decoded is None:
        yield Skipped(source.name, "", "binary content, not text")
        return
    text, replaced = decoded
    rows = csv.DictReader(io.StringIO(text, newline=""), dialect=_dialect(text[:SAMPLE]))
    seen: set[str] = set()
    number = 0
    while True:
        number += 1
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield Skipped(source.name, f"row {number}", f"unreadable row: {error}")
            continue
        if row is None:
            return
        made = _document({k.strip(): (v or "") for k, v in row.items() if isinstance(k, str)}, source, number, replaced)
        if made is None or made.id in seen:
            reason = "empty row" if made is None else f"duplicate id {made.id!r}; the first one is kept"
            yield Skipped(source.name, f"row {number}", reason)
        else:
            seen.add(made.id)
            yield made


def _dialect(sample: str) -> type[csv.Dialect]:
    try:
        return csv.Sniffer().sniff(sample, delimiters=",;\t|")
    except csv.Error:
        return csv.excel


def _document(row: dict[str, str], source: Source, number: int, replaced: int) -> Document | None:
    lower = {key.lower(): key for key in row}
    column = next((lower[name] for name in TEXT_COLUMNS if name in lower), None)
    if column is None:
        text = "\n".join(f"{key}: {value}" for key, value in row.items() if value.strip())
        return make(source, text, source.path.stem, place=f"row={number}", extra={"row": number}) if text else None
    if not row[column].strip():
        return None
    used = {column, lower.get("id", ""), lower.get("title", "")}
    extra = {key: value for key, value in row.items() if key not in used and key}
    made = make(source, row[column], row.get(lower.get("title", ""), ""), place=f"row={number}")
    key = row.get(lower.get("id", ""), "")
    return Document(key or made.id, made.text, made.title, {**extra, **made.metadata, "row": number, **notes(replaced)})
