"""The types that readers accept and return: a file, a document with its place, and content that was not read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shortlist.documents.options import DEFAULT, ReadOptions
from shortlist.errors import InvalidInput
from shortlist.types import Document, Note
from shortlist.wording import describe


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read documents from.

    `path` is absolute, with links resolved. The path of a BEIR folder is the path of its corpus.jsonl. `format` is
    a key of `formats.READERS`, such as "md". Names are relative to `root`, if it is set. `options` say how to read.
    `common_title` is the title that all files of the folder in this format have, or "".
    """

    path: Path
    format: str
    root: Path | None = None
    options: ReadOptions = DEFAULT
    common_title: str = ""

    @property
    def name(self) -> str:
        """The identity of the source: its path with forward slashes, relative to `root` if it is below `root`."""
        return named_from(self.root, self.path)


def named_from(root: Path | None, path: Path) -> str:
    """Return the path with forward slashes, relative to `root` if it is below `root`."""
    if root is not None and path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    return path.as_posix()


@dataclass(frozen=True, slots=True)
class Skipped:
    """Content that was not read.

    `path` names the file. `place` is the position in the file, such as "line 17", or "" for the whole file. `note` is
    the reason as a code with values; see `shortlist.documents.notes`.
    """

    path: str
    place: str
    note: Note

    @property
    def reason(self) -> str:
        """The reason in words."""
        return describe(self.note)

    def to_dict(self) -> dict[str, Any]:
        """Return the facts and the words as a JSON object."""
        return {"path": self.path, "place": self.place, "reason": self.reason, "note": self.note.to_dict()}


@dataclass(frozen=True, slots=True)
class PassedOver(Skipped):
    """A file or folder that a walk leaves out unless the caller names it."""


@dataclass(frozen=True, slots=True)
class UnknownFormat(Skipped):
    """A file that no reader reads, such as an image."""


class Unreadable(InvalidInput):
    """Content that a reader cannot use. `note` is the reason."""

    def __init__(self, note: Note) -> None:
        self.note = note
        super().__init__(describe(note))


@dataclass(frozen=True, slots=True)
class Record:
    """A document, and its place in the source in the form that `Skipped` uses."""

    place: str
    document: Document
