"""Files and documents into an index, by the names of their models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from shortlist.collection.document_ingest import DocumentIngest
from shortlist.collection.ingest import IngestReport, Progress
from shortlist.collection.manifest import FILE
from shortlist.collection.manifest import read as read_manifest
from shortlist.documents import PassedOver, UnknownFormat, checked, discover, named_from
from shortlist.indexes.embedded import EmbeddedIndex
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER
from shortlist.registry import load_encoder, make_splitter
from shortlist.types import Document


def add(
    paths: str | Path | Iterable[str | Path],
    index: str | Path,
    *,
    prune: bool = False,
    bi_encoder: str | None = None,
    cross_encoder: str = CROSS_ENCODER,
    precision: str = "auto",
    progress: Callable[[Progress], None] | None = None,
) -> IngestReport:
    """Reads files and folders into the index in the folder `index`, which is made if it is missing.

    What `shortlist add` does: only what is new or changed is embedded, and with `prune` what came from files now gone
    is removed. Safe to kill at any moment: the same call goes on from there. `bi_encoder` None is the one that the
    index was made with, the packaged one for a new index; passages are cut to fit its window and that of
    `cross_encoder`. `progress` is called after each source and each commit. What could not be read raises nothing:
    the report's `skipped` names it, files of an unknown format last. No paths read nothing.

    Raises:
        InvalidInput: A path does not exist, or an unknown precision.
        NotAnIndex: The folder holds other things.
        IndexMismatch: The index was made with another bi-encoder, or in another format.
        IndexLocked: The index is open, here or in another process.
        IndexWriteFailed: The disk is full or failing; what was committed before stays.
        ModelError: A model can't be found or loaded.
    """
    sources, left = discover([Path(paths)] if isinstance(paths, str | Path) else [Path(one) for one in paths])
    with _ingest(Path(index), bi_encoder, cross_encoder, precision, progress) as run:
        run.run(sources, prune=prune)
        left = [replace(one, path=named_from(run.index.root, Path(one.path))) for one in left]
    run.report.passed_over = [one for one in left if isinstance(one, PassedOver)]
    run.report.skipped[:0] = [one for one in left if not isinstance(one, PassedOver | UnknownFormat)]
    run.report.skipped += [one for one in left if isinstance(one, UnknownFormat)]
    return run.report


def add_documents(
    documents: Iterable[Document | Mapping[str, object]],
    index: str | Path,
    *,
    bi_encoder: str | None = None,
    cross_encoder: str = CROSS_ENCODER,
    precision: str = "auto",
    progress: Callable[[Progress], None] | None = None,
) -> IngestReport:
    """Adds documents that lie in no file: `Document`s, or dicts with "id" and "text" and maybe "title" and "metadata".

    An id that is there already with the same content is left as it is, and one with other content is replaced. What
    the call does not name stays, `prune` never removes it, and `remove` does. Safe to kill at any moment: the same
    call goes on from there. All documents are checked before the first one is written, so they are all held in memory;
    for more than that takes, call several times, with thousands a call since each one loads the models. The other
    arguments are those of `add`. With the metadata field "format" "md" the text is cut at its headings.

    Raises:
        InvalidInput: A document has no id or no text, its text is not a string or empty, two have the same id, a file
            brought one of the ids, or see `documents.checked`; nothing is written then.
        FolderError, ModelError: As `add`.
    """
    given = checked(documents)
    with _ingest(Path(index), bi_encoder, cross_encoder, precision, progress) as run:
        run.run_documents(given)
    return run.report


@contextmanager
def _ingest(
    folder: Path,
    bi_encoder: str | None,
    cross_encoder: str,
    precision: str,
    progress: Callable[[Progress], None] | None,
) -> Iterator[DocumentIngest]:
    """A run on the index in `folder`, made if it is missing; afterwards its report holds the total."""
    known = (folder / FILE).is_file()
    name = bi_encoder or (read_manifest(folder).encoder if known else BI_ENCODER)
    encoder = load_encoder(name, precision=precision)
    splitter = make_splitter(name, cross_encoder)
    opened = (
        EmbeddedIndex.open(folder, encoder_name=encoder.name)
        if known
        else EmbeddedIndex.create(folder, encoder_name=encoder.name, dimension=encoder.dimension)
    )
    with opened:
        run = DocumentIngest(opened, encoder, splitter, progress)
        yield run
        run.report.passages_total = len(opened)
