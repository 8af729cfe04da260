"""The contents of an index, which may be open in another process."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from shortlist.collection.ledger import FILE as LEDGER_FILE
from shortlist.collection.ledger import Ledger, SourceCounts
from shortlist.collection.manifest import Manifest
from shortlist.collection.manifest import read as read_manifest
from shortlist.collection.place import on_disk, size_of
from shortlist.collection.states import FILE as STATES_FILE
from shortlist.collection.states import States
from shortlist.collection.versions import format_in
from shortlist.documents import MEMORY
from shortlist.documents.formats import EXTENSIONS, extension_of
from shortlist.reprs import short_repr
from shortlist.stores.kinds import is_store
from shortlist.text.terms import ENGLISH


@dataclass(frozen=True, slots=True)
class IndexedSource:
    """A file or a store that gave documents, or ":memory:" for all documents that came from no file.

    `kind` is the format, such as "md", as in the metadata of its passages, the kind of the store, or "memory".
    `read_at` is the time of the last complete read, or of the last write of documents without a file, in UTC; None if
    this time is unknown. If `complete` is False, the next `add` reads the file again even if the file did not change.
    The reasons are: the last read was interrupted, `remove` removed a document, or the file has the id of another
    source. For documents without a file, `complete` is False if some documents are half written.
    """

    name: str
    kind: str
    documents: int
    passages: int
    read_at: datetime | None
    complete: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the source as a JSON object, with the time in ISO format."""
        return {**asdict(self), "read_at": None if self.read_at is None else self.read_at.isoformat()}


@dataclass(frozen=True, slots=True)
class Precomputed:
    """The stored states: the reranker that made them, the passages that have a state, and their size in bytes."""

    reranker: str
    passages: int
    bytes_on_disk: int


@dataclass(frozen=True, slots=True)
class Contents:
    """An index: its sources sorted by name, its bi-encoder, its format, and its size on disk in bytes.

    `bytes_on_disk` counts the blocks that the files use. An engine may reserve longer files that use few blocks. It is
    None for an index on a server, which does not report it. `language` is that of BM25's terms.
    `precomputed` is None if the index does not precompute. Its bytes are part of `bytes_on_disk`.
    """

    sources: tuple[IndexedSource, ...]
    bi_encoder: str
    format_version: int
    bytes_on_disk: int | None
    language: str
    precomputed: Precomputed | None = None

    @property
    def documents(self) -> int:
        """The number of documents."""
        return sum(source.documents for source in self.sources)

    @property
    def passages(self) -> int:
        """The number of passages."""
        return sum(source.passages for source in self.sources)

    def __repr__(self) -> str:
        counts = {"sources": len(self.sources), "documents": self.documents, "passages": self.passages}
        return short_repr(self, None, {**counts, "bi_encoder": self.bi_encoder, "bytes_on_disk": self.bytes_on_disk})

    def to_dict(self) -> dict[str, Any]:
        """Return the contents as a JSON object."""
        return {
            "sources": [source.to_dict() for source in self.sources],
            "documents": self.documents,
            "passages": self.passages,
            "bi_encoder": self.bi_encoder,
            "format_version": self.format_version,
            "bytes_on_disk": self.bytes_on_disk,
            "language": self.language,
            "precomputed": None if self.precomputed is None else asdict(self.precomputed),
        }


def contents(index: str | Path) -> Contents:
    """Return the contents of the index in a folder. Half-written documents count as complete.

    Raises:
        NotAnIndex: There is no index, or a damaged one.
        IndexMismatch: The index has another format.
    """
    folder = Path(index)
    manifest = read_manifest(folder)
    with closing(Ledger(folder / LEDGER_FILE)) as ledger:
        return described(manifest, ledger, size_of(folder), folder)


def described(manifest: Manifest, ledger: Ledger, size: int | None, folder: Path | None) -> Contents:
    """Return the contents that a manifest and a ledger describe. `folder` has the stored states, if there are any."""
    sources = tuple(_source(counts) for counts in ledger.counts())
    precomputed = None if folder is None else _precomputed(folder / STATES_FILE)
    language = manifest.language or ENGLISH
    return Contents(sources, manifest.encoder, manifest.format_version, size, language, precomputed)


def _precomputed(file: Path) -> Precomputed | None:
    if not file.is_file():
        return None
    with closing(States(file)) as states:
        if states.made_by is None:
            return None
        return Precomputed(states.made_by.reranker, states.counts()[0], on_disk(file.stat()))


def _source(counts: SourceCounts) -> IndexedSource:
    memory = counts.source == MEMORY.name
    kind = MEMORY.format if memory else EXTENSIONS.get(extension_of(counts.source), "")
    kind = counts.source.partition(":")[0] if is_store(counts.source) else format_in(counts.fingerprint or "") or kind
    complete = not counts.pending and (bool(counts.fingerprint) or memory)
    return IndexedSource(counts.source, kind, counts.documents, counts.passages, counts.read_at, complete)
