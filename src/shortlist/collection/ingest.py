"""Write the new and changed documents of files into an index. The process may be killed at any moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shortlist.collection.collection import Collection
from shortlist.collection.languages import sample_of
from shortlist.collection.ledger import Entry
from shortlist.collection.precompute import Precompute
from shortlist.collection.progress import Progress, Reporter
from shortlist.collection.refused import REFUSED_MARK, Refused, refused_notes
from shortlist.collection.report import IngestReport
from shortlist.collection.versions import digest_of, mark_of, over_window, settings_of
from shortlist.disk_map import DiskMap
from shortlist.documents import MEMORY, Skipped, Source, read
from shortlist.protocols import Encoder
from shortlist.text import Splitter
from shortlist.text.terms import language_of
from shortlist.types import Document, Note, Passage

PASSAGES_PER_COMMIT = 512


@dataclass
class Batch:
    """Documents that are written in one commit. `old` has, for each document, the ids of its present passages."""

    entries: list[Entry] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    old: list[tuple[str, ...]] = field(default_factory=list)


class Ingest:
    """One run over some sources. `progress` is called as described at `Reporter`.

    `precompute` computes states. Without it, the run removes states of passages that change, and computes none.
    """

    def __init__(
        self,
        collection: Collection,
        encoder: Encoder,
        splitter: Splitter,
        progress: Callable[[Progress], None] | None = None,
        precompute: Precompute | None = None,
    ) -> None:
        self.collection = collection
        self.report = IngestReport()
        self._encoder = encoder
        self._splitter = splitter
        self._reporter = Reporter(progress)
        self._precompute = precompute
        self._settings = settings_of(splitter)
        self._refused: list[Refused] = []

    def run(self, sources: Sequence[Source], *, remove: Sequence[str] = ()) -> IngestReport:
        """Bring the index up to date with `sources`, and return what was done.

        The run first removes the documents of the sources with the names `remove`. Names of sources are relative to the
        folder that contains the index: see `Collection.root`. Ids that the run makes are relative to this folder, too.
        An id belongs to the source that used it first, until this source is read without the id, or is removed. If
        another source has a document with this id, the report counts the document as refused, and the next run tries
        it again.

        Raises:
            IndexWriteFailed: The disk is full or failing. Earlier commits stay, and the same call continues.
        """
        self._start()
        for name in remove:
            self._remove(name)
        sources = [replace(source, root=self.collection.root) for source in sources]
        finished = self.collection.ledger.fingerprints()
        sizes = [size_of(source.path) for source in sources]
        self.collection.settle_language(sample_of(sources) if not self.collection.manifest.language else ())
        self._look_ahead(sources, finished)
        for place in self._reporter.sources([source.name for source in sources], sizes):
            self._source(sources[place], finished.get(sources[place].name))
        self._retry_refused()
        return self._finish()

    def _look_ahead(self, sources: Sequence[Source], finished: Mapping[str, str]) -> None:
        """Prepare the work on the sources. `finished` has the marks of those that were read to their end."""

    def _start(self) -> None:
        """Start or stop precomputing, and mark sources with half-written documents as unread.

        Reading these sources writes these documents anew.
        """
        if self._precompute is not None:
            self._precompute.start(self.report)
        for name in {entry.source for entry in self.collection.ledger.pending()}:
            self.collection.ledger.unfinish(name)

    def _finish(self) -> IngestReport:
        """Compute the states that are missing, and return the report."""
        if self._precompute is not None:
            self._precompute.complete(self._reporter)
        self._report_half_written()
        self.report.seconds, self.report.language = self._reporter.seconds, self.collection.language
        return self.report

    def _report_half_written(self) -> None:
        pending = self.collection.ledger.pending()
        for name in sorted({entry.source for entry in pending} - {MEMORY.name}):
            self.report.skipped.append(Skipped(name, "", Note("half_written", document=None)))
        for key in sorted(entry.id for entry in pending if entry.source == MEMORY.name):
            note = Note("half_written", document=key)
            self.report.skipped.append(Skipped(MEMORY.name, f"document {key!r}", note))

    def _source(self, source: Source, known: str | None) -> None:
        try:
            mark = self._mark(source)
        except OSError as error:
            note = Note("unreadable", error=error.strerror or type(error).__name__)
            self.report.skipped.append(Skipped(source.name, "", note))
            self.report.sources_unread += 1
            return
        if self._is_unchanged(source, mark, known):
            self._unchanged(source)
            return
        ledger = self.collection.ledger
        ledger.unfinish(source.name)
        reported = len(self.report.skipped)
        seen = DiskMap()
        owners: dict[str, str] = {}
        self._write(source, self._documents(source, seen, owners), ledger.entry)
        skipped = [(item.place, item.note) for item in self.report.skipped[reported:]]
        lost = any(note.code == "worker_lost" for _, note in skipped)
        for entries in () if lost else ledger.pages(source.name):
            self._drop([entry for entry in entries if entry.id not in seen])
        if owners and not lost:
            self._refused.append(Refused(source, mark, skipped, owners))
        elif not lost:
            ledger.finish(source.name, mark, skipped, self.report.replaced.get(source.name, 0))
        if seen or owners:
            self.report.sources_read += 1
        else:
            self.report.count_without_documents(note.code for _, note in skipped)

    def _mark(self, source: Source) -> str:
        """Return what the ledger records of a source that was read to its end. Raises OSError if it cannot be read."""
        return mark_of(source, self._settings)

    def _is_unchanged(self, source: Source, mark: str, known: str | None) -> bool:
        """Return whether the source did not change, and this run cannot read more of it than an earlier run."""
        if mark != known:
            return False
        skipped, _ = self.collection.ledger.reading(source.name)
        return not any(source.options.may_read(note.code) for _, note in skipped)

    def _unchanged(self, source: Source) -> None:
        """Count a source that did not change, and repeat the report of an earlier run about it."""
        skipped, replaced = self.collection.ledger.reading(source.name)
        if self.collection.ledger.is_empty(source.name):
            self.report.count_without_documents(note.code for _, note in skipped)
        else:
            self.report.sources_unchanged += 1
        self.report.skipped += [Skipped(source.name, place, note) for place, note in skipped]
        if replaced:
            self.report.replaced[source.name] = replaced

    def _documents(self, source: Source, seen: DiskMap, owners: dict[str, str]) -> Iterator[Document]:
        """Yield the source's documents, and put their ids into `seen`. Ids of other sources go into `owners`."""
        for item in self._items(source):
            if isinstance(item, Skipped):
                self.report.skipped.append(item)
                continue
            replaced = item.metadata.get("replaced_bytes")
            if isinstance(replaced, int):
                self.report.replaced[source.name] = self.report.replaced.get(source.name, 0) + replaced
            owner = self.collection.ledger.owner(item.id)
            if owner is not None and owner != source.name:
                owners[item.id] = owner
                continue
            seen.setdefault(item.id)
            yield item

    def _items(self, source: Source) -> Iterator[Document | Skipped]:
        """Yield the documents of a source, and what was not read."""
        return read(source)

    def _retry_refused(self) -> None:
        """Write refused documents whose id is free now: those that moved from one source to another.

        If documents of a source stay refused, the ledger has the source as incomplete. The next run tries them again.
        """
        ledger = self.collection.ledger
        for refused in self._refused:
            source = refused.source
            free = {key for key in refused.owners if ledger.owner(key) is None}
            if free:
                self._write(source, (d for d in read(source) if isinstance(d, Document) and d.id in free), ledger.entry)
            owners = {key: ledger.owner(key) or owner for key, owner in refused.owners.items()}
            left = {key: owner for key, owner in owners.items() if owner != source.name}
            notes = refused_notes(left)
            self.report.documents_refused += len(left)
            self.report.skipped += [Skipped(source.name, "", note) for note in notes]
            skipped = [*refused.skipped, *(("", note) for note in notes)]
            mark = REFUSED_MARK if left else refused.mark
            ledger.finish(source.name, mark, skipped, self.report.replaced.get(source.name, 0))

    def _write(self, source: Source, documents: Iterable[Document], before: Callable[[str], Entry | None]) -> None:
        """Write the documents that are new or differ from their record. `before` returns the record of an id."""
        batch = Batch()
        for document in documents:
            digest = digest_of(document, self._settings)
            entry = before(document.id)
            if entry is not None and entry.hash == digest and not entry.pending:
                self.report.documents_unchanged += 1
                continue
            passages = self._split(document)
            self._count_language(document.text)
            batch.entries.append(Entry(document.id, source.name, digest, tuple(passage.id for passage in passages)))
            batch.passages += passages
            batch.old.append(entry.passages if entry is not None else ())
            if len(batch.passages) >= PASSAGES_PER_COMMIT:
                self._commit(batch)
                batch = Batch()
        self._commit(batch)

    def _count_language(self, text: str) -> None:
        if language := language_of(text):
            self.report.languages[language] = self.report.languages.get(language, 0) + 1

    def _split(self, document: Document) -> list[Passage]:
        passages = self._splitter.split(document)
        self.report.over_window += over_window(passages, self._splitter)
        return passages

    def _commit(self, batch: Batch) -> None:
        if not batch.entries:
            return
        self.collection.settle_language(passage.text for passage in batch.passages)
        # The slow part comes before the first change: an interruption here leaves everything as it was.
        vectors = self._vectors(batch.passages)
        states = {} if self._precompute is None else self._precompute.states_for(batch.passages, self._reporter)
        stale = {key for old in batch.old for key in old}
        self.collection.ledger.begin(
            [
                replace(entry, passages=tuple({*entry.passages, *old}))
                for entry, old in zip(batch.entries, batch.old, strict=True)
            ]
        )
        self.collection.index.delete(stale - {passage.id for passage in batch.passages})
        self.collection.index.add(batch.passages, vectors)
        self.collection.index.flush()
        self.collection.replace_states(stale, batch.passages, states)
        self.collection.ledger.settle(batch.entries)
        self.report.documents_written += len(batch.entries)
        self.report.passages_added += len(batch.passages)
        self.report.passages_removed += len(stale)

    def _vectors(self, passages: Sequence[Passage]) -> NDArray[np.float32]:
        """Return the vector of each passage."""
        return self._reporter.encode(passages, self._encoder)

    def _drop(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        self.collection.drop(entries)
        self.report.documents_removed += len(entries)
        self.report.passages_removed += sum(len(entry.passages) for entry in entries)

    def _remove(self, source: str) -> None:
        self.collection.ledger.unfinish(source)
        for entries in self.collection.ledger.pages(source):
            self._drop(entries)
        self.report.sources_removed += 1


def size_of(path: Path) -> int:
    """Return the size of a file in bytes, 0 if it cannot be read."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
