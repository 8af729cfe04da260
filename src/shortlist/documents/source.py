"""What the readers take and give: a source on disk, what was found in it, what had to be skipped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shortlist.types import Document


@dataclass(frozen=True)
class Source:
    """A file to read documents from.

    `path` is absolute with links resolved; for a BEIR folder it is that of its corpus.jsonl. `format` is one
    of "txt", "md", "html", "pdf", "docx", "jsonl", "csv", "beir". `root` is the folder that names are relative to;
    None for none.
    """

    path: Path
    format: str
    root: Path | None = None

    @property
    def name(self) -> str:
        """The stable identity of the source, with forward slashes: its path below `root`, absolute elsewhere."""
        return named_from(self.root, self.path)


def named_from(root: Path | None, path: Path) -> str:
    """The path with forward slashes: below `root` where it lies there, else as it is."""
    if root is not None and path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    return path.as_posix()


@dataclass(frozen=True)
class Skipped:
    """Something that could not be read: which file, where in it ("line 17"; "" for all of it), and why."""

    path: str
    place: str
    reason: str


@dataclass(frozen=True)
class PassedOver(Skipped):
    """What a walk leaves out unless it is named: it is hidden, a folder of no documents, or beside a BEIR corpus."""


@dataclass(frozen=True)
class UnknownFormat(Skipped):
    """A file that nothing here reads, such as an image."""


@dataclass(frozen=True)
class Found:
    """A document and its place in the source, for naming it when it has to be skipped after all."""

    place: str
    document: Document
