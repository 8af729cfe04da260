"""Files and documents into an open index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from shortlist.collection.collection import Collection
from shortlist.collection.document_ingest import DocumentIngest
from shortlist.collection.ingest import Ingest, IngestReport
from shortlist.collection.progress import Progress
from shortlist.documents import PassedOver, UnknownFormat, checked, discover, named_from
from shortlist.protocols import Encoder
from shortlist.text import Splitter
from shortlist.types import Document


def add_paths(
    collection: Collection,
    encoder: Encoder,
    splitter: Splitter,
    paths: Iterable[str | Path],
    *,
    prune: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> IngestReport:
    """Read files and folders into the index, and return what was done.

    Only what is new or changed is encoded. With `prune`, documents from files that no longer exist are removed. Safe
    to kill at any moment: the same call continues. `progress` is called after each source and each commit. What could
    not be read raises no error: `skipped` of the report names it, files of an unknown format last. No paths read
    nothing.

    Raises:
        InvalidInput: A path does not exist.
        IndexWriteFailed: The disk is full or failing; what was committed before stays.
    """
    sources, left = discover([Path(path) for path in paths])
    run = Ingest(collection, encoder, splitter, progress)
    run.run(sources, prune=prune)
    left = [replace(item, path=named_from(collection.root, Path(item.path))) for item in left]
    run.report.passed_over = [item for item in left if isinstance(item, PassedOver)]
    run.report.skipped[:0] = [item for item in left if not isinstance(item, PassedOver | UnknownFormat)]
    run.report.skipped += [item for item in left if isinstance(item, UnknownFormat)]
    run.report.passages_total = len(collection.index)
    return run.report


def add_documents(
    collection: Collection,
    encoder: Encoder,
    splitter: Splitter,
    documents: Iterable[Document | Mapping[str, object]],
    *,
    progress: Callable[[Progress], None] | None = None,
) -> IngestReport:
    """Add documents that come from no file: `Document`s, or dicts with "id" and "text", and "title" and "metadata".

    A document that the index has with the same content stays as it is; one with other content replaces it. `prune`
    never removes these documents, and `remove` does. All documents are checked before the first one is written, so they
    are all in memory. A document whose metadata field "format" is "md" is cut at its headings.

    Raises:
        InvalidInput: A document has no id or no text, two have the same id, or a file gave one of the ids; nothing is
            written then.
        IndexWriteFailed: The disk is full or failing; what was committed before stays.
    """
    given = checked(documents)
    run = DocumentIngest(collection, encoder, splitter, progress)
    run.run_documents(given)
    run.report.passages_total = len(collection.index)
    return run.report
