"""Add files, documents and the passages of stores to an open index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from shortlist.collection.collection import Collection
from shortlist.collection.document_ingest import DocumentIngest
from shortlist.collection.given import Kind
from shortlist.collection.ingest import Ingest
from shortlist.collection.precompute import Precompute
from shortlist.collection.progress import Progress
from shortlist.collection.report import IngestReport
from shortlist.collection.store_ingest import StoreIngest
from shortlist.collection.unwanted import excluded_sources, gone_sources
from shortlist.collection.worker_ingest import Prepare, WorkerDocumentIngest, WorkerIngest
from shortlist.documents import PassedOver, Skipped, UnknownFormat, checked, discover, named_from
from shortlist.documents.options import DEFAULT, ReadOptions
from shortlist.errors import InvalidInput
from shortlist.protocols import Encoder
from shortlist.stores.kinds import load_store
from shortlist.text import Splitter
from shortlist.types import Document, Note


@dataclass(frozen=True, slots=True)
class Adding:
    """One call of `add`: the open index, the bi-encoder and the splitter.

    `progress.Reporter` describes the calls of `progress`. `precompute` computes the states of the passages, also of
    those that the index has already. `prepare` lets workers read, split and encode.
    """

    collection: Collection
    encoder: Encoder
    splitter: Splitter
    progress: Callable[[Progress], None] | None = None
    precompute: Precompute | None = None
    prepare: Prepare | None = None

    def items(
        self,
        kind: Kind,
        given: Sequence[Any],
        fields: Mapping[str, str] | None = None,
        *,
        prune: bool = False,
        options: ReadOptions | None = None,
    ) -> IngestReport:
        """Add items of one kind, as `given.kind_of` returns them: see the method for each kind."""
        if kind == "store":
            return self.store(given, fields)
        if kind == "documents":
            return self.documents(given)
        return self.files(given, prune=prune, options=options or DEFAULT)

    def files(
        self, paths: Iterable[str | Path], *, prune: bool = False, options: ReadOptions = DEFAULT
    ) -> IngestReport:
        """Read files and folders into the index, and return what was done.

        The method encodes only new and changed documents. `options` say how to read the files. With `prune`, the method
        removes the documents of files that no longer exist or that `options` excludes; of an index on a server, only
        those below `paths`. Without it, notes of the report count the deleted and the excluded files that the index
        has. The process may be killed at any moment: the same call then continues. Files and records that cannot be
        read raise no error: `skipped` of the report lists them, files of an unknown format last. Without paths, the
        method reads nothing.

        Raises:
            InvalidInput: A path does not exist, or the reranker of `precompute` cannot store states.
            IndexWriteFailed: The disk is full or failing; earlier commits stay.
            IndexLocked: Another process changes the index, which is on a server.
            WorkersFailed: The workers of `prepare` fail; earlier commits stay.
        """
        given = [Path(path) for path in paths]
        sources, left_out = discover(given, options.exclude)
        unread = [item for item in left_out if item.path]
        sources = [replace(source, options=options) for source in sources]
        with self.collection.writing():
            run = Ingest(*self._parts) if self.prepare is None else WorkerIngest(*self._parts, prepare=self.prepare)
            excluded = excluded_sources(self.collection, _excluded(unread))
            gone = gone_sources(self.collection, [path.resolve() for path in given])
            report = run.run(sources, remove=[*excluded, *gone] if prune else ())
        report.notes += [item.note for item in left_out if not item.path]
        if not prune:
            report.notes += [Note("excluded_kept", count=len(excluded))] if excluded else []
            report.notes += [Note("gone_kept", count=len(gone))] if gone else []
        unread = [replace(item, path=named_from(self.collection.root, Path(item.path))) for item in unread]
        report.passed_over = [item for item in unread if isinstance(item, PassedOver)]
        report.skipped[:0] = [item for item in unread if not isinstance(item, PassedOver | UnknownFormat)]
        report.skipped += [item for item in unread if isinstance(item, UnknownFormat)]
        return self._counted(report)

    def store(self, names: Sequence[object], fields: Mapping[str, str] | None = None) -> IngestReport:
        """Add the passages of a store as they are, and return what was done.

        `names` holds the name of the store, and nothing else. `fields` are the names of its fields. The next call with
        the same store adds what is new or changed, and removes what the store no longer has. The process may be killed
        at any moment: the same call then continues. See `StoreIngest.run_store`. No workers are used.

        Raises:
            InvalidInput: There are other names, the store cannot be opened or cannot list its passages, or the reranker
                of `precompute` cannot store states.
            StoreError: The store does not answer, or refuses the request.
            IndexWriteFailed: The disk is full or failing; earlier commits stay.
            IndexLocked: Another process changes the index, which is on a server.
        """
        name, *others = names
        if others or not isinstance(name, str):
            raise InvalidInput("a store is added by itself: add stores, paths and documents in separate calls")
        with closing(load_store(name, fields)) as store, self.collection.writing():
            return self._counted(StoreIngest(*self._parts).run_store(store))

    def documents(self, documents: Iterable[Document | Mapping[str, object]]) -> IngestReport:
        """Add documents that come from no file, and return what was done.

        A document is a `Document`, or a dict with "id" and "text", and optionally "title" and "metadata". If the index
        has a document with the same id and the same content, this document stays. If the content differs, the new
        document replaces the old one. `prune` never removes these documents; `remove` does. The method checks all
        documents before it writes the first one, and therefore keeps all of them in memory. If the metadata field
        "format" of a document is "md", the document is split at its headings. Without documents, the method adds
        nothing.

        Raises:
            InvalidInput: A document has no id or no text, two have the same id, a file gave one of the ids, or the
                reranker of `precompute` cannot store states. Nothing is written then.
            IndexWriteFailed: The disk is full or failing; earlier commits stay.
            IndexLocked: Another process changes the index, which is on a server.
            WorkersFailed: The workers of `prepare` fail; earlier commits stay.
        """
        valid = checked(documents)
        with self.collection.writing():
            if self.prepare is None:
                return self._counted(DocumentIngest(*self._parts).run_documents(valid))
            return self._counted(WorkerDocumentIngest(*self._parts, prepare=self.prepare).run_documents(valid))

    @property
    def _parts(
        self,
    ) -> tuple[Collection, Encoder, Splitter, Callable[[Progress], None] | None, Precompute | None]:
        return self.collection, self.encoder, self.splitter, self.progress, self.precompute

    def _counted(self, report: IngestReport) -> IngestReport:
        report.passages_total = len(self.collection.index)
        return report


def _excluded(unread: Sequence[Skipped]) -> list[Path]:
    """Return the files and folders that a pattern leaves out."""
    return [Path(item.path) for item in unread if item.note.code == "excluded"]
