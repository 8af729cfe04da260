"""JSON Lines: one document a line with `id`, `text`, `title`, `metadata`. Also the corpus of a BEIR folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from shortlist.documents.parts import Skipped, Source, decode
from shortlist.types import Document, Value

LONGEST_LINE = 50 * 1024 * 1024
"""Bytes of one line above which it is skipped without being held in memory."""


def read(source: Source) -> Iterator[Document | Skipped]:
    """Each good line as a document; every other line skipped with its number and the reason."""
    seen: set[str] = set()
    with source.path.open("rb") as file:
        for number, raw in _lines(file):
            place = f"line {number}"
            if raw is None:
                yield Skipped(source.name, place, f"longer than {LONGEST_LINE // 2**20} MB")
                continue
            if not raw.strip():
                continue
            made = _document(raw, source, number)
            if isinstance(made, str):
                yield Skipped(source.name, place, made)
            elif made.id in seen:
                yield Skipped(source.name, place, f"duplicate id {made.id!r}; the first one is kept")
            else:
                seen.add(made.id)
                yield made


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Numbered lines; None stands for one that is too long."""
    number = 0
    while raw := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(raw) <= LONGEST_LINE:
            yield number, raw
            continue
        while raw and not raw.endswith(b"\n"):
            raw = file.readline(LONGEST_LINE)
        yield number, None


def _document(raw: bytes, source: Source, number: int) -> Document | str:
    decoded = decode(raw)
    if decoded is None:
        return "binary content, not text"
    try:
        row = json.loads(decoded[0])
    except (ValueError, RecursionError) as error:
        return f"no JSON: {error}"
    if not isinstance(row, dict):
        return f"a JSON {type(row).__name__}, not an object"
    text, title = row.get("text"), row.get("title") or ""
    if not isinstance(text, str) or not isinstance(title, str):
        return 'no "text" string' if not isinstance(text, str) else '"title" is no string'
    if not text.strip() and not title.strip():
        return "empty text"
    key = row.get("id", row.get("_id"))
    if key is not None and (isinstance(key, bool) or not isinstance(key, (str, int)) or key == ""):
        return f"id {key!r} is neither text nor a whole number"
    metadata: dict[str, Value] = {"source": source.name, "format": source.format, "line": number}
    if decoded[1]:
        metadata["unreadable_characters"] = decoded[1]
    metadata.update(flatten(row.get("metadata")))
    return Document(f"{source.name}#line={number}" if key is None else str(key), text, title, metadata)


def flatten(metadata: Any) -> dict[str, Value]:
    """Metadata values as they are when they are plain, as JSON text when they are lists or objects."""
    if not isinstance(metadata, dict):
        return {}
    return {
        str(key): value if isinstance(value, (str, int, float, bool)) else json.dumps(value, ensure_ascii=False)
        for key, value in metadata.items()
        if value is not None
    }
