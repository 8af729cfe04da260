"""Add files, documents and the passages of stores to an open index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from shortlist.collection.collection import Collection
from shortlist.collection.document_ingest import DocumentIngest
from shortlist.collection.ingest import Ingest
from shortlist.collection.precompute import Precompute
from shortlist.collection.progress import Progress
from shortlist.collection.report import IngestReport
from shortlist.collection.store_ingest import StoreIngest
from shortlist.documents import PassedOver, UnknownFormat, checked, discover, named_from
from shortlist.documents.options import DEFAULT, ReadOptions
from shortlist.errors import InvalidInput
from shortlist.protocols import Encoder
from shortlist.stores.kinds import is_store, load_store
from shortlist.text import Splitter
from shortlist.types import Document


def add_items(
    parts: tuple[Collection, Encoder, Splitter],
    items: Sequence[str | Path | Document | Mapping[str, object]],
    fields: Mapping[str, str] | None,
    *,
    prune: bool,
    options: ReadOptions | None,
    progress: Callable[[Progress], None] | None,
    precompute: Precompute,
) -> IngestReport:
    """Add a store, or paths, or documents, whichever `items` are, and return what was done. See the other functions.

    Raises:
        InvalidInput: The items are of several kinds, or `prune` or `options` are given without paths.
    """
    if any(isinstance(item, str) and is_store(item) for item in items):
        if prune:
            raise InvalidInput("prune is for files: a store is compared as a whole at each call", field="prune")
        return add_store(*parts, items, fields, progress=progress, precompute=precompute)
    paths = [item for item in items if isinstance(item, str | Path)]
    documents = [item for item in items if not isinstance(item, str | Path)]
    if options is not None and not paths:
        raise InvalidInput("options are for files: no file is given", field="options")
    if paths and documents:
        raise InvalidInput("paths and documents are mixed: add them in two calls")
    if documents:
        if prune:
            raise InvalidInput("prune is for files: documents without a file are removed by remove", field="prune")
        return add_documents(*parts, documents, progress=progress, precompute=precompute)
    options = options or DEFAULT
    return add_paths(*parts, paths, prune=prune, options=options, progress=progress, precompute=precompute)


def add_paths(  # noqa: PLR0913 - only the first four are needed
    collection: Collection,
    encoder: Encoder,
    splitter: Splitter,
    paths: Iterable[str | Path],
    *,
    prune: bool = False,
    options: ReadOptions = DEFAULT,
    progress: Callable[[Progress], None] | None = None,
    precompute: Precompute | None = None,
) -> IngestReport:
    """Read files and folders into the index, and return what was done.

    The function encodes only new and changed documents. With `prune`, the function removes the documents of files that
    no longer exist. `options` say how to read the files. The process may be killed at any moment: the same call then
    continues. `progress.Reporter` describes the calls of `progress`. Files and records that cannot be read raise no
    error: `skipped` of the report lists them, files of an unknown format last. Without paths, the function reads
    nothing. `precompute` computes the states of the passages, also of those that the index has already.

    Raises:
        InvalidInput: A path does not exist, or the reranker of `precompute` cannot store states.
        IndexWriteFailed: The disk is full or failing; earlier commits stay.
    """
    sources, unread = discover([Path(path) for path in paths])
    run = Ingest(collection, encoder, splitter, progress, precompute)
    report = run.run([replace(source, options=options) for source in sources], prune=prune)
    unread = [replace(item, path=named_from(collection.root, Path(item.path))) for item in unread]
    report.passed_over = [item for item in unread if isinstance(item, PassedOver)]
    report.skipped[:0] = [item for item in unread if not isinstance(item, PassedOver | UnknownFormat)]
    report.skipped += [item for item in unread if isinstance(item, UnknownFormat)]
    report.passages_total = len(collection.index)
    return report


def add_store(
    collection: Collection,
    encoder: Encoder,
    splitter: Splitter,
    names: Sequence[object],
    fields: Mapping[str, str] | None = None,
    *,
    progress: Callable[[Progress], None] | None = None,
    precompute: Precompute | None = None,
) -> IngestReport:
    """Add the passages of a store as they are, and return what was done.

    `names` holds the name of the store, and nothing else. `fields` are the names of its fields. The next call with the
    same store adds what is new or changed, and removes what the store no longer has. The process may be killed at any
    moment: the same call then continues. See `StoreIngest.run_store`.

    Raises:
        InvalidInput: There are other names, the store cannot be opened or cannot list its passages, a row is no
            passage, or the reranker of `precompute` cannot store states.
        StoreError: The store does not answer, or refuses the request.
        IndexWriteFailed: The disk is full or failing; earlier commits stay.
    """
    name, *others = names
    if others or not isinstance(name, str):
        raise InvalidInput("a store is added by itself: add stores, paths and documents in separate calls")
    with closing(load_store(name, fields)) as store:
        report = StoreIngest(collection, encoder, splitter, progress, precompute).run_store(store)
    report.passages_total = len(collection.index)
    return report


def add_documents(
    collection: Collection,
    encoder: Encoder,
    splitter: Splitter,
    documents: Iterable[Document | Mapping[str, object]],
    *,
    progress: Callable[[Progress], None] | None = None,
    precompute: Precompute | None = None,
) -> IngestReport:
    """Add documents that come from no file, and return what was done.

    A document is a `Document`, or a dict with "id" and "text", and optionally "title" and "metadata". If the index has
    a document with the same id and the same content, this document stays. If the content differs, the new document
    replaces the old one. `prune` never removes these documents; `remove` does. The function checks all documents before
    it writes the first one, and therefore keeps all of them in memory. If the metadata field "format" of a document is
    "md", the document is split at its headings. Without documents, the function adds nothing. `precompute` is that of
    `add_paths`.

    Raises:
        InvalidInput: A document has no id or no text, two have the same id, a file gave one of the ids, or the reranker
            of `precompute` cannot store states. Nothing is written then.
        IndexWriteFailed: The disk is full or failing; earlier commits stay.
    """
    valid = checked(documents)
    report = DocumentIngest(collection, encoder, splitter, progress, precompute).run_documents(valid)
    report.passages_total = len(collection.index)
    return report
