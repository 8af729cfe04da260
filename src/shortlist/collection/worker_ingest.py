"""Ingests whose documents are read, split and encoded by workers. This process alone writes the index.

Jobs go to the workers ahead of the commits, and their results come back in the order of the jobs. The same documents
therefore give the same commits with any number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shortlist.collection.document_ingest import DocumentIngest
from shortlist.collection.ingest import Ingest, size_of
from shortlist.collection.ledger import Entry
from shortlist.collection.report import IngestReport
from shortlist.documents import MEMORY, Skipped, Source, read
from shortlist.documents.formats import RECORDS
from shortlist.types import Document, Note, Passage

STREAMED = RECORDS | {"warc"}
"""Formats with many documents, which this process reads in a stream. Workers read files of other formats."""
Before: TypeAlias = "Callable[[str], Entry | None]"
"""Returns the record of a document, by its id."""
CHARACTERS = 100_000
"""The characters of the documents of one job of a streamed source."""


@dataclass(frozen=True, slots=True)
class Job:
    """Documents to split and to encode. If `documents` is None, the worker first reads them from the source.

    `known` maps ids of documents to the digests of those that need no work if they did not change. `size` is in
    characters, or in bytes for a file. `last` is True for the last job of a source.
    """

    source: Source
    documents: tuple[Document | Skipped, ...] | None
    known: Mapping[str, str]
    size: int
    last: bool


@dataclass(frozen=True, slots=True)
class PreparedDocument:
    """A document with its passages and their `(passages, dimension)` vectors.

    `passages` is None if the document did not change. `over_window` counts those that are longer than the limit.
    """

    document: Document
    passages: list[Passage] | None
    vectors: NDArray[np.float32]
    over_window: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """The result of a job. `name` is that of its source. `is_first` is True if it is the first work of a worker."""

    name: str
    items: list[PreparedDocument | Skipped]
    last: bool
    is_first: bool = False


Prepare: TypeAlias = Callable[[Iterable[Job]], Iterator[Prepared]]
"""Does the jobs by workers, and yields the results in the order of the jobs. Jobs are read as workers need them."""


def lost_job(job: Job, reason: str) -> Prepared:
    """Return the result of a job that no worker did: each document, or the file, is not read."""
    note = Note("worker_lost", reason=reason)
    items: list[PreparedDocument | Skipped] = [
        item if isinstance(item, Skipped) else Skipped(job.source.name, f"document {item.id!r}", note)
        for item in job.documents or ()
    ]
    whole = [Skipped(job.source.name, "", note)] if job.documents is None else []
    return Prepared(job.source.name, [*items, *whole], job.last)


class PreparedIngest(Ingest):
    """An ingest that takes passages and vectors from workers. `prepare` gives jobs to them."""

    def __init__(self, *parts: Any, prepare: Prepare) -> None:
        super().__init__(*parts)
        self._prepare = prepare
        self._results: Iterator[Prepared] = iter(())
        self._following: Prepared | None = None
        self._ready: dict[str, PreparedDocument] = {}
        self._rows: dict[str, NDArray[np.float32]] = {}

    def _documents_of(self, name: str) -> Iterator[Document | Skipped]:
        """Yield the documents of the next results if they are those of this source."""
        while True:
            if self._following is None:
                self._following = next(self._results, None)
                self._reporter.is_starting = self._following is not None and self._following.is_first
            prepared = self._following
            if prepared is None or prepared.name != name:
                return
            self._following = None
            for item in prepared.items:
                if isinstance(item, Skipped):
                    yield item
                else:
                    self._ready[item.document.id] = item
                    yield item.document
                    self._ready.pop(item.document.id, None)
            if prepared.last:
                return

    def _split(self, document: Document) -> list[Passage]:
        prepared = self._ready.get(document.id)
        if prepared is None or prepared.passages is None:
            return super()._split(document)
        self.report.over_window += prepared.over_window
        self._rows |= {passage.id: row for passage, row in zip(prepared.passages, prepared.vectors, strict=True)}
        return prepared.passages

    def _vectors(self, passages: Sequence[Passage]) -> NDArray[np.float32]:
        """Return the vectors of the workers. This process encodes passages that no worker encoded."""
        if any(passage.id not in self._rows for passage in passages):
            self._rows.clear()
            return super()._vectors(passages)
        self._reporter.encoded(passages)
        return np.array([self._rows.pop(passage.id) for passage in passages], dtype=np.float32)

    def _end(self) -> None:
        """End the workers."""
        close = getattr(self._results, "close", None)
        if close is not None:
            close()


class WorkerIngest(PreparedIngest):
    """One run over some sources, by the rules of `Ingest`."""

    def run(self, sources: Sequence[Source], *, remove: Sequence[str] = ()) -> IngestReport:
        """See `Ingest.run`.

        Raises:
            IndexWriteFailed: As `Ingest.run`.
            WorkersFailed: No worker can start, or the Ray cluster does not answer. Earlier commits stay.
        """
        self._marks: dict[str, str] = {}
        try:
            return super().run(sources, remove=remove)
        finally:
            self._end()

    def _look_ahead(self, sources: Sequence[Source], finished: Mapping[str, str]) -> None:
        self._results = self._prepare(self._jobs(sources, finished))
        self._reporter.is_starting = True

    def _jobs(self, sources: Sequence[Source], finished: Mapping[str, str]) -> Iterator[Job]:
        for source in sources:
            with suppress(OSError):  # `_source` reports it
                mark = self._marks[source.name] = self._mark(source)
                if not self._is_unchanged(source, mark, finished.get(source.name)):
                    yield from self._jobs_of(source)

    def _jobs_of(self, source: Source) -> Iterator[Job]:
        """Yield the jobs of a source, at least one."""
        ledger = self.collection.ledger
        if source.format in STREAMED:
            yield from _chunks(source, read(source), ledger.entry)
        else:
            known = {key: entry.hash for key, entry in ledger.documents(source.name).items() if not entry.pending}
            yield Job(source, None, known, size_of(source.path), last=True)

    def _mark(self, source: Source) -> str:
        mark = self._marks.pop(source.name, None)
        return super()._mark(source) if mark is None else mark

    def _items(self, source: Source) -> Iterator[Document | Skipped]:
        items = self._documents_of(source.name)
        first = next(items, None)
        if first is None:  # no job has this source, because it could not be read a moment ago
            yield from read(source)
            return
        yield first
        yield from items


class WorkerDocumentIngest(PreparedIngest, DocumentIngest):
    """One run over documents that come from no file, by the rules of `DocumentIngest`."""

    def run_documents(self, documents: Sequence[Document]) -> IngestReport:
        """See `DocumentIngest.run_documents`. Raises as this method and `WorkerIngest.run`."""
        try:
            return super().run_documents(documents)
        finally:
            self._end()

    def _write(self, source: Source, documents: Iterable[Document], before: Before) -> None:
        self._results = self._prepare(_chunks(source, documents, before))
        self._reporter.is_starting = True
        super()._write(source, self._without_skipped(), before)

    def _without_skipped(self) -> Iterator[Document]:
        for item in self._documents_of(MEMORY.name):
            if isinstance(item, Skipped):
                self.report.skipped.append(item)
            else:
                yield item


def _chunks(source: Source, items: Iterable[Document | Skipped], before: Before) -> Iterator[Job]:
    """Yield jobs of about `CHARACTERS` each, at least one."""
    chunk: list[Document | Skipped] = []
    size = 0
    for item in items:
        if size >= CHARACTERS:
            yield _job(source, chunk, before, size, last=False)
            chunk, size = [], 0
        chunk.append(item)
        size += len(item.text) + len(item.title) if isinstance(item, Document) else 1
    yield _job(source, chunk, before, size, last=True)


def _job(source: Source, items: Sequence[Document | Skipped], before: Before, size: int, *, last: bool) -> Job:
    entries = (before(item.id) for item in items if isinstance(item, Document))
    known = {entry.id: entry.hash for entry in entries if entry is not None and not entry.pending}
    return Job(source, tuple(items), known, size, last)
