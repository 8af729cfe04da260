"""What every reader shares: the source, the notice of something skipped, and decoding."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shortlist.types import Document, Value

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read, or the corpus file of a BEIR folder. `path` is absolute."""

    path: Path
    format: str

    @property
    def name(self) -> str:
        """The path with forward slashes: the source's lasting identity."""
        return self.path.as_posix()


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was not read. `place` is "line 17", "page 3", or "" for a whole file."""

    path: str
    place: str
    reason: str


def decode(raw: bytes) -> tuple[str, int] | None:
    """The text and how many characters were unreadable (they stand as U+FFFD); None for binary content."""
    for bom, encoding in BOMS:
        if raw.startswith(bom):
            text = raw.decode(encoding, errors="replace")
            return text, text.count("\ufffd")
    if b"\x00" in raw:
        return None
    try:
        return raw.decode("utf-8"), 0
    except UnicodeDecodeError:
        text = raw.decode("utf-8", errors="replace")
        return text, text.count("\ufffd")


def make(
    source: Source, text: str, title: str, *, place: str = "", extra: Mapping[str, Value] | None = None
) -> Document:
    """One document of a file, with its source and format in the metadata; `place` is added to the id."""
    metadata: dict[str, Value] = {"source": source.name, "format": source.format, **(extra or {})}
    return Document(f"{source.name}#{place}" if place else source.name, text, title.strip(), metadata)


def notes(replaced: int) -> dict[str, Value]:
    """Metadata that says how many characters could not be decoded; empty when all could."""
    return {"unreadable_characters": replaced} if replaced else {}
