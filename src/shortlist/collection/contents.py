"""What an index holds, read beside whoever has it open."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from shortlist.collection.ledger import FILE as LEDGER_FILE
from shortlist.collection.ledger import Ledger
from shortlist.collection.manifest import read as read_manifest
from shortlist.documents import MEMORY
from shortlist.documents.formats import EXTENSIONS


@dataclass(frozen=True, slots=True)
class Source:
    """A file that gave documents, or ":memory:" for all that lie in no file.

    `kind` is the format, as "md"; "memory" for no file. `read_at` is when it was last read to its end, or when
    documents of no file were last written, UTC; None where that is not known. `complete` is False where the next `add`
    reads the file anew, changed or not: it was interrupted, lost a document to `remove`, or has an id of another
    source. For documents of no file it is False where some are half written.
    """

    name: str
    kind: str
    documents: int
    passages: int
    read_at: datetime | None
    complete: bool


@dataclass(frozen=True, slots=True)
class Contents:
    """An index: its sources sorted by name, its bi-encoder, its format and its size on disk in bytes."""

    sources: tuple[Source, ...]
    bi_encoder: str
    format_version: int
    bytes_on_disk: int

    @property
    def documents(self) -> int:
        """How many documents it holds."""
        return sum(one.documents for one in self.sources)

    @property
    def passages(self) -> int:
        """How many passages it holds."""
        return sum(one.passages for one in self.sources)


def contents(index: str | Path) -> Contents:
    """What the index holds. It may be open elsewhere meanwhile; what is half written is counted as it will be.

    Raises:
        NotAnIndex: No index there, or a damaged one.
        IndexMismatch: It is in another format.
    """
    folder = Path(index)
    manifest = read_manifest(folder)
    with closing(Ledger(folder / LEDGER_FILE)) as ledger:
        sources = tuple(
            Source(
                one.source,
                _kind(one.source),
                one.documents,
                one.passages,
                one.read_at,
                complete=not one.pending and (one.finished or one.source == MEMORY.name),
            )
            for one in ledger.held()
        )
    return Contents(sources, manifest.encoder, manifest.format_version, _size(folder))


def _kind(source: str) -> str:
    return MEMORY.format if source == MEMORY.name else EXTENSIONS.get(PurePosixPath(source).suffix.lower(), "")


def _size(folder: Path) -> int:
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += _on_disk(os.stat(os.path.join(path, name)))
            except FileNotFoundError:  # Whoever has it open may be at work.
                continue
    return total


def _on_disk(found: os.stat_result) -> int:
    """The blocks of a file, which has fewer than its length where it was only reserved; its length on Windows."""
    blocks: int | None = getattr(found, "st_blocks", None)
    return found.st_size if blocks is None else blocks * 512
