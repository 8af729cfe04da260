"""What the readers take and give: a source on disk, what was found in it, what had to be skipped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shortlist.types import Document


@dataclass(frozen=True)
class Source:
    """A file (or a BEIR folder) to read documents from.

    `path` is absolute with links resolved; `format` is one of "txt", "md", "html", "pdf", "docx", "jsonl",
    "csv", "beir".
    """

    path: Path
    format: str

    @property
    def name(self) -> str:
        """The stable identity of the source: its path with forward slashes."""
        return self.path.as_posix()

    @property
    def file(self) -> Path:
        """The file whose bytes hold the documents: the source itself, or a BEIR folder's corpus.jsonl."""
        return self.path / "corpus.jsonl" if self.format == "beir" else self.path


@dataclass(frozen=True)
class Skipped:
    """Something that could not be read: which file, where in it ("line 17"; "" for all of it), and why."""

    path: str
    place: str
    reason: str


@dataclass(frozen=True)
class Found:
    """A document and its place in the source, for naming it when it has to be skipped after all."""

    place: str
    document: Document
